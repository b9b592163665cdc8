//! A server in memory, and stores that can be made to wait.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "only tests use it")]

pub mod server;
pub mod store;

use std::time::Duration;

use serde_json::json;
use settee_client::{Client, Opening, Replica};
use settee_store::{Body, Change, Counts, Database, DocumentId, Edit};
use settee_sync::Limits;
use tokio::time::timeout;

use server::TestServer;

/// Longer than a store that works takes for anything, and shorter than any side's patience.
pub const SOON: Duration = Duration::from_secs(5);
/// Longer than anything takes.
pub const LIMIT: Duration = Duration::from_secs(200);

/// Writes one document, of about so many bytes.
pub async fn write(database: &Database, id: &str, size: usize) {
    let body = Body::from_serialize(&json!({ "text": "x".repeat(size) })).unwrap();
    let id = DocumentId::new(id).unwrap();
    let edit = Edit { id, seen: Vec::new(), change: Change::Put(body) };
    database.write(vec![edit]).await.unwrap()[0].as_ref().unwrap();
}

/// Waits until the database has so many documents.
pub async fn has(database: &Database, documents: usize) {
    until(database, |counts| counts.documents == documents).await;
}

/// Waits until the server has acknowledged all that is in the database.
pub async fn acknowledged(database: &Database) {
    until(database, |counts| counts.pending == 0).await;
}

async fn until(database: &Database, holds: impl Fn(Counts) -> bool) {
    let mut changes = database.watch();
    while !holds(database.counts().await.unwrap()) {
        changes.changed().await.unwrap();
    }
}

/// Runs a client that doesn't wait long before it connects again.
pub fn start(server: &TestServer) -> Client {
    let limits = Limits { backoff: (Duration::from_millis(20), SOON), ..Limits::default() };
    Client::spawn(server.connector(), limits, "test")
}

/// Keeps the database in sync with the server's of that name.
pub async fn open(client: &Client, database: &Database, name: &str) -> Replica {
    let opening = Opening {
        database: database.clone(),
        name: name.to_owned(),
        credentials: Vec::new(),
        is_lazy: false,
    };
    timeout(SOON, client.open(opening)).await.expect("opening waits for no store").unwrap()
}
