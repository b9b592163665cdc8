//! The store over IndexedDB, beside IndexedDB used directly. `cargo xtask bench` runs this in
//! Chromium, and reads the lines that begin with `FIGURE`.
#![cfg(target_arch = "wasm32")]

use settee_bench::{
    documents::{Todos, edit},
    statistics::median,
};
use settee_store::{Database, backend::indexeddb::IndexedDb};
use settee_todo::token::random;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const DOCUMENTS: usize = 10_000;
const SINGLES: u16 = 100;
const RUNS: usize = 7;

#[wasm_bindgen(module = "/tests/raw_indexeddb.js")]
extern "C" {
    fn now() -> f64;
    #[wasm_bindgen(js_name = rawBatch)]
    async fn raw_batch(name: &str, count: usize) -> JsValue;
    #[wasm_bindgen(js_name = rawOpen)]
    async fn raw_open(name: &str) -> JsValue;
    #[wasm_bindgen(js_name = rawSingles)]
    async fn raw_singles(name: &str, count: u16) -> JsValue;
}

/// The times of one system, run by run.
#[derive(Default)]
struct Times {
    batch: Vec<f64>,
    open: Vec<f64>,
    single: Vec<f64>,
}

/// The two take turns, so that what disturbs the machine disturbs both.
#[wasm_bindgen_test]
async fn figures() {
    let (mut settee, mut raw) = (Times::default(), Times::default());
    for run in 0..RUNS {
        let name = format!("settee-{run}");
        settee.batch.push(batch(&name).await);
        settee.open.push(reopen(&name).await);
        settee.single.push(singles(&format!("settee-single-{run}")).await);

        let name = format!("raw-{run}");
        raw.batch.push(time(&raw_batch(&name, DOCUMENTS).await));
        raw.open.push(time(&raw_open(&name).await));
        raw.single.push(time(&raw_singles(&format!("raw-single-{run}"), SINGLES).await));
    }
    settee.print("settee");
    raw.print("raw-indexeddb");
}

impl Times {
    fn print(&self, peer: &str) {
        let figures = [
            ("open10k_ms", &self.open),
            ("batch10k_ms", &self.batch),
            ("single_write_ms", &self.single),
        ];
        for (bench, times) in figures {
            console_log!("FIGURE {bench} {} ms {peer}", median(times));
        }
    }
}

async fn open(name: &str) -> Database {
    Database::new(IndexedDb::open(name, random()).await.expect("the browser has room"))
}

/// From todos to a durable batch of them.
async fn batch(name: &str) -> f64 {
    let database = open(name).await;
    let drafts = Todos::default().drafts(DOCUMENTS);
    let start = now();
    let outcomes = database.write(drafts.into_iter().map(edit).collect()).await.expect("saved");
    let time = now() - start;
    assert!(outcomes.len() == DOCUMENTS && outcomes.iter().all(Result::is_ok));
    time
}

/// Until all documents of a database that is closed are there, as a reader sees them.
async fn reopen(name: &str) -> f64 {
    let start = now();
    let database = open(name).await;
    let records = database.changes(0, DOCUMENTS).await.expect("read");
    let documents = records.iter().filter_map(|record| record.document()).count();
    let time = now() - start;
    assert_eq!(documents, DOCUMENTS);
    time
}

/// Each of many durable writes, one after the other.
async fn singles(name: &str) -> f64 {
    let database = open(name).await;
    let drafts = Todos::default().drafts(SINGLES.into());
    let start = now();
    for draft in drafts {
        let outcomes = database.write(vec![edit(draft)]).await.expect("saved");
        assert!(outcomes.iter().all(Result::is_ok));
    }
    (now() - start) / f64::from(SINGLES)
}

fn time(value: &JsValue) -> f64 {
    value.as_f64().expect("a number of milliseconds")
}
