//! The store over IndexedDB, beside its peers in the same page. `cargo xtask bench` runs this in
//! Chromium, and reads the lines with `FIGURE` and with `TROUBLE`.
//!
//! - [`system`]: what is measured of each; [`settee`] is ours, [`peer`] the others.
//! - [`turn`]: how the systems take turns, so that what disturbs the machine disturbs all.
#![cfg(target_arch = "wasm32")]

mod peer;
mod settee;
mod system;
mod turn;

use std::iter;

use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

use peer::Peer;
use settee::Settee;
use turn::{Case, Turn};

wasm_bindgen_test_configure!(run_in_browser);

/// What the large databases leave behind keeps the browser busy: so they come last.
fn turns() -> impl Iterator<Item = Turn> {
    let bulk = (0..5).map(Turn::Bulk);
    let singly = (0..3).map(Turn::Singly);
    let large = iter::repeat_n(Turn::Large, 3);
    let beginning = iter::once(Turn::WarmUp).chain(bulk).chain(singly);
    beginning.chain(iter::once(Turn::Fill)).chain(large)
}

#[wasm_bindgen_test]
async fn figures() {
    let mut settee = Case::new(Settee);
    let mut peers = vec![Case::new(Peer::raw_indexeddb())];
    for (name, adapter) in [("pouchdb-idb", "idb"), ("pouchdb-indexeddb", "indexeddb")] {
        match Peer::pouchdb(name, adapter).await {
            Ok(peer) => peers.push(Case::new(peer)),
            Err(trouble) => console_log!("TROUBLE {trouble}"),
        }
    }
    for turn in turns() {
        settee.take(turn).await;
        for peer in &mut peers {
            peer.take(turn).await;
        }
    }
    settee.print();
    for peer in &peers {
        peer.print();
    }
}
