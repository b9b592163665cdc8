//! The properties of SQLite that other back ends don't have.
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
#![cfg(all(feature = "sqlite", not(target_arch = "wasm32")))]

use std::{
    cell::Cell,
    fs,
    path::{Path, PathBuf},
    task::{Context, Waker},
};

use futures_util::future::{join, join_all};
use serde_json::json;
use settee_store::{
    Backend, BackendError, Body, Change, Counts, Damaged, Database, DocumentId, Edit, Hosted,
    Memory, Operation, Sqlite, Storage, replication::Known,
};
use tempfile::TempDir;

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("settee.db");
    (folder, file)
}

fn put(id: &str, title: &str) -> Edit {
    Edit {
        id: DocumentId::new(id).unwrap(),
        seen: Vec::new(),
        change: Change::Put(Body::from_serialize(&json!({ "title": title })).unwrap()),
    }
}

async fn write(database: &Database, count: usize, prefix: &str) {
    let edits = (0..count).map(|n| put(&format!("{prefix}{n}"), "x")).collect();
    for outcome in database.write(edits).await.unwrap() {
        outcome.unwrap();
    }
}

#[tokio::test]
async fn databases_are_found_by_name() {
    let (_folder, file) = folder();
    let sqlite = Sqlite::open(&file).unwrap();
    assert!(sqlite.find("a").await.unwrap().is_none());
    let one = sqlite.create("a", [1; 16], b"meta".to_vec()).await.unwrap();
    let same = sqlite.create("a", [2; 16], Vec::new()).await.unwrap();
    sqlite.create("b", [3; 16], Vec::new()).await.unwrap();
    assert_eq!(same.incarnation(), [1; 16]);
    assert_eq!(sqlite.names(None, 10).await.unwrap(), ["a", "b"]);

    assert_eq!(sqlite.meta("a".into()).await.unwrap().as_deref(), Some(&b"meta"[..]));
    assert!(sqlite.set_meta("a".into(), b"other".to_vec()).await.unwrap());
    assert_eq!(sqlite.meta("a".into()).await.unwrap().as_deref(), Some(&b"other"[..]));
    assert!(!sqlite.set_meta("c".into(), Vec::new()).await.unwrap());
    assert_eq!(sqlite.meta("c".into()).await.unwrap(), None);

    // Handles of one name share the watch. Databases share nothing.
    let (mut watch, other) = (same.watch(), sqlite.find("b").await.unwrap().unwrap());
    write(&Database::new(one), 3, "d").await;
    assert_eq!(*watch.borrow_and_update(), 3);
    assert_eq!(*other.watch().borrow(), 0);
    assert_eq!(other.counts().await.unwrap().documents, 0);
}

#[tokio::test]
async fn everything_is_there_after_reopening() {
    let (_folder, file) = folder();
    let sqlite = Sqlite::open(&file).unwrap();
    let database = Database::new(sqlite.create("a", [1; 16], Vec::new()).await.unwrap());
    write(&database, 5, "d").await;
    database.set_local("place", Some(b"here".to_vec())).await.unwrap();
    let before = database.changes(0, 100).await.unwrap();
    sqlite.close().await;
    assert_eq!(database.changes(0, 100).await, Ok(before.clone()), "from memory");
    assert_eq!(database.write(vec![put("late", "x")]).await, Err(BackendError::Closed));
    drop((sqlite, database));

    let sqlite = Sqlite::open(&file).unwrap();
    let database = Database::new(sqlite.find("a").await.unwrap().unwrap());
    assert_eq!(database.changes(0, 100).await.unwrap(), before);
    assert_eq!(database.seq(), 5);
    assert_eq!(database.local("place").await.unwrap().as_deref(), Some(&b"here"[..]));
}

#[tokio::test]
async fn dropping_the_handles_finishes_queued_commits() {
    let (_folder, file) = folder();
    let sqlite = Sqlite::open(&file).unwrap();
    let database = sqlite.create("a", [1; 16], Vec::new()).await.unwrap();
    {
        // Polled once, so that it is in the queue, and then dropped.
        let commit = database.commit(vec![Operation::Edit(put("a", "x"))]);
        let mut commit = std::pin::pin!(commit);
        assert!(commit.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    drop((database, sqlite));
    let sqlite = Sqlite::open(&file).unwrap();
    let database = sqlite.find("a").await.unwrap().unwrap();
    assert_eq!(*database.watch().borrow(), 1);
}

#[tokio::test]
async fn an_older_copy_does_not_know_later_checkpoints() {
    let (folder, file) = folder();
    let open = |path: &Path, run: u8| Sqlite::open_with(path, [run; 16]).unwrap();
    let sqlite = open(&file, 1);
    let handle = sqlite.create("a", [9; 16], Vec::new()).await.unwrap();
    let database = Database::new(handle.clone());
    write(&database, 10, "early").await;
    assert!(
        handle.knows([9; 16], [1; 16], 0).await.unwrap()
            && handle.knows([9; 16], [1; 16], 10).await.unwrap()
    );
    assert!(!handle.knows([9; 16], [1; 16], 11).await.unwrap(), "a checkpoint past the end");
    assert!(!handle.knows([8; 16], [1; 16], 5).await.unwrap(), "another incarnation");
    assert!(!handle.knows([9; 16], [7; 16], 5).await.unwrap(), "an unknown run");
    sqlite.close().await;
    drop((sqlite, handle, database));
    let copy = folder.path().join("copy.db");
    std::fs::copy(&file, &copy).unwrap();

    // The original is written to in another run.
    let sqlite = open(&file, 2);
    let handle = sqlite.find("a").await.unwrap().unwrap();
    write(&Database::new(handle.clone()), 10, "late").await;
    assert!(
        handle.knows([9; 16], [1; 16], 10).await.unwrap()
            && handle.knows([9; 16], [2; 16], 10).await.unwrap()
    );
    assert!(handle.knows([9; 16], [2; 16], 20).await.unwrap());
    assert!(!handle.knows([9; 16], [1; 16], 11).await.unwrap(), "the first run ended at 10");
    assert!(
        handle.knows([9; 16], [2; 16], 9).await.unwrap(),
        "a checkpoint from before the run began"
    );

    // The copy replaces the original, and is written to in a third run.
    let sqlite = open(&copy, 3);
    let handle = sqlite.find("a").await.unwrap().unwrap();
    write(&Database::new(handle.clone()), 15, "other").await;
    assert!(handle.knows([9; 16], [1; 16], 10).await.unwrap(), "both files have this");
    assert!(!handle.knows([9; 16], [2; 16], 20).await.unwrap(), "only the original has this run");
    assert!(handle.knows([9; 16], [3; 16], 25).await.unwrap());
}

#[tokio::test]
async fn queued_commits_share_a_transaction_and_fail_alone() {
    let (_folder, file) = folder();
    let sqlite = Sqlite::open(&file).unwrap();
    let database = Database::new(sqlite.create("a", [1; 16], Vec::new()).await.unwrap());
    let commits = (0..200).map(|n| {
        let database = database.clone();
        async move { database.write(vec![put(&format!("d{}", n % 100), "x")]).await.unwrap() }
    });
    let outcomes = futures_util::future::join_all(commits).await;
    // The second hundred commits find the documents of the first hundred.
    assert_eq!(outcomes.iter().filter(|outcomes| outcomes[0].is_err()).count(), 100);
    assert_eq!(database.seq(), 100);
    assert_eq!(database.counts().await.unwrap().documents, 100);
}

/// A database of `count` documents. The statement `damage` then damages `which` of them.
async fn damaged(file: &std::path::Path, count: usize, damage: &str, which: usize) -> Database {
    let sqlite = Sqlite::open(file).unwrap();
    let database = Database::new(sqlite.create("a", [1; 16], Vec::new()).await.unwrap());
    write(&database, count, "d").await;
    sqlite.close().await;
    drop((sqlite, database));
    let connection = rusqlite::Connection::open(file).unwrap();
    assert_eq!(connection.execute(damage, []).unwrap(), which);
    drop(connection);
    let sqlite = Sqlite::open(file).unwrap();
    Database::new(sqlite.find("a").await.unwrap().unwrap())
}

#[tokio::test]
async fn a_damaged_record_stops_nothing() {
    let (_folder, file) = folder();
    let damage = "UPDATE documents SET record = x'00' WHERE id = 'd1'";
    let database = damaged(&file, 3, damage, 1).await;
    let unreadable = async || {
        let found = database.unreadable().await.unwrap().into_iter();
        found.map(|unreadable| (unreadable.id.unwrap(), unreadable.size)).collect::<Vec<_>>()
    };
    assert_eq!(unreadable().await, [("d1".to_owned(), 1)]);
    assert_eq!(database.changes(0, 2).await.unwrap().len(), 2);
    assert_eq!(database.changes(1, 1).await.unwrap().len(), 1, "only readable records count");
    let id = DocumentId::new("d1").unwrap();
    assert_eq!(database.get(&id).await.unwrap(), None);
    write(&database, 1, "e").await;
    database.write(vec![put("d1", "again")]).await.unwrap()[0].unwrap();
    assert_eq!(database.changes(0, 9).await.unwrap().len(), 4);
    assert_eq!(unreadable().await, [("d1".to_owned(), 1)], "the damaged record is set aside");
}

/// Damages the JSON in the record of `d1`, and leaves the record whole otherwise.
const DAMAGED_JSON: &str = "UPDATE documents SET record = unhex(replace(hex(record), hex('{\"title'), hex('x\"title'))) WHERE id = 'd1'";

#[tokio::test]
async fn a_record_with_a_damaged_body_is_a_damaged_record() {
    let (_folder, file) = folder();
    let database = damaged(&file, 3, DAMAGED_JSON, 1).await;
    assert_eq!(database.changes(0, 9).await.unwrap().len(), 2);
    assert_eq!(database.unreadable().await.unwrap().len(), 1);
}

#[tokio::test]
async fn edits_that_are_lost_with_a_record_do_not_wait_and_are_told_until_somebody_knows() {
    let (_folder, file) = folder();
    let damage = "UPDATE documents SET record = x'00' WHERE id = 'd1'";
    let database = damaged(&file, 3, damage, 1).await;
    assert_eq!(database.counts().await.unwrap().pending, 2);
    assert_eq!(database.damaged().await, Ok(Damaged { documents: 1, outdated: 0, lost: 1 }));
    database.keep_lost().await.unwrap();

    // The server gives back what it has of the document.
    let server = Database::new(Memory::new([2; 16]));
    server.write(vec![put("d1", "as the server has it")]).await.unwrap()[0].unwrap();
    let record = server.changes(0, 1).await.unwrap().remove(0);
    let document = record.outgoing_since(Known::Nothing, |_| false).unwrap();
    let operation = Operation::from_server(document, true);
    database.commit(vec![operation]).await.unwrap().outcomes[0].unwrap();
    assert_eq!(database.damaged().await, Ok(Damaged { lost: 1, ..Damaged::default() }));
    assert_eq!(database.counts().await.unwrap(), counts(3, 2));
    drop(database);
    let sqlite = Sqlite::open(&file).unwrap();
    let database = Database::new(sqlite.find("a").await.unwrap().unwrap());
    assert_eq!(database.damaged().await, Ok(Damaged { lost: 1, ..Damaged::default() }));
    database.forget_lost().await.unwrap();
    assert_eq!(database.damaged().await, Ok(Damaged::default()));
}

fn counts(documents: usize, pending: usize) -> Counts {
    Counts { documents, pending, refused: 0 }
}

#[tokio::test]
async fn a_damaged_record_of_what_the_server_has_loses_nothing() {
    let (_folder, file) = folder();
    let damage = "UPDATE documents SET record = x'00', pending = 0 WHERE id = 'd1'";
    let database = damaged(&file, 3, damage, 1).await;
    assert_eq!(database.damaged().await, Ok(Damaged { documents: 1, ..Damaged::default() }));
    assert_eq!(database.counts().await.unwrap(), counts(3, 2));
}

#[tokio::test]
async fn what_cannot_be_read_is_looked_for_once() {
    let (_folder, file) = folder();
    let damage = "UPDATE documents SET record = x'00' WHERE id = 'd1'";
    let database = damaged(&file, 3, damage, 1).await;
    let found = database.unreadable().await.unwrap();
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.execute("UPDATE documents SET record = x'00'", []).unwrap();
    assert_eq!(database.unreadable().await.unwrap(), found);
}

#[tokio::test]
async fn large_damaged_records_hide_no_others() {
    let (_folder, file) = folder();
    let damage = "UPDATE documents SET record = zeroblob(1 << 20) WHERE id < 'd9'";
    let database = damaged(&file, 10, damage, 9).await;
    let left = database.changes(0, 100).await.unwrap();
    assert_eq!(left.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), ["d9"]);
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_an_error() {
    let (_folder, file) = folder();
    std::fs::write(&file, vec![b'x'; 8192]).unwrap();
    assert!(matches!(Sqlite::open(&file).err(), Some(BackendError::Corrupt(_))));
    assert!(Sqlite::open("/nowhere/at/all.db").is_err());
}

/// SQLite begins its log anew only when nobody reads, and so did this store.
#[tokio::test]
async fn the_log_stays_short_beside_readers_that_never_rest() {
    const LONGEST: u64 = 64 * 1024 * 1024;
    const BODY: usize = 1_000_000;
    let (folder, file) = folder();
    let sqlite = Sqlite::open(&file).unwrap();
    let database = Database::new(sqlite.create("a", [1; 16], Vec::new()).await.unwrap());
    let title = "x".repeat(BODY);
    let is_done = Cell::new(false);
    let read = async || {
        while !is_done.get() {
            database.changes(0, 1).await.unwrap();
        }
    };
    let write = async {
        let mut longest = 0;
        for number in 0..80 {
            database.write(vec![put(&number.to_string(), &title)]).await.unwrap()[0].unwrap();
            longest = longest.max(fs::metadata(folder.path().join("settee.db-wal")).unwrap().len());
        }
        is_done.set(true);
        longest
    };
    let (longest, _) = join(write, join_all((0..4).map(|_| read()))).await;
    assert!(longest < LONGEST + 4 * BODY as u64, "{longest}");
}
