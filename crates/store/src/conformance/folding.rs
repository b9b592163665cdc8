//! Long work offline, and what may be folded of it.

use serde_json::json;

use super::{
    delete, document, done, fields, id, named, outcome, put, replica, travelling, written,
};
use crate::{
    backend::BackendError,
    database::Database,
    folding::{FOLDED_LIMIT, UNFOLDED_LIMIT},
    operation::{Operation, OperationError},
    record::Kept,
    replication::ReplicatedDocument,
    revision::Revision,
};

named![
    long_work_offline_makes_a_few_revisions,
    what_was_handed_out_is_not_folded,
    what_a_server_has_lost_is_not_folded,
    an_edit_of_a_folded_revision_is_rebased,
    an_edit_of_a_revision_folded_long_ago_becomes_a_branch,
    an_edit_of_what_was_folded_into_a_deletion_survives,
    a_new_document_that_is_deleted_before_anybody_has_it_stays_deleted,
    a_branch_of_any_length_travels_in_parts,
    only_who_leads_hands_out,
];

/// How many edits are more than are kept in any form.
const MANY: usize = UNFOLDED_LIMIT + FOLDED_LIMIT + 10;

/// Writes so many edits of a title, each of the one before. Returns their revisions.
async fn work(database: &Database, text: &str, seen: &[Revision], count: usize) -> Vec<Revision> {
    let mut seen = seen.to_vec();
    let mut made = Vec::new();
    for number in 0..count {
        let edit = put(text, &seen, json!({"title": number, "done": false}));
        seen = vec![written(database, edit).await];
        made.extend_from_slice(&seen);
    }
    made
}

async fn revisions(database: &Database, text: &str) -> Vec<Revision> {
    let records = database.records(vec![id(text)]).await.expect("the record is read");
    let nodes = records[0].iter().flat_map(|record| record.tree.nodes());
    nodes.map(|node| node.revision).collect()
}

async fn to_send(database: &Database, text: &str) -> Option<ReplicatedDocument> {
    let records = database.to_send(100).await.expect("what is pending is read");
    records.iter().find(|record| record.id == id(text))?.outgoing_pending()
}

/// Sends a document until nothing of it is pending. Returns how many times that took.
async fn push(from: &Database, text: &str, to: &Database) -> usize {
    let mut times = 0;
    while let Some(document) = to_send(from, text).await {
        let revisions = document.told();
        done(to, vec![Operation::Replicate { document, acknowledges: false }]).await;
        done(from, vec![Operation::Acknowledge { id: id(text), revisions }]).await;
        times += 1;
    }
    times
}

async fn long_work_offline_makes_a_few_revisions(here: Database) {
    let server = replica();
    let first = written(&here, put("a", &[], json!({"title": "tea"}))).await;
    push(&here, "a", &server).await;
    let made = work(&here, "a", &[first], 500).await;
    assert!(revisions(&here, "a").await.len() <= 1 + UNFOLDED_LIMIT + 1);
    assert_eq!(document(&here, "a").await.leaves, [made[499]]);
    assert_eq!(push(&here, "a", &server).await, 1);
    for database in [&here, &server] {
        assert_eq!(fields(database, "a").await, json!({"title": 499, "done": false}));
        assert_eq!(document(database, "a").await.leaves, [made[499]]);
    }
}

async fn what_was_handed_out_is_not_folded(here: Database) {
    let mut seen = work(&here, "a", &[], MANY).await.split_off(MANY - 1);
    let mut sent = Vec::new();
    for number in 0..5 {
        let document = to_send(&here, "a").await.expect("it is pending");
        sent.extend(document.told());
        // The answer is lost, and meanwhile the user goes on.
        for title in ["x", "y"] {
            let edit = put("a", &seen, json!({"title": format!("{title}{number}")}));
            seen = vec![written(&here, edit).await];
        }
    }
    let there = revisions(&here, "a").await;
    assert!(sent.iter().all(|revision| there.contains(revision)));
    assert_eq!(document(&here, "a").await.leaves, seen, "one follows from the other");
}

async fn what_a_server_has_lost_is_not_folded(here: Database) {
    let server = replica();
    let last = work(&here, "a", &[], MANY).await[MANY - 1];
    push(&here, "a", &server).await;
    done(&here, vec![Operation::Resend { id: id("a") }]).await;
    let next = work(&here, "a", &[last], 1).await[0];
    assert!(revisions(&here, "a").await.contains(&last));
    push(&here, "a", &server).await;
    assert_eq!(document(&server, "a").await.leaves, [next]);
}

async fn an_edit_of_a_folded_revision_is_rebased(here: Database) {
    let made = work(&here, "a", &[], MANY).await;
    let seen = made[MANY - FOLDED_LIMIT];
    assert!(!revisions(&here, "a").await.contains(&seen));
    let title = MANY - FOLDED_LIMIT;
    let edit = put("a", &[seen], json!({"title": title, "done": true}));
    let last = written(&here, edit).await;
    assert_eq!(fields(&here, "a").await, json!({"title": MANY - 1, "done": true}));
    let shown = document(&here, "a").await;
    assert_eq!((shown.leaves, shown.conflicts), (vec![last], Vec::new()));
    // The same again, of the one that was current until now.
    let edit = put("a", &[made[MANY - 1]], json!({"title": "tea", "done": false}));
    written(&here, edit).await;
    assert_eq!(fields(&here, "a").await, json!({"title": "tea", "done": true}));
}

async fn an_edit_of_a_revision_folded_long_ago_becomes_a_branch(here: Database) {
    let made = work(&here, "a", &[], MANY).await;
    let seen = made[UNFOLDED_LIMIT];
    let edit = put("a", &[seen], json!({"title": "old", "done": false, "note": "n"}));
    let branch = written(&here, edit).await;
    let shown = document(&here, "a").await;
    assert_eq!(shown.leaves.len(), 2);
    assert!(shown.leaves.contains(&branch) && shown.leaves.contains(&made[MANY - 1]));
    let values = shown.conflicts.iter().flat_map(|conflict| &conflict.values);
    let values: Vec<_> = values.filter_map(|it| it.value.clone()).collect();
    assert!(values.contains(&json!("old")) && values.contains(&json!(MANY - 1)), "both are shown");
    assert_eq!(fields(&here, "a").await["note"], "n");
}

async fn an_edit_of_what_was_folded_into_a_deletion_survives(here: Database) {
    let server = replica();
    let last = work(&here, "a", &[], MANY).await[MANY - 1];
    let gone = written(&here, delete("a", &[last])).await;
    assert!(!revisions(&here, "a").await.contains(&last));
    let edit = put("a", &[last], json!({"title": "kept", "done": false}));
    let kept = written(&here, edit).await;
    push(&here, "a", &server).await;
    for (database, told) in [(&here, Kept::DeletedHere), (&server, Kept::DeletedElsewhere)] {
        let shown = document(database, "a").await;
        assert_eq!((shown.leaves, shown.kept), (vec![kept, gone], Some(told)));
        assert_eq!(fields(database, "a").await["title"], "kept");
    }
}

async fn a_new_document_that_is_deleted_before_anybody_has_it_stays_deleted(here: Database) {
    let server = replica();
    let last = work(&here, "a", &[], MANY).await[MANY - 1];
    let gone = written(&here, delete("a", &[last])).await;
    assert_eq!(outcome(&here, delete("a", &[gone])).await, Err(OperationError::NotFound));
    let again = written(&here, put("a", &[], json!({"title": "again"}))).await;
    assert_eq!(document(&here, "a").await.leaves, [again]);
    written(&here, delete("a", &[again])).await;
    push(&here, "a", &server).await;
    assert!(document(&server, "a").await.deleted && document(&here, "a").await.deleted);
}

async fn a_branch_of_any_length_travels_in_parts(here: Database) {
    let server = replica();
    let first = written(&here, put("a", &[], json!({"title": "tea"}))).await;
    push(&here, "a", &server).await;
    // Each edit is handed out, and no answer ever comes.
    let mut seen = vec![first];
    for number in 0..300 {
        seen = vec![written(&here, put("a", &seen, json!({"title": number}))).await];
        if number >= UNFOLDED_LIMIT {
            done(&here, vec![Operation::HandOut { id: id("a") }]).await;
        }
    }
    assert!(revisions(&here, "a").await.len() > 300);
    assert!(push(&here, "a", &server).await > 1);
    assert_eq!(document(&server, "a").await.leaves, seen);
    let whole = travelling(&server, "a").await;
    assert!(ReplicatedDocument::verified(whole.id, whole.revisions).is_ok(), "it can travel on");
}

async fn only_who_leads_hands_out(here: Database) {
    let leader = here.lead().await.expect("nobody else leads");
    work(&here, "a", &[], MANY).await;
    let successor = here.lead().await.expect("a later term begins");
    assert_eq!(leader.to_send(10).await.err(), Some(BackendError::Superseded));
    assert_eq!(successor.to_send(10).await.expect("it leads").len(), 1);
}
