//! What compaction drops, and what it has to keep.

use serde_json::json;

use super::{
    carry, delete, document, done, fields, id, named, outcome, put, replica, state, travelling,
    written,
};
use crate::{
    database::{Compaction, Database},
    operation::{Operation, OperationError},
    record::Kept,
    replication::Known,
    revision::Revision,
};

named![
    compaction_changes_nothing_that_is_read,
    a_deleted_document_becomes_a_stub,
    a_stub_keeps_a_document_deleted,
    an_edit_that_the_stub_has_not_seen_survives_it,
    what_is_needed_stays,
    a_merge_base_that_was_forgotten_is_taken_from_the_server,
    what_a_server_shows_is_not_closed_by_what_it_has_forgotten,
];

async fn acknowledged(database: &Database, text: &str, revision: Revision) {
    let operation = Operation::Acknowledge { id: id(text), revisions: vec![revision] };
    done(database, vec![operation]).await;
}

async fn revisions(database: &Database, text: &str) -> usize {
    let records = database.records(vec![id(text)]).await.expect("the record is read");
    records[0].as_ref().map_or(0, |record| record.tree.nodes().len())
}

/// A document that was edited and deleted, with all of it acknowledged.
async fn deleted(database: &Database, text: &str) -> [Revision; 3] {
    let first = written(database, put(text, &[], json!({"title": "tea"}))).await;
    let second = written(database, put(text, &[first], json!({"title": "cocoa"}))).await;
    let gone = written(database, delete(text, &[second])).await;
    acknowledged(database, text, gone).await;
    [first, second, gone]
}

async fn compacted(database: &Database) -> Compaction {
    let compaction = database.compact().await.expect("it is compacted");
    let (before, after) = compaction.bytes;
    assert!(after < before || compaction.documents == 0);
    compaction
}

async fn compaction_changes_nothing_that_is_read(database: Database) {
    deleted(&database, "a").await;
    let first = written(&database, put("b", &[], json!({"n": 1}))).await;
    written(&database, put("b", &[first], json!({"n": 2}))).await;
    let (before, shown) = (state(&database).await, document(&database, "a").await);
    let compaction = compacted(&database).await;
    assert_eq!((compaction.documents, compaction.revisions), (1, 2));
    let after = state(&database).await;
    assert_eq!((after.seq, after.counts), (before.seq, before.counts));
    assert_eq!(document(&database, "a").await, shown);
    let ids = |state: &super::State| -> Vec<_> {
        state.records.iter().map(|record| (record.id.clone(), record.seq)).collect()
    };
    assert_eq!(ids(&after), ids(&before));
    assert_eq!(
        compacted(&database).await,
        Compaction::default(),
        "the second time there is nothing to drop"
    );
}

async fn a_deleted_document_becomes_a_stub(database: Database) {
    let [.., gone] = deleted(&database, "a").await;
    assert_eq!(revisions(&database, "a").await, 3);
    assert_eq!(compacted(&database).await.revisions, 2);
    assert_eq!(revisions(&database, "a").await, 1);
    let stub = document(&database, "a").await;
    assert_eq!((stub.deleted, stub.winner), (true, gone));
    assert_eq!(outcome(&database, delete("a", &[gone])).await, Err(OperationError::NotFound));
    let back = written(&database, put("a", &[], json!({"title": "milk"}))).await;
    assert_eq!((document(&database, "a").await.winner, back.generation()), (back, 4));
}

/// A document that was written here, then edited and deleted on a server, which has compacted it.
async fn deleted_elsewhere(here: &Database, text: &str) -> (Database, [Revision; 2]) {
    let server = replica();
    let first = written(here, put(text, &[], json!({"title": "tea"}))).await;
    carry(here, text, &server).await;
    acknowledged(here, text, first).await;
    let second = written(&server, put(text, &[first], json!({"title": "cocoa"}))).await;
    let gone = written(&server, delete(text, &[second])).await;
    acknowledged(&server, text, gone).await;
    compacted(&server).await;
    (server, [first, gone])
}

async fn a_stub_keeps_a_document_deleted(here: Database) {
    let (server, [_, gone]) = deleted_elsewhere(&here, "a").await;
    let stub = travelling(&server, "a").await;
    assert_eq!((stub.forgotten.len(), stub.revisions.len()), (2, 1));
    let replicate = || Operation::Replicate { document: stub.clone(), acknowledges: true };
    assert!(done(&here, vec![replicate()]).await[0].changed);
    let document = document(&here, "a").await;
    assert_eq!((document.deleted, document.leaves, document.kept), (true, vec![gone], None));
    assert!(!done(&here, vec![replicate()]).await[0].changed);
}

async fn an_edit_that_the_stub_has_not_seen_survives_it(here: Database) {
    let (server, [first, gone]) = deleted_elsewhere(&here, "a").await;
    let edited = written(&here, put("a", &[first], json!({"title": "mine"}))).await;
    let stub = travelling(&server, "a").await;
    done(&here, vec![Operation::Replicate { document: stub, acknowledges: true }]).await;
    carry(&here, "a", &server).await;
    // The deletion is the server's own, so to the server it was deleted here.
    for (database, kept) in [(&here, Kept::DeletedElsewhere), (&server, Kept::DeletedHere)] {
        let shown = document(database, "a").await;
        assert_eq!((shown.leaves, shown.kept), (vec![edited, gone], Some(kept)));
        assert_eq!(fields(database, "a").await, json!({"title": "mine"}));
    }
}

async fn what_is_needed_stays(here: Database) {
    let there = replica();
    let base = json!({"title": "tea", "done": false});
    let first = written(&here, put("a", &[], base)).await;
    carry(&here, "a", &there).await;
    written(&here, put("a", &[first], json!({"title": "tea", "done": true}))).await;
    written(&there, put("a", &[first], json!({"title": "cocoa", "done": false}))).await;
    carry(&there, "a", &here).await;
    let merged = json!({"title": "cocoa", "done": true});
    compacted(&here).await;
    assert_eq!(fields(&here, "a").await, merged, "the common ancestor's body is kept");

    // A pending edit is sent with the revision that it is based on.
    let [_, _, gone] = deleted(&here, "b").await;
    let back = written(&here, put("b", &[gone], json!({"title": "milk"}))).await;
    compacted(&here).await;
    let records = here.records(vec![id("b")]).await.expect("the record is read");
    let record = records[0].as_ref().expect("the record is there");
    let sent = record.outgoing_pending().expect("it is pending");
    assert!(sent.is_complete() && sent.told() == [back]);
    assert!(record.outgoing_since(Known::Nothing, |_| false).is_some());
}

/// The latest revision of a document without its ancestors, as a replica that begins empty gets it.
async fn latest(from: &Database, text: &str) -> Operation {
    let records = from.records(vec![id(text)]).await.expect("the record is read");
    let record = records[0].as_ref().expect("the record is there");
    let document = record.outgoing_since(Known::Nothing, |_| false).expect("it is live");
    Operation::Replicate { document, acknowledges: false }
}

async fn a_merge_base_that_was_forgotten_is_taken_from_the_server(here: Database) {
    let (server, one, other) = (replica(), replica(), replica());
    let first = json!({"title": "tea", "done": false});
    let first = written(&here, put("a", &[], first)).await;
    let base = latest(&here, "a").await;
    for there in [&one, &other] {
        carry(&here, "a", there).await;
    }
    let gone = written(&here, delete("a", &[first])).await;
    acknowledged(&here, "a", gone).await;
    compacted(&here).await;

    // The server has lost everything, and gets what it lacks from one replica after another.
    written(&one, put("a", &[first], json!({"title": "tea", "done": true}))).await;
    written(&other, put("a", &[first], json!({"title": "cocoa", "done": false}))).await;
    carry(&here, "a", &server).await;
    done(&server, vec![latest(&one, "a").await, latest(&other, "a").await]).await;
    let shown = async || {
        let sent = travelling(&server, "a").await;
        done(&here, vec![Operation::from_server(sent, true)]).await;
        assert_eq!(fields(&here, "a").await, fields(&server, "a").await);
        document(&here, "a").await.conflicts.len()
    };
    assert_eq!(shown().await, 2, "without their ancestor all differences are conflicts");
    done(&server, vec![base]).await;
    assert_eq!(shown().await, 0);
    assert_eq!(fields(&here, "a").await, json!({"title": "cocoa", "done": true}));
}

async fn what_a_server_shows_is_not_closed_by_what_it_has_forgotten(here: Database) {
    let (server, other) = (replica(), replica());
    let first = written(&other, put("a", &[], json!({"title": "tea"}))).await;
    let away = latest(&other, "a").await;
    let second = written(&other, put("a", &[first], json!({"title": "cocoa"}))).await;
    for there in [&here, &server] {
        done(there, vec![latest(&other, "a").await]).await;
    }
    let gone = written(&server, delete("a", &[second])).await;
    acknowledged(&server, "a", gone).await;
    compacted(&server).await;
    done(&server, vec![away]).await;
    assert_eq!(document(&server, "a").await.leaves, [first, gone], "it never had the first one");
    let sent = travelling(&server, "a").await;
    done(&here, vec![Operation::from_server(sent, true)]).await;
    assert_eq!(document(&here, "a").await.leaves, [first, gone]);
}
