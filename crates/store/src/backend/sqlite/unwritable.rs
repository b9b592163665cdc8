//! A file that can't be written to any more is still read.

use std::path::Path;

use rusqlite::Connection;
use serde_json::json;

use super::{
    Sqlite,
    connection::{open_reader, open_writer},
    log::Log,
    readers::Readers,
};
use crate::{
    backend::BackendError,
    body::Body,
    database::Database,
    document_id::DocumentId,
    operation::{Change, Edit},
    storage::{Hosted, Storage},
};

const NAMES: [&str; 3] = ["a", "b", "c"];
const INCARNATION: [u8; 16] = [9; 16];

fn put(id: &str, length: usize) -> Edit {
    let body = Body::from_serialize(&json!({ "title": "x".repeat(length) })).unwrap();
    Edit { id: DocumentId::new(id).unwrap(), seen: Vec::new(), change: Change::Put(body) }
}

/// Opens the file so that it is written to under this setting only.
fn open(path: &Path, run: u8, setting: &str) -> Sqlite {
    let writer = open_writer(path).unwrap();
    // A pragma may answer with a row.
    let apply = |writer: &Connection| writer.execute_batch(setting);
    apply(&writer).unwrap();
    let log = Log::default();
    let readers = Readers::start(&log, || open_reader(path)).unwrap();
    Sqlite::open_over(path, log, writer, readers, [run; 16], None).unwrap()
}

/// Three databases, written in the first run up to the sequence 1.
async fn written(path: &Path) {
    let sqlite = open(path, 1, "");
    for name in NAMES {
        let handle = sqlite.create(name, INCARNATION, Vec::new()).await.unwrap();
        Database::new(handle).write(vec![put("first", 10)]).await.unwrap()[0].unwrap();
    }
    sqlite.close().await;
}

async fn can_be_read(setting: &str, expected: BackendError) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settee.db");
    written(&path).await;

    let sqlite = open(&path, 2, setting);
    assert_eq!(sqlite.names(None, 10).await, Ok(NAMES.map(str::to_owned).to_vec()));
    for name in NAMES {
        let handle = sqlite.find(name).await.unwrap().unwrap();
        let database = Database::new(handle.clone());
        assert_eq!(database.changes(0, 10).await.unwrap().len(), 1);
        assert_eq!(handle.run(), [2; 16]);
        for run in [1, 2] {
            assert!(handle.knows(INCARNATION, [run; 16], 1).await.unwrap());
            assert!(!handle.knows(INCARNATION, [run; 16], 2).await.unwrap());
        }
        let failed = database.write(vec![put("second", 100_000)]).await;
        assert_eq!(failed, Err(expected.clone()));
        assert_eq!(database.changes(0, 10).await.unwrap().len(), 1, "reading goes on");
        assert_eq!(sqlite.create(name, [1; 16], Vec::new()).await.unwrap().run(), [2; 16]);
    }
    assert!(sqlite.find("d").await.unwrap().is_none());
    sqlite.close().await;
    drop(sqlite);

    // The second run was never recorded. What replicas have read in it, they compare again.
    let sqlite = open(&path, 3, "");
    let handle = sqlite.find("a").await.unwrap().unwrap();
    let knows = async |run, seq| handle.knows(INCARNATION, [run; 16], seq).await.unwrap();
    assert!(knows(1, 1).await && knows(3, 1).await && !knows(2, 1).await);
    // It is recorded with the first commit that changes something, and begins where that began.
    let database = Database::new(handle.clone());
    database.set_local("place", Some(b"here".to_vec())).await.unwrap();
    database.write(vec![put("second", 10)]).await.unwrap()[0].unwrap();
    assert!(knows(3, 2).await && !knows(1, 2).await);
    sqlite.close().await;
    drop((sqlite, database));
    let sqlite = open(&path, 4, "");
    let again = sqlite.find("a").await.unwrap().unwrap();
    assert!(again.knows(INCARNATION, [3; 16], 2).await.unwrap());
    assert!(!again.knows(INCARNATION, [1; 16], 2).await.unwrap());
}

#[tokio::test]
async fn a_full_disk_stops_no_reading() {
    // The least that is allowed is the file's present size.
    can_be_read("PRAGMA max_page_count = 1", BackendError::Full).await;
}

#[tokio::test]
async fn a_file_that_is_only_read_stops_no_reading() {
    can_be_read("PRAGMA query_only = ON", BackendError::Blocked).await;
}

#[tokio::test]
async fn a_database_is_opened_while_another_program_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settee.db");
    written(&path).await;
    let sqlite = open(&path, 2, "");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let database = Database::new(sqlite.find("a").await.unwrap().unwrap());
    assert_eq!(database.changes(0, 10).await.unwrap().len(), 1);
}
