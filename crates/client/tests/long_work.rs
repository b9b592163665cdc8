//! Any number of edits of one document that were made offline come through, without a refusal.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod support;

use serde_json::json;
use settee_store::{
    Body, Change, Database, DocumentId, Edit, Memory, Operation, Revision, folding::UNFOLDED_LIMIT,
};
use tokio::time::timeout;

use support::{LIMIT, acknowledged, has, open, server::TestServer, start};

fn id() -> DocumentId {
    DocumentId::new("note/1").unwrap()
}

async fn retitle(database: &Database, seen: &[Revision], title: &str) -> Revision {
    let body = Body::from_serialize(&json!({ "title": title, "done": false })).unwrap();
    let edit = Edit { id: id(), seen: seen.to_vec(), change: Change::Put(body) };
    database.write(vec![edit]).await.unwrap()[0].unwrap().revision.unwrap()
}

async fn title(database: &Database) -> String {
    let document = database.get(&id()).await.unwrap().unwrap();
    assert_eq!((document.leaves.len(), document.conflicts.len()), (1, 0));
    document.body.fields()["title"].as_str().unwrap().to_owned()
}

async fn revisions(database: &Database) -> usize {
    let records = database.records(vec![id()]).await.unwrap();
    records[0].as_ref().unwrap().tree.nodes().len()
}

/// Edits the title so often without a connection, and then connects.
async fn comes_through(edits: usize) {
    let server = TestServer::new(&["list"]);
    let there = server.database("list");
    let here = Database::new(Memory::new([1; 16]));
    let mut last = retitle(&here, &[], "at first").await;
    let client = start(&server);
    open(&client, &here, "list").await;
    timeout(LIMIT, acknowledged(&here)).await.unwrap();
    drop(client);

    for number in 0..edits {
        last = retitle(&here, &[last], &format!("number {number}")).await;
    }
    let client = start(&server);
    open(&client, &here, "list").await;
    timeout(LIMIT, acknowledged(&here)).await.unwrap();
    assert_eq!(here.counts().await.unwrap().refused, 0);
    for database in [&here, &there] {
        assert_eq!(title(database).await, format!("number {}", edits - 1));
        assert_eq!(database.get(&id()).await.unwrap().unwrap().winner, last);
        assert!(revisions(database).await <= 2 + UNFOLDED_LIMIT);
    }
    // Another device sees the same, and its edit comes back.
    let other = Database::new(Memory::new([2; 16]));
    let second = start(&server);
    open(&second, &other, "list").await;
    timeout(LIMIT, has(&other, 1)).await.unwrap();
    let answer = retitle(&other, &[last], "answered").await;
    timeout(LIMIT, acknowledged(&other)).await.unwrap();
    let mut changes = here.watch();
    let arrives = async {
        while here.get(&id()).await.unwrap().unwrap().winner != answer {
            changes.changed().await.unwrap();
        }
    };
    timeout(LIMIT, arrives).await.unwrap();
    assert_eq!(title(&here).await, "answered");
}

#[tokio::test(start_paused = true)]
async fn five_hundred_edits_of_a_title_come_through() {
    comes_through(500).await;
}

#[tokio::test(start_paused = true)]
async fn five_thousand_edits_of_a_title_come_through() {
    comes_through(5_000).await;
}

/// As an earlier version has left them, or after many answers that were lost.
#[tokio::test(start_paused = true)]
async fn edits_that_were_handed_out_one_by_one_come_through() {
    let server = TestServer::new(&["list"]);
    let here = Database::new(Memory::new([1; 16]));
    let mut last = retitle(&here, &[], "at first").await;
    for number in 0..500 {
        last = retitle(&here, &[last], &format!("number {number}")).await;
        here.commit(vec![Operation::HandOut { id: id() }]).await.unwrap();
    }
    assert_eq!(revisions(&here).await, 501);
    let client = start(&server);
    open(&client, &here, "list").await;
    timeout(LIMIT, acknowledged(&here)).await.unwrap();
    assert_eq!(here.counts().await.unwrap().refused, 0);
    assert_eq!(title(&server.database("list")).await, "number 499");
    assert_eq!(server.database("list").get(&id()).await.unwrap().unwrap().winner, last);
}
