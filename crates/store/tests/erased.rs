//! The text of a deleted document is in none of the files any more.
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
#![cfg(all(feature = "sqlite", not(target_arch = "wasm32")))]

use std::{fs, path::Path};

use serde_json::json;
use settee_store::{
    Body, Change, Database, DocumentId, Edit, Operation, Revision, Sqlite, Storage,
    replication::{Known, ReplicatedDocument},
};
use tempfile::TempDir;

const SECRET: &str = "the treasure is under the old oak";

fn id(text: &str) -> DocumentId {
    DocumentId::new(text).unwrap()
}

async fn edit(database: &Database, text: &str, seen: &[Revision], change: Change) -> Revision {
    let edit = Edit { id: id(text), seen: seen.to_vec(), change };
    database.write(vec![edit]).await.unwrap()[0].unwrap().revision.unwrap()
}

/// A body with the secret in it, of about so many bytes.
fn secret(length: usize, number: usize) -> Change {
    let text = SECRET.repeat(length / SECRET.len() + 1);
    Change::Put(Body::from_serialize(&json!({ "title": text, "number": number })).unwrap())
}

/// Documents of all sizes, among others that stay. Returns the latest revision of each.
async fn filled(database: &Database) -> Vec<(String, Revision)> {
    let mut written = Vec::new();
    for (number, length) in [10, 300, 3_000, 5_000, 20_000, 200_000].into_iter().enumerate() {
        let text = format!("secret{number}");
        let mut seen = Vec::new();
        for version in 0..15 {
            seen = vec![edit(database, &text, &seen, secret(length, version)).await];
            let other = Body::from_serialize(&json!({ "title": "x".repeat(length) })).unwrap();
            edit(database, &format!("other{number}.{version}"), &[], Change::Put(other)).await;
        }
        written.push((text, seen[0]));
    }
    written
}

/// Commits as much as a busy writer waits for. When the last commit is answered, the log was emptied
/// after one of those before.
async fn more_commits(database: &Database) {
    for number in 0..66_u8 {
        database.set_local("number", Some(vec![number])).await.unwrap();
    }
}

fn files_with_secret(folder: &Path) -> Vec<String> {
    let has_secret = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
    };
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| has_secret(path));
    paths.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_device_drops_the_text_once_the_server_knows() {
    let folder = TempDir::new().unwrap();
    let sqlite = Sqlite::open(folder.path().join("settee.db")).unwrap();
    let database = Database::new(sqlite.create("a", [1; 16], Vec::new()).await.unwrap());
    let mut gone = Vec::new();
    for (text, last) in filled(&database).await {
        gone.push((text.clone(), edit(&database, &text, &[last], Change::Delete).await));
    }
    more_commits(&database).await;
    assert!(!files_with_secret(folder.path()).is_empty(), "the server may refuse it yet");

    let acknowledge = gone.into_iter().map(|(text, revision)| Operation::Acknowledge {
        id: id(&text),
        revisions: vec![revision],
    });
    database.commit(acknowledge.collect()).await.unwrap();
    more_commits(&database).await;
    assert_eq!(files_with_secret(folder.path()), [""; 0]);
    assert!(database.get(&id("secret0")).await.unwrap().unwrap().deleted);
}

#[tokio::test]
async fn a_server_drops_the_text_with_the_deletion() {
    let folder = TempDir::new().unwrap();
    let sqlite = Sqlite::open(folder.path().join("settee.db")).unwrap();
    let server = Database::new(sqlite.create("a", [1; 16], Vec::new()).await.unwrap());
    let device = Database::new(settee_store::Memory::new([2; 16]));
    let carry = async || {
        device.to_send(usize::MAX).await.unwrap();
        let records = device.changes(0, usize::MAX).await.unwrap();
        let sent = records.iter().filter_map(|it| it.outgoing_since(Known::Unsure, |_| false));
        let replicate =
            |document: ReplicatedDocument| Operation::Replicate { document, acknowledges: false };
        server.commit(sent.map(replicate).collect()).await.unwrap();
        more_commits(&server).await;
    };
    let written = filled(&device).await;
    carry().await;
    assert!(!files_with_secret(folder.path()).is_empty());
    for (text, last) in written {
        edit(&device, &text, &[last], Change::Delete).await;
    }
    carry().await;
    assert_eq!(files_with_secret(folder.path()), [""; 0]);
}

#[tokio::test]
async fn a_deleted_database_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let sqlite = Sqlite::open(folder.path().join("settee.db")).unwrap();
    let database = Database::new(sqlite.create("a", [1; 16], Vec::new()).await.unwrap());
    filled(&database).await;
    let other = Database::new(sqlite.create("b", [1; 16], Vec::new()).await.unwrap());
    assert!(sqlite.delete("a".into()).await.unwrap());
    more_commits(&other).await;
    assert_eq!(files_with_secret(folder.path()), [""; 0]);
}

#[tokio::test]
async fn a_busy_writer_empties_the_log_at_the_end_as_well() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("settee.db");
    let sqlite = Sqlite::open(&path).unwrap();
    let database = Database::new(sqlite.create("a", [1; 16], Vec::new()).await.unwrap());
    let last = edit(&database, "a", &[], secret(100, 0)).await;
    let gone = edit(&database, "a", &[last], Change::Delete).await;
    // A reader of its own holds the log until the program ends.
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN; SELECT count(*) FROM documents").unwrap();
    let acknowledge = Operation::Acknowledge { id: id("a"), revisions: vec![gone] };
    database.commit(vec![acknowledge]).await.unwrap();
    assert!(!files_with_secret(folder.path()).is_empty());
    other.execute_batch("COMMIT").unwrap();
    drop(other);
    drop((sqlite, database));
    assert_eq!(files_with_secret(folder.path()), [""; 0]);
}
