//! What people do: add, retitle, tick and delete, in a hurry, and on what they saw a while ago.

use serde_json::{Map, Value, json};
use settee_store::{
    Body, Change, Document, DocumentId, Edit, Record, Revision, replication::ReplicatedDocument,
};

use crate::{client::Store, random::Random, records, scenario::Standing};

/// Few, so that several people write the same and the same people write it again.
const TITLES: [&str; 6] = ["tea", "coffee", "cocoa", "milk", "bread", "salt"];
/// The server takes no document of this title.
const FORBIDDEN: &str = "forbidden";
/// Documents that anybody may come to make.
const SHARED: usize = 4;
/// From here on nothing is added, to meet at what is there.
const CROWD: usize = 14;
/// Viewers write to documents with ids of this kind.
const PRIVATE: &str = "viewer";

/// What somebody at a client remembers of a database.
#[derive(Default)]
pub struct Hand {
    glance: Option<Document>,
    added: u32,
}

/// Whether the server takes the document.
pub fn is_welcome(document: &ReplicatedDocument) -> bool {
    let bodies = document.revisions.iter().filter_map(|revision| revision.body.as_ref());
    bodies.into_iter().all(|body| body.fields().get("title") != Some(&json!(FORBIDDEN)))
}

/// Whether everybody is to have the document.
pub fn is_shared(id: &DocumentId) -> bool {
    !id.as_str().starts_with(PRIVATE)
}

impl Hand {
    /// The next things that somebody does, each to be written by itself or all at once.
    pub fn edits(&mut self, random: &mut Random, client: usize, store: &Store) -> Vec<Edit> {
        let is_mine =
            |record: &Record| store.standing != Standing::Viewer || !is_shared(&record.id);
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
            _ => return self.add(random, client, store.standing),
        };
        let Document { id, leaves, body, .. } = document;
        let put = |fields| Some(Change::Put(Body::new(fields).ok()?));
        let count = if random.one_in(4) { 2 } else { 1 };
        let changes = (0..count).filter_map(|_| {
            let mut fields = body.fields();
            match random.below(8) {
                _ if store.standing == Standing::Rogue => retitle(random, &mut fields, true),
                0 => return Some(Change::Delete),
                1 | 2 => toggle(&mut fields),
                3 => {
                    retitle(random, &mut fields, false);
                    toggle(&mut fields);
                }
                4 => drop(fields.insert("order".into(), json!(random.below(4)))),
                _ => retitle(random, &mut fields, false),
            }
            put(fields)
        });
        let edit = |change| edit(&id, &leaves, change);
        changes.map(edit).collect()
    }

    /// A new document, of an id of one's own or of one that others may use as well.
    pub fn add(&mut self, random: &mut Random, client: usize, standing: Standing) -> Vec<Edit> {
        self.added += 1;
        let id = match standing {
            Standing::Viewer => format!("{PRIVATE}-{client}-{}", self.added),
            _ if random.one_in(2) => format!("shared-{}", random.below(SHARED)),
            _ => format!("todo-{client}-{}", self.added),
        };
        let mut fields = Map::new();
        fields.insert("completed".into(), json!(false));
        retitle(random, &mut fields, standing == Standing::Rogue);
        let added = DocumentId::new(&id).ok().zip(Body::new(fields).ok());
        added.map(|(id, body)| edit(&id, &[], Change::Put(body))).into_iter().collect()
    }
}

fn edit(id: &DocumentId, seen: &[Revision], change: Change) -> Edit {
    Edit { id: id.clone(), seen: seen.to_vec(), change }
}

/// What a rogue writes is like nothing that others write, so that it is known again.
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
