//! A document is bounded, whatever its history: what others have written before doesn't decide how
//! much a message costs.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::sync::Arc;

use futures_util::FutureExt;
use serde_json::json;
use settee_store::{
    Applied, Body, Database, DocumentId, Memory, Operation, OperationError, Record, Revision,
    replication::{Known, ReplicatedDocument, ReplicatedRevision},
    view::MERGE_LIMIT,
};

/// The most that a record may take.
const RECORD: usize = 4 * 1024 * 1024;

fn id() -> DocumentId {
    DocumentId::new("note/x").unwrap()
}

fn memory(number: u8) -> Database {
    Database::new(Memory::new([number; 16]))
}

fn revision(parent: Option<Revision>, merges: &[Revision], body: &Body) -> ReplicatedRevision {
    let name = Revision::derive(parent, merges, false, body).unwrap();
    let json = Some(body.as_str().as_bytes());
    ReplicatedRevision::verified(name, parent, merges.to_vec(), false, json).unwrap()
}

/// A root whose body has about this many bytes.
fn root(number: usize, bytes: usize) -> ReplicatedRevision {
    let body = json!({"completed": false, "title": number.to_string(), "x": "a".repeat(bytes)});
    revision(None, &[], &Body::from_serialize(&body).unwrap())
}

/// As many leaves as a document may have, each of which merges all of the roots.
fn leaves(roots: &[ReplicatedRevision]) -> Vec<ReplicatedRevision> {
    let mut names: Vec<Revision> = roots.iter().map(|root| root.revision).collect();
    names.sort_unstable();
    let leaf = |n: usize| json!({"completed": false, "title": format!("n{n}")});
    let leaf = |n| revision(None, &names, &Body::from_serialize(&leaf(n)).unwrap());
    (0..MERGE_LIMIT).map(leaf).collect()
}

fn send(
    to: &Database,
    document: ReplicatedDocument,
    acknowledges: bool,
) -> Result<Applied, OperationError> {
    let operation = Operation::Replicate { document, acknowledges };
    to.commit(vec![operation]).now_or_never().unwrap().unwrap().outcomes[0]
}

fn push(to: &Database, revision: &ReplicatedRevision) -> Result<Applied, OperationError> {
    let document = ReplicatedDocument::verified(id(), vec![revision.clone()]).unwrap();
    send(to, document, false)
}

fn record(database: &Database) -> Arc<Record> {
    database.records(vec![id()]).now_or_never().unwrap().unwrap().remove(0).unwrap()
}

/// The revisions that have a body.
fn with_body(record: &Record) -> Vec<Revision> {
    let nodes = record.tree.nodes().iter().filter(|node| node.body.is_some());
    nodes.map(|node| node.revision).collect()
}

/// A replica that reads everything from the server.
fn reader(server: &Database) -> Database {
    let reader = memory(200);
    let sent = record(server).outgoing_since(Known::Unsure, |_| false).unwrap();
    send(&reader, sent, true).unwrap();
    reader
}

#[test]
fn merged_roots_of_any_size_are_bounded() {
    let roots: Vec<ReplicatedRevision> = (0..100).map(|n| root(n, 1_000_000)).collect();
    let server = memory(1);
    for leaf in leaves(&roots) {
        push(&server, &leaf).unwrap();
    }
    for root in &roots {
        push(&server, root).unwrap();
        assert!(record(&server).encode().len() < RECORD);
    }
    // A message that changes nothing that is shown has to be cheap, too.
    let leaf = record(&server).tree.leaves()[0].revision;
    let node = record(&server).tree.get(leaf).unwrap().clone();
    let known = ReplicatedRevision::verified(leaf, node.parent, node.merges, false, None).unwrap();
    push(&server, &known).unwrap();
    assert!(record(&server).encode().len() < RECORD);
}

#[test]
fn what_is_kept_does_not_depend_on_the_order_of_arrival() {
    let sizes = [700_000, 400_000, 100_000, 600_000, 20, 300_000, 500_000, 50_000];
    let mut roots: Vec<ReplicatedRevision> =
        sizes.iter().enumerate().map(|(n, bytes)| root(n, *bytes)).collect();
    roots.sort_unstable_by_key(|root| root.revision);
    let leaves = leaves(&roots);
    let orders = (0..24).map(|turn: usize| {
        let mut order = roots.clone();
        order.rotate_left(turn % sizes.len());
        if turn >= 8 {
            order.reverse();
        }
        if turn >= 16 {
            order.swap(turn % 3, 4 + turn % 4);
        }
        order
    });
    let mut kept: Option<(Vec<Revision>, _)> = None;
    for (at, order) in orders.enumerate() {
        let server = memory(1);
        let all: Vec<_> = if at % 2 == 0 {
            leaves.iter().chain(&order).collect()
        } else {
            order.iter().take(1).chain(leaves.iter()).chain(order.iter().skip(1)).collect()
        };
        for revision in all {
            push(&server, revision).unwrap();
        }
        let reader = reader(&server);
        let seen = record(&server).document().unwrap();
        let there = record(&reader).document().unwrap();
        assert_eq!((&seen.body, &seen.conflicts), (&there.body, &there.conflicts));
        let found = (with_body(&record(&server)), seen.conflicts);
        match &kept {
            Some(kept) => assert_eq!(kept, &found, "order {at}"),
            None => kept = Some(found),
        }
    }
}

#[test]
fn a_replica_drops_the_base_that_the_server_has_no_room_for() {
    let [first, second] = [root(1, 600_000), root(2, 600_000)];
    let (low, high) =
        if first.revision < second.revision { (first, second) } else { (second, first) };
    let server = memory(1);
    for leaf in leaves(&[low.clone(), high.clone()]) {
        push(&server, &leaf).unwrap();
    }
    push(&server, &low).unwrap();
    let early = reader(&server);
    assert!(record(&early).has_body(low.revision));
    push(&server, &high).unwrap();
    // The early replica has lost the later root on the way, and so has room for the earlier one.
    let mut sent = record(&server).outgoing_since(Known::Until(17), |_| false).unwrap();
    sent.revisions.retain(|sent| sent.revision != high.revision);
    send(&early, sent, true).unwrap();
    assert!(!record(&server).has_body(low.revision));
    assert!(!record(&early).has_body(low.revision), "all replicas merge over the same bodies");
}
