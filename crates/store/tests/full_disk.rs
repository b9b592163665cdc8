//! A storage is opened and read on a disk that is full from the beginning.
//!
//! The test starts itself as another process, which may not write a byte to any file.
#![cfg(all(feature = "sqlite", unix))]
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::{env, process::Command};

use serde_json::json;
use settee_store::{
    BackendError, Body, Change, Database, DocumentId, Edit, Hosted, Sqlite, Storage,
};
use tempfile::TempDir;

/// The environment variable with the folder's path, for the process that can't write.
const FOLDER: &str = "SETTEE_FULL_FOLDER";
const NAMES: [&str; 2] = ["a", "b"];

fn put(id: &str) -> Edit {
    let body = Body::from_serialize(&json!({ "title": "x".repeat(10_000) })).unwrap();
    Edit { id: DocumentId::new(id).unwrap(), seen: Vec::new(), change: Change::Put(body) }
}

/// Does nothing when it runs as one of the tests.
#[tokio::test]
async fn the_process_that_cannot_write() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    assert!(std::fs::write("/tmp/settee-full-disk", "x").is_err(), "nothing can be written");
    let sqlite = Sqlite::open_folder(folder).unwrap();
    assert_eq!(sqlite.names(None, 10).await.unwrap(), NAMES);
    for name in NAMES {
        let handle = sqlite.find(name).await.unwrap().unwrap();
        assert!(handle.knows([1; 16], handle.run(), 10).await.unwrap());
        let database = Database::new(handle);
        assert_eq!(database.changes(0, 100).await.unwrap().len(), 10);
        assert!(database.get(&DocumentId::new("d3").unwrap()).await.unwrap().is_some());
        assert_eq!(database.write(vec![put("late")]).await, Err(BackendError::Blocked));
        assert_eq!(database.counts().await.unwrap().documents, 10);
    }
    assert_eq!(sqlite.check().await, Err(BackendError::Blocked));
    sqlite.close().await;
}

#[tokio::test]
async fn a_disk_that_is_full_from_the_beginning_is_read() {
    let folder = TempDir::new().unwrap();
    let write = async |documents: usize| {
        let sqlite = Sqlite::open_folder(folder.path()).unwrap();
        for name in NAMES {
            let handle = sqlite.create(name, [1; 16], Vec::new()).await.unwrap();
            let edits = (0..documents).map(|n| put(&format!("d{n}"))).collect();
            Database::new(handle).write(edits).await.unwrap();
        }
        sqlite.close().await;
    };
    write(10).await;
    let limited = r#"trap "" XFSZ; ulimit -f 0; exec "$0" the_process_that_cannot_write"#;
    let process = env::current_exe().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", limited]).arg(process).env(FOLDER, folder.path());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
    // Once there is room, it goes on.
    write(11).await;
    let sqlite = Sqlite::open_folder(folder.path()).unwrap();
    let database = Database::new(sqlite.find("a").await.unwrap().unwrap());
    assert_eq!(database.counts().await.unwrap().documents, 11);
}
