//! The suite that every back end has to pass (feature `conformance`).
//!
//! A back end's tests run [`all`], and [`durable`] if it persists what is written. The suite
//! doesn't depend on any back end. A case that fails panics.

mod compaction;
mod delivery;
mod documents;
mod feed;
mod folding;
mod merging;
pub mod storage;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    backend::{BoxFuture, memory::Memory},
    body::Body,
    database::Database,
    document_id::DocumentId,
    operation::{Applied, Change, Edit, Operation, OperationError},
    record::{Document, Record},
    replication::{Known, ReplicatedDocument},
    revision::Revision,
};

/// Checks one property with an empty database. Panics if it doesn't hold.
pub type Case = fn(Database) -> BoxFuture<'static, ()>;

/// Lists functions as the cases of a module, under their names.
macro_rules! named {
    ($($case:ident),* $(,)?) => {
        pub(super) const CASES: &[(&str, $crate::conformance::Case)] =
            &[$((stringify!($case), |database| Box::pin($case(database)))),*];
    };
}
use named;

/// All cases with their names, which say what holds.
pub fn cases() -> impl Iterator<Item = (&'static str, Case)> {
    let families = [
        documents::CASES,
        merging::CASES,
        delivery::CASES,
        folding::CASES,
        feed::CASES,
        compaction::CASES,
    ];
    families.into_iter().flatten().copied()
}

/// Runs every case on an empty database of its own, which `open` creates. Panics at the first case
/// that fails.
pub async fn all(open: impl AsyncFn() -> Database) {
    for (_, case) in cases() {
        case(open().await).await;
    }
}

/// Checks that everything is still there after a database was closed and opened again. `open` opens
/// the same database each time, which is empty at first. Panics if something is missing.
pub async fn durable(open: impl AsyncFn() -> Database) {
    let database = open().await;
    let there = replica();
    let shared = written(&database, put("shared", &[], json!({"title": "tea"}))).await;
    carry(&database, "shared", &there).await;
    let seen = [shared];
    written(&there, put("shared", &seen, json!({"title": "coffee"}))).await;
    written(&database, put("shared", &seen, json!({"title": "cocoa"}))).await;
    carry(&there, "shared", &database).await;

    let gone = written(&database, put("gone", &[], json!({}))).await;
    written(&database, delete("gone", &[gone])).await;
    let refused = written(&database, put("refused", &[], json!({"title": "no"}))).await;
    let refuse =
        Operation::Refuse { id: id("refused"), revisions: vec![refused], reason: "no".into() };
    let sent = written(&database, put("sent", &[], json!({}))).await;
    let acknowledge = Operation::Acknowledge { id: id("sent"), revisions: vec![sent] };
    done(&database, vec![refuse, acknowledge]).await;
    set_local(&database, "place", b"here").await;
    set_local(&database, "old", b"there").await;
    assert_eq!(database.set_local("old", None).await, Ok(()));

    let before = state(&database).await;
    assert!(!document(&database, "shared").await.conflicts.is_empty());
    assert_eq!((before.counts.documents, before.counts.pending, before.counts.refused), (4, 2, 1));
    drop(database);

    let database = open().await;
    assert_eq!(state(&database).await, before);
    assert_eq!(database.local("place").await, Ok(Some(b"here".to_vec())));
    assert_eq!(database.local("old").await, Ok(None));
    let outcome = database.write(vec![put("later", &[], json!({}))]).await;
    let seq = outcome.ok().and_then(|outcomes| outcomes[0].ok()).map(|applied| applied.seq);
    assert_eq!(seq, Some(before.seq + 1), "the sequence continues");
}

/// Everything that can be read from a database.
#[derive(Debug, PartialEq)]
struct State {
    records: Vec<Arc<Record>>,
    pending: Vec<Arc<Record>>,
    counts: crate::backend::Counts,
    seq: u64,
    incarnation: crate::backend::Incarnation,
}

async fn state(database: &Database) -> State {
    State {
        records: database.changes(0, usize::MAX).await.expect("changes are read"),
        pending: database.pending(usize::MAX).await.expect("what is pending is read"),
        counts: database.counts().await.expect("counts are read"),
        seq: database.seq(),
        incarnation: database.incarnation(),
    }
}

/// Another replica to sync with.
fn replica() -> Database {
    Database::new(Memory::new([0xee; 16]))
}

fn id(text: &str) -> DocumentId {
    DocumentId::new(text).expect("an id")
}

fn body(value: &Value) -> Body {
    Body::from_serialize(value).expect("a body")
}

#[expect(clippy::needless_pass_by_value, reason = "callers pass literals")]
fn put(text: &str, seen: &[Revision], value: Value) -> Edit {
    Edit { id: id(text), seen: seen.to_vec(), change: Change::Put(body(&value)) }
}

fn delete(text: &str, seen: &[Revision]) -> Edit {
    Edit { id: id(text), seen: seen.to_vec(), change: Change::Delete }
}

async fn outcomes(database: &Database, edits: Vec<Edit>) -> Vec<Result<Applied, OperationError>> {
    let count = edits.len();
    let outcomes = database.write(edits).await.expect("the commit succeeds");
    assert_eq!(outcomes.len(), count, "there is an outcome for each edit");
    outcomes
}

async fn outcome(database: &Database, edit: Edit) -> Result<Applied, OperationError> {
    outcomes(database, vec![edit]).await.remove(0)
}

/// Writes an edit, which has to succeed, and returns its revision.
async fn written(database: &Database, edit: Edit) -> Revision {
    let applied = outcome(database, edit).await.expect("the edit succeeds");
    applied.revision.expect("an edit makes a revision")
}

/// Commits operations, which have to succeed, and returns what they did.
async fn done(database: &Database, operations: Vec<Operation>) -> Vec<Applied> {
    let commit = database.commit(operations).await.expect("the commit succeeds");
    assert_eq!(commit.seq, database.seq(), "a commit is visible at once");
    commit.outcomes.into_iter().map(|outcome| outcome.expect("it succeeds")).collect()
}

async fn set_local(database: &Database, key: &str, value: &[u8]) {
    database.set_local(key, Some(value.to_vec())).await.expect("a local document is written");
}

async fn found(database: &Database, text: &str) -> Option<Document> {
    database.get(&id(text)).await.expect("the document is read")
}

async fn document(database: &Database, text: &str) -> Document {
    found(database, text).await.expect("the document is there")
}

async fn fields(database: &Database, text: &str) -> Value {
    Value::Object(document(database, text).await.body.fields())
}

/// A document as it is sent to another replica that may have some of it.
async fn travelling(from: &Database, text: &str) -> ReplicatedDocument {
    let records = from.records(vec![id(text)]).await.expect("the record is read");
    let record = records[0].as_ref().expect("the record is there");
    record.outgoing_since(Known::Unsure, |_| false).expect("there is something to send")
}

/// Sends a document to another replica, and returns what it did there.
async fn carry(from: &Database, text: &str, to: &Database) -> Applied {
    let document = travelling(from, text).await;
    let operation = Operation::Replicate { document, acknowledges: false };
    done(to, vec![operation]).await[0]
}
