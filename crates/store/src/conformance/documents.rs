//! Writing and reading documents, singly and in batches.

use futures_util::future::{join_all, join3};
use serde_json::json;

use super::{
    delete, document, done, fields, found, id, named, outcome, outcomes, put, set_local, written,
};
use crate::{
    backend::BackendError,
    body::BODY_LIMIT,
    database::Database,
    operation::{COMMIT_LIMIT, Operation, OperationError},
    revision::Revision,
    tree::HISTORY_LIMIT,
};

named![
    every_edit_has_its_outcome,
    a_batch_is_one_change,
    quick_edits_never_conflict,
    edits_handed_in_together_never_conflict,
    the_same_again_changes_nothing,
    a_deleted_document_can_be_written_again,
    ids_and_bodies_come_back_as_they_were,
    local_documents_are_never_changes,
    history_has_an_end,
    a_commit_has_a_limit,
    a_later_term_ends_an_earlier_one,
];

async fn every_edit_has_its_outcome(database: Database) {
    let nowhere = Revision::new(1, [7; 16]).expect("a revision");
    let edits = vec![
        put("a", &[], json!({"n": 1})),
        put("a", &[], json!({"n": 2})),
        put("b", &[nowhere], json!({})),
        delete("c", &[]),
        put("d", &[], json!({"n": 3})),
    ];
    let outcomes = outcomes(&database, edits).await;
    let seqs: Vec<_> = outcomes.iter().map(|outcome| outcome.map(|applied| applied.seq)).collect();
    let (exists, unknown, missing) =
        (OperationError::Exists, OperationError::UnknownRevision, OperationError::NotFound);
    assert_eq!(seqs, [Ok(1), Err(exists), Err(unknown), Err(missing), Ok(2)]);
    assert_eq!(fields(&database, "a").await, json!({"n": 1}));
    assert_eq!(fields(&database, "d").await, json!({"n": 3}));
    assert_eq!(found(&database, "b").await, None);
    assert_eq!(database.seq(), 2);
}

async fn a_batch_is_one_change(database: Database) {
    let mut watch = database.watch();
    let edits = (0..1000).map(|n| put(&format!("note/{n}"), &[], json!({"n": n}))).collect();
    assert!(outcomes(&database, edits).await.iter().all(Result::is_ok));
    assert!(watch.has_changed().expect("the database is open"));
    assert_eq!(*watch.borrow_and_update(), 1000);
    assert_eq!(database.counts().await.expect("counts").documents, 1000);
    assert_eq!(done(&database, Vec::new()).await, []);
    assert!(!watch.has_changed().expect("the database is open"), "nothing was done");
}

async fn quick_edits_never_conflict(database: Database) {
    let first = written(&database, put("a", &[], json!({"title": "tea", "done": false}))).await;
    // Three edits of one profile are based on the same revision.
    written(&database, put("a", &[first], json!({"title": "coffee", "done": false}))).await;
    written(&database, put("a", &[first], json!({"title": "tea", "done": true}))).await;
    written(&database, put("a", &[first], json!({"title": "tea", "done": false, "n": 1}))).await;
    let document = document(&database, "a").await;
    assert_eq!(fields(&database, "a").await, json!({"title": "coffee", "done": true, "n": 1}));
    assert_eq!((document.leaves.len(), document.conflicts.len()), (1, 0));
    assert_eq!(document.winner.generation(), 4);
}

async fn edits_handed_in_together_never_conflict(database: Database) {
    let first = written(&database, put("a", &[], json!({}))).await;
    let fields_of = |n: u32| {
        let mut value = json!({});
        value[format!("f{n}")] = n.into();
        value
    };
    let edits = (0..20).map(|n| outcome(&database, put("a", &[first], fields_of(n))));
    let made = join_all(edits).await;
    assert!(made.iter().all(Result::is_ok));
    let document = document(&database, "a").await;
    assert_eq!((document.leaves.len(), document.body.fields().len()), (1, 20));
}

async fn the_same_again_changes_nothing(database: Database) {
    let first = written(&database, put("a", &[], json!({"n": 1}))).await;
    let again = outcome(&database, put("a", &[first], json!({"n": 1}))).await.expect("it is done");
    assert_eq!((again.revision, again.changed, again.seq), (Some(first), false, 1));
    assert_eq!(database.seq(), 1);
}

async fn a_deleted_document_can_be_written_again(database: Database) {
    let first = written(&database, put("a", &[], json!({"n": 1}))).await;
    let gone = written(&database, delete("a", &[first])).await;
    assert!(document(&database, "a").await.deleted);
    assert_eq!(outcome(&database, delete("a", &[gone])).await, Err(OperationError::NotFound));
    let back = written(&database, put("a", &[], json!({"n": 2}))).await;
    let document = document(&database, "a").await;
    assert_eq!((document.winner, document.deleted, document.leaves.len()), (back, false, 1));
    assert_eq!(back.generation(), 3);
}

async fn ids_and_bodies_come_back_as_they_were(database: Database) {
    let ids = ["note/ü", "☕ 'a' \"b\" \\ %_", "a/b/c", &"x".repeat(512)];
    let big =
        json!({"text": "é".repeat(BODY_LIMIT / 2 - 100), "odd": [null, 1e300, "\u{0}\u{1f}"]});
    for text in ids {
        written(&database, put(text, &[], big.clone())).await;
        assert_eq!(fields(&database, text).await, big);
    }
    let asked = [ids[3], "nowhere", ids[0], ids[0]].map(id).to_vec();
    let records = database.records(asked).await.expect("records");
    let got: Vec<_> = records.iter().map(|r| r.as_ref().map(|r| r.id.as_str())).collect();
    assert_eq!(got, [Some(ids[3]), None, Some(ids[0]), Some(ids[0])], "in the order asked for");
}

async fn local_documents_are_never_changes(database: Database) {
    assert_eq!(database.local("place").await, Ok(None));
    set_local(&database, "place", b"one").await;
    let local = Operation::Local { key: "place".into(), value: Some(b"two".to_vec()) };
    let empty = Operation::Local { key: "empty".into(), value: Some(Vec::new()) };
    done(&database, vec![local, empty, Operation::Edit(put("a", &[], json!({})))]).await;
    assert_eq!(database.local("place").await, Ok(Some(b"two".to_vec())));
    assert_eq!(database.local("empty").await, Ok(Some(Vec::new())));
    assert_eq!(database.set_local("place", None).await, Ok(()));
    assert_eq!(database.local("place").await, Ok(None));
    assert_eq!(database.seq(), 1, "only the document counts");
    assert_eq!(database.changes(0, 10).await.expect("changes").len(), 1);
}

async fn history_has_an_end(database: Database) {
    let mut last = written(&database, put("a", &[], json!({"n": 0}))).await;
    for n in 1..=2 * HISTORY_LIMIT {
        last = written(&database, put("a", &[last], json!({"n": n}))).await;
        let acknowledge = Operation::Acknowledge { id: id("a"), revisions: vec![last] };
        done(&database, vec![acknowledge]).await;
    }
    let records = database.records(vec![id("a")]).await.expect("records");
    let tree = &records[0].as_ref().expect("a record").tree;
    assert!(tree.nodes().len() <= HISTORY_LIMIT);
    assert_eq!(tree.nodes().iter().filter(|node| node.body.is_some()).count(), 2);
    assert_eq!(document(&database, "a").await.leaves, [last]);
}

async fn a_commit_has_a_limit(database: Database) {
    let operation = Operation::Local { key: "a".into(), value: None };
    let operations = vec![operation; COMMIT_LIMIT + 1];
    assert_eq!(database.commit(operations).await, Err(BackendError::TooMany));
    written(&database, put("a", &[], json!({}))).await;
}

async fn a_later_term_ends_an_earlier_one(database: Database) {
    let first = database.lead().await.expect("it leads");
    written(&first, put("a", &[], json!({}))).await;
    let (second, edit) = (database.lead().await.expect("it leads"), put("b", &[], json!({})));
    let before = (database.seq(), found(&database, "b").await);
    assert_eq!(first.write(vec![edit.clone()]).await, Err(BackendError::Superseded));
    assert_eq!(first.set_local("place", Some(vec![1])).await, Err(BackendError::Superseded));
    assert_eq!((database.seq(), found(&database, "b").await), before);
    assert_eq!(database.local("place").await, Ok(None));
    // Handles without a term, which users' edits use, aren't affected; nor is the handle that
    // leads.
    let (edits, other) = (vec![edit], put("c", &[], json!({})));
    let (fenced, free, latest) =
        join3(first.write(edits.clone()), database.write(edits), second.write(vec![other])).await;
    assert_eq!(fenced, Err(BackendError::Superseded));
    assert!(free.is_ok_and(|outcomes| outcomes[0].is_ok()));
    assert!(latest.is_ok_and(|outcomes| outcomes[0].is_ok()));
}
