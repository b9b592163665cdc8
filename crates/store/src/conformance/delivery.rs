//! Pending revisions, and the server's answers.

use serde_json::json;

use super::{delete, document, done, fields, found, id, named, put, replica, travelling, written};
use crate::{
    body::Body,
    database::Database,
    operation::{Change, Operation},
    refusal::RefusalError,
    replication::{Known, ReplicatedDocument},
    revision::Revision,
};

named![
    edits_are_pending_until_they_are_acknowledged,
    pending_documents_are_read_in_order_up_to_a_limit,
    acknowledging_a_revision_acknowledges_its_ancestors,
    what_the_server_sends_is_not_sent_to_it,
    a_refused_edit_leaves_other_edits_visible,
    edits_that_are_refused_one_after_another_are_all_kept,
    a_refused_new_document_is_not_read,
    what_waits_can_be_given_up,
    what_a_server_has_lost_is_sent_again,
    what_a_server_has_lost_between_two_revisions_is_sent_again,
    links_that_the_server_refuses_stay_here,
];

fn acknowledge(text: &str, revision: Revision) -> Operation {
    Operation::Acknowledge { id: id(text), revisions: vec![revision] }
}

fn refuse(text: &str, revision: Revision) -> Operation {
    Operation::Refuse { id: id(text), revisions: vec![revision], reason: "too long".into() }
}

async fn pending(database: &Database) -> Vec<String> {
    let records = database.pending(100).await.expect("what is pending");
    let ids: Vec<String> = records.iter().map(|record| record.id.to_string()).collect();
    assert_eq!(database.counts().await.expect("counts").pending, ids.len());
    ids
}

async fn edits_are_pending_until_they_are_acknowledged(database: Database) {
    let one = written(&database, put("a", &[], json!({}))).await;
    written(&database, put("b", &[], json!({}))).await;
    assert_eq!(pending(&database).await, ["a", "b"]);
    assert!(document(&database, "a").await.pending);
    let applied = done(&database, vec![acknowledge("a", one)]).await;
    assert!(applied[0].changed);
    assert_eq!(pending(&database).await, ["b"]);
    assert!(!document(&database, "a").await.pending);
    let applied = done(&database, vec![acknowledge("a", one), refuse("a", one)]).await;
    assert!(applied.iter().all(|applied| !applied.changed), "nothing is pending any more");
}

async fn pending_documents_are_read_in_order_up_to_a_limit(database: Database) {
    let first = written(&database, put("a", &[], json!({}))).await;
    for text in ["b", "c"] {
        written(&database, put(text, &[], json!({}))).await;
    }
    written(&database, put("a", &[first], json!({"n": 1}))).await;
    assert_eq!(pending(&database).await, ["b", "c", "a"]);
    let two = database.pending(2).await.expect("what is pending");
    assert_eq!(two.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), ["b", "c"]);
}

async fn acknowledging_a_revision_acknowledges_its_ancestors(database: Database) {
    let first = written(&database, put("a", &[], json!({"n": 1}))).await;
    let second = written(&database, put("a", &[first], json!({"n": 2}))).await;
    done(&database, vec![acknowledge("a", first)]).await;
    assert_eq!(pending(&database).await, ["a"], "the second one still waits");
    let third = written(&database, delete("a", &[second])).await;
    done(&database, vec![acknowledge("a", third)]).await;
    assert_eq!(pending(&database).await, [""; 0]);
}

async fn what_the_server_sends_is_not_sent_to_it(database: Database) {
    let server = replica();
    let first = written(&database, put("a", &[], json!({"n": 1}))).await;
    super::carry(&database, "a", &server).await;
    written(&server, put("a", &[first], json!({"n": 2}))).await;
    written(&server, put("b", &[], json!({}))).await;
    for text in ["a", "b"] {
        let document = travelling(&server, text).await;
        done(&database, vec![Operation::Replicate { document, acknowledges: true }]).await;
    }
    assert_eq!(
        pending(&database).await,
        [""; 0],
        "the server's revision is based on ours, so it has that, too"
    );
}

async fn a_refused_edit_leaves_other_edits_visible(database: Database) {
    let first = written(&database, put("a", &[], json!({"title": "tea"}))).await;
    done(&database, vec![acknowledge("a", first)]).await;
    let second = written(&database, put("a", &[first], json!({"title": "x"}))).await;
    let third = written(&database, put("a", &[second], json!({"title": "xy"}))).await;
    let applied = done(&database, vec![refuse("a", second)]).await;
    assert!(applied[0].changed);

    let document_now = document(&database, "a").await;
    assert_eq!((document_now.winner, document_now.pending), (first, false));
    assert_eq!(fields(&database, "a").await, json!({"title": "tea"}));
    let refused = document_now.refused.expect("the refused edit is kept");
    assert_eq!((refused.revision, refused.reason.as_str()), (third, "too long"));
    assert_eq!(refused.body.map(|body| body.fields()["title"].clone()), Some(json!("xy")));
    assert_eq!(database.counts().await.expect("counts").refused, 1);
    assert_eq!(pending(&database).await, [""; 0]);

    // The edit is made again on the accepted revision, and the refused one is discarded.
    let again = written(&database, put("a", &[first], json!({"title": "y"}))).await;
    assert_eq!(again.generation(), 2);
    let discard = || Operation::Discard { id: id("a"), revision: third };
    assert!(done(&database, vec![discard()]).await[0].changed);
    assert_eq!(document(&database, "a").await.refused, None);
    assert_eq!(database.counts().await.expect("counts").refused, 0);
    assert!(!done(&database, vec![discard()]).await[0].changed);
    assert_eq!(pending(&database).await, ["a"]);
}

async fn edits_that_are_refused_one_after_another_are_all_kept(database: Database) {
    let first = written(&database, put("a", &[], json!({"n": 1, "title": "tea"}))).await;
    done(&database, vec![acknowledge("a", first)]).await;
    let mut refused = Vec::new();
    for n in [2, 3] {
        let fields = json!({"n": n, "title": "tea"});
        let revision = written(&database, put("a", &[first], fields)).await;
        done(&database, vec![refuse("a", revision)]).await;
        refused.insert(0, revision);
    }
    let kept = database.refused().await.expect("refused");
    let names: Vec<_> = kept[0].1.iter().map(|refused| refused.revision).collect();
    assert_eq!((kept.len(), &names), (1, &refused));
    assert_eq!(database.counts().await.expect("counts").refused, 1);

    // Somebody else changes another field in the meantime.
    let theirs = written(&database, put("a", &[first], json!({"n": 1, "title": "coffee"}))).await;
    done(&database, vec![acknowledge("a", theirs)]).await;
    let unknown = database.retry(&id("a"), first).await;
    assert_eq!(unknown, Err(RefusalError::NotFound));
    database.retry(&id("a"), refused[1]).await.expect("it is made again");
    assert_eq!(fields(&database, "a").await, json!({"n": 2, "title": "coffee"}));
    let change = Change::Put(Body::from_serialize(&json!({"n": 5})).expect("a body"));
    database.replace(&id("a"), refused[0], change).await.expect("another is made");
    assert_eq!(fields(&database, "a").await, json!({"n": 5}));
    assert_eq!(database.refused().await.expect("refused"), []);
    assert!(!database.discard(&id("a"), refused[0]).await.expect("discard"));
}

async fn a_refused_new_document_is_not_read(database: Database) {
    let only = written(&database, put("a", &[], json!({}))).await;
    done(&database, vec![refuse("a", only)]).await;
    assert_eq!(found(&database, "a").await, None);
    let records = database.records(vec![id("a")]).await.expect("records");
    assert!(records[0].as_ref().is_some_and(|record| record.refused.is_some()));
    assert_eq!(database.counts().await.expect("counts").refused, 1);
    let again = written(&database, put("a", &[], json!({"n": 1}))).await;
    assert_eq!(document(&database, "a").await.winner, again);
}

async fn what_waits_can_be_given_up(database: Database) {
    let known = written(&database, put("known", &[], json!({"n": 1}))).await;
    let other = written(&database, put("other", &[], json!({"n": 1}))).await;
    done(&database, vec![acknowledge("known", known), acknowledge("other", other)]).await;
    let refused = written(&database, put("other", &[other], json!({"n": 2}))).await;
    done(&database, vec![refuse("other", refused)]).await;
    written(&database, put("known", &[known], json!({"n": 2}))).await;
    written(&database, put("new", &[], json!({"n": 2}))).await;
    written(&database, put("other", &[other], json!({"n": 3}))).await;
    assert_eq!(database.give_up_pending("not allowed").await, Ok(3));
    assert_eq!(pending(&database).await, [""; 0]);
    assert_eq!(fields(&database, "known").await, json!({"n": 1}));
    assert_eq!(fields(&database, "other").await, json!({"n": 1}));
    assert!(found(&database, "new").await.is_none());
    // What the server has refused is another matter.
    assert_eq!(
        document(&database, "other").await.refused.map(|it| it.reason),
        Some("too long".into())
    );
    assert_eq!(database.give_up_pending("not allowed").await, Ok(0));
}

async fn what_a_server_has_lost_is_sent_again(database: Database) {
    let one = written(&database, put("a", &[], json!({}))).await;
    let gone = written(&database, delete("a", &[one])).await;
    done(&database, vec![acknowledge("a", gone)]).await;
    let resend = || Operation::Resend { id: id("a") };
    done(&database, vec![resend(), Operation::Resend { id: id("nowhere") }]).await;
    assert_eq!(pending(&database).await, ["a"]);
    assert_eq!(document(&database, "a").await.winner, gone);
    done(&database, vec![acknowledge("a", gone)]).await;
    assert_eq!(pending(&database).await, [""; 0]);
}

/// Makes four revisions that are acknowledged, and returns what a server says that has lost those in
/// between, and the last one.
async fn with_lost_links(database: &Database) -> (ReplicatedDocument, Revision) {
    let server = replica();
    let mut seen = Vec::new();
    for n in 1..=4 {
        seen = vec![written(database, put("a", &seen, json!({"n": n}))).await];
        if n == 1 || n == 4 {
            let records = database.records(vec![id("a")]).await.expect("records");
            let record = records[0].as_ref().expect("the record is there");
            let document = record.outgoing_since(Known::Nothing, |_| false).expect("a leaf");
            done(&server, vec![Operation::Replicate { document, acknowledges: false }]).await;
        }
    }
    done(database, vec![acknowledge("a", seen[0])]).await;
    assert_eq!(pending(database).await, [""; 0]);
    (travelling(&server, "a").await, seen[0])
}

/// What is sent next of the document: the generations of its revisions, and what is acknowledged.
async fn outgoing(database: &Database) -> (Vec<u32>, Vec<Revision>) {
    let records = database.to_send(1).await.expect("what is pending");
    let sent = records[0].outgoing_pending().expect("something is pending");
    (sent.revisions.iter().map(|sent| sent.revision.generation()).collect(), sent.told())
}

async fn what_a_server_has_lost_between_two_revisions_is_sent_again(database: Database) {
    let (shown, last) = with_lost_links(&database).await;
    let later = written(&database, put("a", &[last], json!({"n": 5}))).await;
    done(&database, vec![Operation::from_server(shown.clone(), false)]).await;
    assert_eq!(outgoing(&database).await.0, [4, 5], "who may not write has nothing to send");
    done(&database, vec![Operation::from_server(shown, true)]).await;
    // The latest edit was under way already.
    done(&database, vec![acknowledge("a", later)]).await;
    let (sent, told) = outgoing(&database).await;
    assert_eq!(sent, [1, 2, 3]);
    done(&database, vec![acknowledge("a", told[0])]).await;
    assert_eq!(pending(&database).await, [""; 0]);
    assert_eq!(document(&database, "a").await.leaves, [later]);
}

async fn links_that_the_server_refuses_stay_here(database: Database) {
    let (shown, last) = with_lost_links(&database).await;
    done(&database, vec![Operation::from_server(shown, true)]).await;
    for expected in [&[1, 2, 3][..], &[1, 2]] {
        let (sent, told) = outgoing(&database).await;
        assert_eq!(sent, expected);
        done(&database, vec![refuse("a", told[0])]).await;
    }
    assert_eq!(pending(&database).await, [""; 0]);
    assert_eq!(document(&database, "a").await.leaves, [last]);
    assert_eq!(document(&database, "a").await.refused, None);
}
