//! A model and a database in memory, for all tests.
#![allow(dead_code, reason = "each test uses only a part")]

use any_spawner::Executor;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use settee_leptos::{Collection, Model};
use settee_store::{
    Body, Database, DocumentId, Memory, Operation, Revision,
    replication::{ReplicatedDocument, ReplicatedRevision},
};
use tokio::task::LocalSet;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Note {
    pub text: String,
    pub order: u32,
}

impl Model for Note {
    const PREFIX: &'static str = "note/";
    type Order = u32;

    fn order(&self) -> u32 {
        self.order
    }
}

pub fn note(text: &str, order: u32) -> Note {
    Note { text: text.to_owned(), order }
}

pub fn id(name: &str) -> DocumentId {
    DocumentId::new(&format!("note/{name}")).unwrap()
}

/// Runs a test in a local task set, with a reactive owner.
pub async fn run<F: Future<Output = ()>>(test: impl FnOnce(Memory, Database) -> F) {
    let _ = Executor::init_tokio();
    let backend = Memory::new([1; 16]);
    let owner = Owner::new();
    owner.set();
    LocalSet::new().run_until(test(backend.clone(), Database::new(backend))).await;
}

/// Waits until a condition holds, for a limited number of turns of the event loop.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..10_000 {
        if is_so().await {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("this never happened: {what}");
}

pub async fn attached(database: &Database) -> Collection<Note> {
    let notes = Collection::new();
    notes.attach(database.clone());
    until("the database is loaded", async || notes.ready().get_untracked()).await;
    notes
}

/// Replicates an edit of another replica, which descends from `parent`.
pub async fn replicate(database: &Database, id: &DocumentId, parent: Option<Revision>, text: &str) {
    arrive(database, id, parent, vec![], Some(&note(text, 1))).await;
}

/// The same with any JSON.
pub async fn branch(
    database: &Database,
    id: &DocumentId,
    parent: Revision,
    body: &serde_json::Value,
) {
    arrive(database, id, Some(parent), vec![], Some(body)).await;
}

/// Replicates a revision of another replica. Without content, it is a deletion.
async fn arrive(
    database: &Database,
    id: &DocumentId,
    parent: Option<Revision>,
    merges: Vec<Revision>,
    content: Option<&impl Serialize>,
) {
    let deleted = content.is_none();
    let body = content.map_or_else(Body::empty, |content| Body::from_serialize(content).unwrap());
    let revision = Revision::derive(parent, &merges, deleted, &body).unwrap();
    let json = Some(body.as_str().as_bytes());
    let revision = ReplicatedRevision::verified(revision, parent, merges, deleted, json).unwrap();
    let document = ReplicatedDocument::verified(id.clone(), vec![revision]).unwrap();
    let operation = Operation::Replicate { document, acknowledges: true };
    assert!(database.commit(vec![operation]).await.unwrap().outcomes[0].is_ok());
}

/// Makes an edit and a concurrent one of another replica, and waits until the conflict is shown.
pub async fn clash(
    database: &Database,
    notes: Collection<Note>,
    id: &DocumentId,
    edit: impl FnOnce(&mut Note) + 'static,
) {
    let known = database.get(id).await.unwrap().unwrap();
    notes.update(id, edit);
    is_saved(notes, database, id).await;
    replicate(database, id, Some(known.winner), "theirs").await;
    let row = notes.row(id).unwrap();
    until("the conflict shows", async || !row.state.get_untracked().conflicts.is_empty()).await;
}

pub async fn stored(database: &Database, id: &DocumentId) -> Option<serde_json::Value> {
    let document = database.get(id).await.unwrap().filter(|document| !document.deleted)?;
    Some(serde_json::Value::Object(document.body.fields()))
}

pub async fn is_settled(database: &Database, id: &DocumentId, text: &str) -> bool {
    stored(database, id).await.is_some_and(|body| body["text"] == text)
}

/// Replicates another user's edit of the current document, with any JSON. `null` deletes it.
pub async fn others_write(database: &Database, id: &DocumentId, body: &serde_json::Value) {
    let known = database.get(id).await.unwrap();
    let (parent, merges) = known.map_or((None, vec![]), |known| {
        let mut merges = known.leaves.clone();
        merges.retain(|leaf| *leaf != known.winner);
        merges.sort_unstable();
        (Some(known.winner), merges)
    });
    arrive(database, id, parent, merges, (!body.is_null()).then_some(body)).await;
}

/// Records that the server has refused the pending edits of a document.
pub async fn refuse(database: &Database, id: &DocumentId) {
    let revisions = database.get(id).await.unwrap().unwrap().leaves;
    let refusal = Operation::Refuse { id: id.clone(), revisions, reason: "no".to_owned() };
    database.commit(vec![refusal]).await.unwrap();
}

/// Records that the server has acknowledged the pending edits of a document.
pub async fn acknowledge(database: &Database, id: &DocumentId) {
    let revisions = database.get(id).await.unwrap().unwrap().leaves;
    database.commit(vec![Operation::Acknowledge { id: id.clone(), revisions }]).await.unwrap();
}

/// Runs the event loop until spawned tasks have nothing left to do.
pub async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// Waits until a row and its document are equal.
pub async fn is_saved(notes: Collection<Note>, database: &Database, id: &DocumentId) {
    until("the edit is saved", async || {
        let stored = stored(database, id).await;
        let shown = notes.get(id).map(|note| serde_json::to_value(note).unwrap());
        match (stored, shown) {
            (None, None) => true,
            (Some(stored), Some(shown)) => {
                stored["text"] == shown["text"] && stored["order"] == shown["order"]
            }
            _ => false,
        }
    })
    .await;
    settle().await;
}
