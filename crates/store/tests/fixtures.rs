//! Files of earlier versions open, and have the same contents as then.
//!
//! Every version with another stored format gets a folder of its own under `fixtures`, which is
//! never written again. `cargo test -p settee-store --features sqlite --test fixtures -- --ignored`
//! writes [`LATEST`] if it isn't there. `browser_fixtures.rs` describes how to write the browser's
//! part.
#![cfg(all(feature = "sqlite", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

#[path = "fixtures/content.rs"]
mod content;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use settee_store::{Database, Hosted, Sqlite, Storage};
use tempfile::TempDir;

/// The folder of the present format.
const LATEST: &str = "v1";
/// The run in which the fixture was written.
const RUN: [u8; 16] = *b"settee-first-run";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Every version's folder.
fn versions() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let versions: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    assert!(versions.contains(&folder().join(LATEST)), "{LATEST} isn't there");
    versions
}

async fn open(file: &Path) -> (Sqlite, [Database; 2]) {
    let sqlite = Sqlite::open(file).unwrap();
    let list = sqlite.find("list").await.unwrap().unwrap();
    assert!(list.knows(content::INCARNATION, RUN, 1).await.unwrap(), "old checkpoints are known");
    let other = sqlite.find("other").await.unwrap().unwrap();
    (sqlite, [Database::new(list), Database::new(other)])
}

#[tokio::test]
async fn the_file_of_every_version_is_read_and_written() {
    for version in versions() {
        let copies = TempDir::new().unwrap();
        let file = copies.path().join("sqlite.db");
        fs::copy(version.join("sqlite.db"), &file).unwrap();
        let expected = fs::read(version.join("expected.json")).unwrap();
        let expected: Value = serde_json::from_slice(&expected).unwrap();

        let (sqlite, [list, other]) = open(&file).await;
        assert_eq!(sqlite.names(None, 10).await.unwrap(), ["list", "other"]);
        assert_eq!(
            sqlite.meta("list".into()).await.unwrap().as_deref(),
            Some(&b"of the program"[..])
        );
        assert_eq!(content::read(&list).await, expected["list"], "{}", version.display());
        assert_eq!(content::read(&other).await, expected["other"], "{}", version.display());
        content::edit_on(&list).await;
        let seq = list.seq();
        sqlite.close().await;
        drop((sqlite, list, other));

        let (_sqlite, [list, other]) = open(&file).await;
        content::was_edited(&list, seq).await;
        assert_eq!(content::read(&other).await, expected["other"], "they share nothing");
    }
}

#[tokio::test]
#[ignore = "it writes the fixtures"]
async fn write_fixtures() {
    let folder = folder().join(LATEST);
    let file = folder.join("sqlite.db");
    assert!(!file.exists(), "fixtures are never overwritten");
    fs::create_dir_all(&folder).unwrap();

    let sqlite = Sqlite::open_with(&file, RUN).unwrap();
    let meta = b"of the program".to_vec();
    let list = sqlite.create("list", content::INCARNATION, meta).await.unwrap();
    let list = Database::new(list);
    content::begin(&list).await;
    content::go_on(&list).await;
    let other = sqlite.create("other", *b"another database", Vec::new()).await.unwrap();
    let other = Database::new(other);
    content::put(&other, "plain", &[], json!({"title": "of another list"})).await;
    content::set_local(&other, "place", Some(b"there")).await;
    let expected =
        json!({"list": content::read(&list).await, "other": content::read(&other).await});
    sqlite.close().await;
    drop((sqlite, list, other));

    let expected = serde_json::to_string_pretty(&expected).unwrap();
    fs::write(folder.join("expected.json"), expected + "\n").unwrap();
    assert!(!folder.join("sqlite.db-wal").exists(), "everything is in the one file");
    assert!(fs::metadata(&file).unwrap().len() < 60_000, "it is small");
}
