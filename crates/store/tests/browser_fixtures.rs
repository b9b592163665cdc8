//! IndexedDB databases of earlier versions open, and have the same contents as then.
//!
//! A browser can't write files, so the ignored test prints the text of `indexeddb.json`. Run it
//! alone with `--include-ignored --nocapture write_fixtures`, and put the line that begins with a
//! brace into the folder that `fixtures.rs` has created.
#![cfg(all(target_arch = "wasm32", feature = "indexeddb"))]

#[path = "fixtures/content.rs"]
mod content;

use serde_json::{Map, Value};
use settee_store::{Database, backend::indexeddb::IndexedDb};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// Each version's database and its expected contents. A browser can't list folders, so they are
/// listed here.
const VERSIONS: [(&str, &str, &str); 1] =
    [("v1", include_str!("fixtures/v1/indexeddb.json"), include_str!("fixtures/v1/expected.json"))];
/// Enough commits to make a snapshot due.
const MANY: u8 = 70;

#[wasm_bindgen(module = "/tests/browser_fixtures.js")]
extern "C" {
    async fn dump(name: &str) -> JsValue;
    async fn seed(name: &str, json: &str);
    async fn pause(milliseconds: f64);
}

async fn open(name: &str) -> Database {
    // An existing database keeps its incarnation.
    Database::new(IndexedDb::open(name, [9; 16]).await.expect("the browser lets us save"))
}

fn parsed(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).expect("a fixture is JSON")
}

#[wasm_bindgen_test]
async fn the_databases_of_every_version_are_read_and_written() {
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
#[ignore = "it writes the fixtures"]
async fn write_fixtures() {
    let mut fixture = Map::new();
    for (kind, has_snapshot) in [("log", false), ("snapshot and log", true)] {
        let name = format!("written: {kind}");
        let handle = IndexedDb::open(&name, content::INCARNATION).await;
        let database = Database::new(handle.expect("the browser lets us save"));
        content::begin(&database).await;
        if has_snapshot {
            // These commits change only a local document, so the contents stay as expected.
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

/// Waits until a snapshot covers the log, which leaves the last record's empty place.
async fn until_snapshot(name: &str) {
    for _ in 0..100 {
        if dumped(name).await["stores"]["log"].as_array().is_some_and(|log| log.len() == 1) {
            return;
        }
        pause(50.0).await;
    }
    panic!("there is no snapshot");
}
