//! Places: there are few of each kind, and a clerk gives them to those who ask, in the order in which it hears of
//! them. Who asks is told once, and may take the request back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use settee_store::{
    BackendError, Body, Database, Document, DocumentId,
    backend::BoxFuture,
    clerk::{Answer, Clerk, Desk},
};

use crate::databases::records;

/// The ids of requests begin so, and end with a slash and the kind.
pub const ASK: &str = "ask/";
/// Where the clerk answers: behind this, the kind.
const GIVEN: &str = "clerk/given/";
const LOOKS: &str = "looks";
/// How many kinds there are.
pub const KINDS: usize = 2;
/// How many places there are of each.
pub const PLACES: usize = 2;

/// The clerk who gives them out.
pub struct Giver;

/// What became of the requests of a kind.
#[derive(Debug, Default)]
pub struct Given {
    /// By their ids, whether they have a place.
    pub places: BTreeMap<String, bool>,
    /// How often the clerk has looked at one, which would be wrong if anything were done twice.
    pub looks: u64,
}

impl Clerk for Giver {
    fn name(&self) -> &'static str {
        "giver"
    }

    fn follows(&self, id: &DocumentId) -> bool {
        id.as_str().starts_with(ASK)
    }

    fn answer<'a>(
        &'a self,
        desk: Desk<'a>,
        changed: Vec<Document>,
    ) -> BoxFuture<'a, Result<Vec<Answer>, BackendError>> {
        Box::pin(decide(desk, changed))
    }
}

async fn decide(desk: Desk<'_>, changed: Vec<Document>) -> Result<Vec<Answer>, BackendError> {
    let mut answers = Vec::new();
    for id in given_ids() {
        let about_it = changed.iter().filter(|ask| given_id(&ask.id).as_ref() == Some(&id));
        let known = desk.read(vec![id.clone()]).await?;
        let known = known.into_iter().flatten().next();
        let mut given = known.as_ref().map(Given::read).unwrap_or_default();
        about_it.for_each(|ask| given.hear(ask));
        if given.looks > 0 {
            answers.extend(given.body().map(|body| Answer { id, body: Some(body) }));
        }
    }
    Ok(answers)
}

impl Given {
    /// What the clerk has answered.
    pub fn read(document: &Document) -> Self {
        let fields = document.body.fields();
        let looks = fields.get(LOOKS).and_then(Value::as_u64).unwrap_or_default();
        let places = fields.into_iter().filter_map(|(ask, place)| Some((ask, place.as_bool()?)));
        Self { places: places.collect(), looks }
    }

    /// How many places are taken.
    pub fn taken(&self) -> usize {
        self.places.values().filter(|has_place| **has_place).count()
    }

    pub fn has_place(&self, ask: &str) -> bool {
        self.places.get(ask) == Some(&true)
    }

    fn hear(&mut self, ask: &Document) {
        let (name, has_room) = (ask.id.to_string(), self.taken() < PLACES);
        self.looks += 1;
        if ask.deleted {
            self.places.remove(&name);
        } else {
            self.places.entry(name).or_insert(has_room);
        }
    }

    fn body(&self) -> Option<Body> {
        let places = self.places.iter().map(|(ask, has_place)| (ask.clone(), json!(has_place)));
        Body::new(places.chain([(LOOKS.to_owned(), json!(self.looks))]).collect()).ok()
    }
}

/// Where the clerk answers requests of each kind.
pub fn given_ids() -> impl Iterator<Item = DocumentId> {
    (0..KINDS).filter_map(|kind| DocumentId::new(&format!("{GIVEN}{kind}")).ok())
}

/// Where a request is answered.
fn given_id(ask: &DocumentId) -> Option<DocumentId> {
    let (_, kind) = ask.as_str().strip_prefix(ASK)?.rsplit_once('/')?;
    DocumentId::new(&format!("{GIVEN}{kind}")).ok()
}

/// The requests that a database has.
pub fn asked(database: &Database) -> BTreeSet<String> {
    let documents = records(database).into_iter().filter_map(|record| record.document());
    let asks = documents.filter(|it| !it.deleted && it.id.as_str().starts_with(ASK));
    asks.map(|ask| ask.id.to_string()).collect()
}

/// How many requests have changed between two places of the update sequence.
pub fn changed(database: &Database, since: u64, until: u64) -> u64 {
    let changed = records(database).into_iter();
    let changed = changed.filter(|record| record.seq > since && record.seq <= until);
    changed.filter(|record| record.id.as_str().starts_with(ASK)).count() as u64
}
