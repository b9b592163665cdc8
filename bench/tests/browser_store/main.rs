//! The IndexedDB store and its peers in the same page. `cargo xtask bench` runs this in Chromium
//! and reads the lines with `FIGURE` and `TROUBLE`.
//!
//! - [`system`]: the measured operations, implemented for Settee in [`settee`], for others in
//!   [`peer`].
//! - [`turn`]: the systems take turns, so that a temporary slowdown affects all of them.
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

/// The large databases come last, because the browser is busy with them for a while afterwards.
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
