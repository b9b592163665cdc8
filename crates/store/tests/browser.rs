//! The conformance suite with IndexedDB in a real browser.
#![cfg(all(target_arch = "wasm32", feature = "indexeddb"))]

use std::cell::Cell;

use futures_util::FutureExt;
use settee_store::{Database, backend::indexeddb::IndexedDb, conformance};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

async fn open(name: &str) -> Database {
    Database::new(IndexedDb::open(name, [1; 16]).await.expect("the browser lets us save"))
}

#[wasm_bindgen_test]
async fn it_conforms() {
    let number = Cell::new(0);
    conformance::all(async || {
        number.set(number.get() + 1);
        open(&format!("conformance-{}", number.get())).await
    })
    .await;
}

#[wasm_bindgen_test]
async fn it_is_durable() {
    conformance::durable(async || open("durable").await).await;
}

/// The caller stops waiting, as one does that has a time limit. What the browser has begun goes on.
#[wasm_bindgen_test]
async fn it_is_opened_again_after_an_opening_that_nobody_waits_for() {
    conformance::durable(async || {
        assert!(open("given-up").now_or_never().is_none());
        open("given-up").await
    })
    .await;
}
