//! Databases of IndexedDB that earlier versions have written open, and read as they did.
//!
//! The ignored test writes today's: it prints the text of `indexeddb.json`, for a browser can't
//! write files. Run alone, with `--include-ignored --nocapture write_fixtures`, its one line that begins with a brace
//! goes into the folder that `fixtures.rs` has made.
#![cfg(all(target_arch = "wasm32", feature = "indexeddb"))]

#[path = "fixtures/content.rs"]
mod content;

use serde_json::{Map, Value};
use settee_store::{Database, backend::indexeddb::IndexedDb};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// What every version has written, and what is to be read of it. The browser has no folders to
/// look into, so they are listed.
const VERSIONS: [(&str, &str, &str); 1] =
    [("v1", include_str!("fixtures/v1/indexeddb.json"), include_str!("fixtures/v1/expected.json"))];
/// More commits than there may be without a snapshot.
const MANY: u8 = 70;

#[wasm_bindgen(module = "/tests/browser_fixtures.js")]
extern "C" {
    async fn dump(name: &str) -> JsValue;
    async fn seed(name: &str, json: &str);
    async fn pause(milliseconds: f64);
}

async fn open(name: &str) -> Database {
    // What is there already keeps the incarnation that it has.
    Database::new(IndexedDb::open(name, [9; 16]).await.expect("the browser lets us save"))
}

fn parsed(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).expect("a fixture is JSON")
}

#[wasm_bindgen_test]
async fn every_versions_databases_open_read_as_they_did_and_go_on() {
    for (version, fixture, expected) in VERSIONS {
        let expected = &parsed(expected)["list"];
        let fixture = parsed(fixture);
        assert!(fixture.contains_key("log") && fixture.contains_key("snapshot and log"));
        for (kind, dumped) in fixture {
            let name = format!("{version}: {kind}");
            seed(&name, &dumped.to_string()).await;
            let database = open(&name).await;
            assert_eq!(&content::read(&database).await, expected, "{name}");
            assert_eq!(database.unreadable().await, Ok(Vec::new()), "{name}");
            content::edit_on(&database).await;
            let seq = database.seq();
            drop(database);

            let database = open(&name).await;
            content::was_edited(&database, seq).await;
        }
    }
}

#[wasm_bindgen_test]
#[ignore = "it writes what others are compared with"]
async fn write_fixtures() {
    let mut fixture = Map::new();
    for (kind, has_snapshot) in [("log", false), ("snapshot and log", true)] {
        let name = format!("written: {kind}");
        let handle = IndexedDb::open(&name, content::INCARNATION).await;
        let database = Database::new(handle.expect("the browser lets us save"));
        content::begin(&database).await;
        if has_snapshot {
            // Of a local document, commits leave no other trace than the last one's.
            for place in 0..MANY {
                content::set_local(&database, "place", Some(&[place])).await;
            }
            until_snapshot(&name).await;
        }
        content::go_on(&database).await;
        fixture.insert(kind.to_owned(), dumped(&name).await);
    }
    console_log!("{}", Value::Object(fixture));
}

async fn dumped(name: &str) -> Value {
    let dumped = dump(name).await.as_string().expect("a text");
    serde_json::from_str(&dumped).expect("it is JSON")
}

/// Until the log is covered, of which the last record's place is kept.
async fn until_snapshot(name: &str) {
    for _ in 0..100 {
        if dumped(name).await["stores"]["log"].as_array().is_some_and(|log| log.len() == 1) {
            return;
        }
        pause(50.0).await;
    }
    panic!("there is no snapshot");
}
