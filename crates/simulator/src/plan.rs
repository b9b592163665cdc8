//! The edits that people make. They add, retitle, tick and delete, in a hurry, and sometimes on what they
//! saw a while ago.

use serde_json::{Map, Value, json};
use settee_store::{
    Body, Change, Document, DocumentId, Edit, Record, Revision, replication::ReplicatedDocument,
};

use settee_sync::access::{is_clerks, says_who_may};

use crate::{
    client::Store,
    databases::records,
    places::{ASK, KINDS},
    random::Random,
    scenario::Membership,
    server,
};

/// Few, so that people often write the same.
pub const TITLES: [&str; 6] = ["tea", "coffee", "cocoa", "milk", "bread", "salt"];
/// The server refuses documents with this title.
const FORBIDDEN: &str = "forbidden";
/// The ids of documents that anybody may create begin so, and of those that nobody else does.
pub const SHARED: &str = "shared-";
pub const ITEM: &str = "item-";
/// The number of documents that anybody may create.
const SHARED_COUNT: usize = 4;
/// From this number of documents on none are added, so that people edit the same ones.
const CROWD: usize = 14;
/// Viewers write only to documents with ids that begin so.
const PRIVATE: &str = "viewer";

/// A person who edits a database on one client.
#[derive(Default)]
pub struct Author {
    /// A document as the person saw it some time ago.
    glance: Option<Document>,
    added: u32,
}

/// Whether the server accepts the document.
pub fn is_welcome(document: &ReplicatedDocument) -> bool {
    let bodies = document.revisions.iter().filter_map(|revision| revision.body.as_ref());
    bodies.into_iter().all(|body| body.fields().get("title") != Some(&json!(FORBIDDEN)))
}

/// Whether everybody should have the document.
pub fn is_shared(id: &DocumentId) -> bool {
    !id.as_str().starts_with(PRIVATE)
}

impl Author {
    /// The next edits, to be written one by one or together.
    pub fn edits(&mut self, random: &mut Random, client: usize, store: &Store) -> Vec<Edit> {
        if random.one_in(10) {
            return ask(random, client, store);
        }
        let is_mine = |Record { id, .. }: &Record| {
            !says_who_may(id)
                && !is_clerks(id)
                && (store.membership != Membership::Viewer || !is_shared(id))
        };
        let is_live = |record: &Record| record.tree.winner().is_some_and(|winner| !winner.deleted);
        let mut live = records(&store.database);
        live.retain(|record| is_mine(record) && is_live(record));
        let chosen = random.pick(&live).and_then(|record| record.document());
        let glance = match &chosen {
            Some(chosen) if random.one_in(4) => self.glance.replace(chosen.clone()),
            _ => None,
        };
        let document = match glance.or(chosen) {
            Some(document) if live.len() > CROWD || !random.one_in(4) => document,
            _ => return self.add(random, client, store),
        };
        let Document { id, leaves, body, .. } = document;
        // Some apps don't know yet what their person may not do.
        let is_helping = store.membership == Membership::Helper
            && !random.one_in(6)
            && ![ITEM, ASK]
                .iter()
                .any(|kind| own(store, kind).is_some_and(|own| id.as_str().starts_with(&own)));
        let put = |fields| Some(Change::Put(Body::new(fields).ok()?));
        let count = match random.below(40) {
            // Somebody works for long without a look at what others do.
            0 => 8 + random.below(9),
            1..=10 => 2,
            _ => 1,
        };
        let changes = (0..count).filter_map(|_| {
            let mut fields = body.fields();
            match random.below(8) {
                _ if store.membership == Membership::Rogue => retitle(random, &mut fields, true),
                _ if is_helping => toggle(&mut fields),
                0 => return Some(Change::Delete),
                _ => change(random, &mut fields),
            }
            put(fields)
        });
        let edit = |change| edit(&id, &leaves, change);
        changes.map(edit).collect()
    }

    /// A new document, with an id that nobody else uses or with one that others may use as well.
    pub fn add(&mut self, random: &mut Random, client: usize, store: &Store) -> Vec<Edit> {
        self.added += 1;
        let id = match (store.membership, own(store, ITEM)) {
            (Membership::Viewer, _) => format!("{PRIVATE}-{client}-{}", self.added),
            (Membership::Helper, Some(own)) if !random.one_in(8) => {
                format!("{own}{client}-{}", self.added)
            }
            _ if random.one_in(2) => format!("{SHARED}{}", random.below(SHARED_COUNT)),
            _ => format!("{ITEM}{client}-{}", self.added),
        };
        let mut fields = Map::new();
        fields.insert("completed".into(), json!(false));
        retitle(random, &mut fields, store.membership == Membership::Rogue);
        let added = DocumentId::new(&id).ok().zip(Body::new(fields).ok());
        added.map(|(id, body)| edit(&id, &[], Change::Put(body))).into_iter().collect()
    }
}

/// Asks for a place, or takes the request back.
fn ask(random: &mut Random, client: usize, store: &Store) -> Vec<Edit> {
    if !store.membership.is_meant_to_write() {
        return Vec::new();
    }
    let own = own(store, ASK).filter(|_| store.membership == Membership::Helper);
    let (prefix, kind) = (own.as_deref().unwrap_or(ASK), random.below(KINDS));
    let id = DocumentId::new(&format!("{prefix}{client}/{kind}"));
    let body = Body::new(Map::from_iter([("who".to_owned(), json!(client))]));
    let Some((id, body)) = id.ok().zip(body.ok()) else { return Vec::new() };
    let known = store.record(&id).and_then(|record| record.document());
    let is_there = known.as_ref().is_some_and(|known| !known.deleted);
    let seen = known.map(|known| known.leaves).unwrap_or_default();
    let change = if is_there && random.one_in(2) { Change::Delete } else { Change::Put(body) };
    vec![edit(&id, &seen, change)]
}

/// What the ids of a helper's own documents of a kind begin with.
fn own(store: &Store, prefix: &str) -> Option<String> {
    store.token.as_ref().map(|token| server::own(prefix, token))
}

/// Changes a field or two, as people do.
pub fn change(random: &mut Random, fields: &mut Map<String, Value>) {
    match random.below(7) {
        0 | 1 => toggle(fields),
        2 => {
            retitle(random, fields, false);
            toggle(fields);
        }
        3 => drop(fields.insert("order".into(), json!(random.below(4)))),
        _ => retitle(random, fields, false),
    }
}

fn edit(id: &DocumentId, seen: &[Revision], change: Change) -> Edit {
    Edit { id: id.clone(), seen: seen.to_vec(), change }
}

/// A rogue writes titles that nobody else writes, so that they can be recognised.
fn retitle(random: &mut Random, fields: &mut Map<String, Value>, is_rogue: bool) {
    let title = match (is_rogue, random.pick(&TITLES)) {
        (true, _) => format!("rogue {}", random.draw()),
        (false, Some(title)) if !random.one_in(25) => (*title).to_owned(),
        _ => FORBIDDEN.to_owned(),
    };
    fields.insert("title".into(), json!(title));
}

fn toggle(fields: &mut Map<String, Value>) {
    let is_completed = fields.get("completed") == Some(&json!(true));
    fields.insert("completed".into(), json!(!is_completed));
}
