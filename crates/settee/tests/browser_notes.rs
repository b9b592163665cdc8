//! Notes in a browser: from a collection's row over IndexedDB to a server, and to another client.
//! The runner starts `examples/notes_server.rs` and says where it is.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used)]

use any_spawner::Executor;
use leptos::prelude::{GetUntracked, Owner};
use serde::{Deserialize, Serialize};
use settee::{
    Config, Connection, Kept, Remote, Settee,
    client::{browser::WebSocketConnector, runtime::sleep},
    leptos::{Collection, Model},
    store::DocumentId,
};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const PASSWORD: &[u8] = b"open sesame";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Note {
    text: String,
}

impl Model for Note {
    const PREFIX: &'static str = "note/";
    type Order = String;

    fn order(&self) -> String {
        self.text.clone()
    }
}

fn server() -> String {
    match option_env!("SETTEE_NOTES_SERVER") {
        Some(url) => url.to_owned(),
        None => panic!("the runner has started no server"),
    }
}

/// Waits for what a signal says, which is soon.
async fn until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if is_so() {
            return;
        }
        sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("it never came to be so");
}

#[wasm_bindgen_test]
async fn a_row_goes_over_indexeddb_and_the_server_to_another_client() {
    // Other tests of this page may have set it already.
    let _ = Executor::init_wasm_bindgen();
    let owner = Owner::new();
    owner.set();
    let settee = Settee::start(Config::at(server()).named("notes-test")).await.unwrap();
    let notes = settee.open("notes/browser", PASSWORD).await.unwrap();
    assert!(notes.is_saved());
    let rows = Collection::<Note>::new();
    rows.attach(notes.database().clone());
    until(|| rows.ready().get_untracked()).await;
    let id = DocumentId::new("note/1").unwrap();
    rows.insert(&id, Note { text: "milk".into() });
    assert!(rows.get(&id).is_some(), "the row is there at once");
    until(|| notes.status().borrow().counts.documents == 1).await;
    notes.up_to_date().await.unwrap();

    let remote = Remote::connect(WebSocketConnector::new(server()));
    let other = remote.open("notes/browser", PASSWORD).await.unwrap();
    other.up_to_date().await.unwrap();
    assert_eq!(other.find("note/1").await.unwrap(), Some(Note { text: "milk".into() }));
    other.put("note/2", &Note { text: "bread".into() }).await.unwrap();
    let second = DocumentId::new("note/2").unwrap();
    until(|| rows.get(&second).is_some()).await;
    assert_eq!(settee.kept().await.unwrap().len(), 1);
}

#[wasm_bindgen_test]
async fn what_was_written_is_there_again_without_a_server() {
    let config = || Config::at("ws://127.0.0.1:1/sync").named("offline-test");
    let settee = Settee::start(config()).await.unwrap();
    let notes = settee.open("notes/offline", PASSWORD).await.unwrap();
    notes.put("note/1", &Note { text: "milk".into() }).await.unwrap();
    let mut status = notes.status();
    status.wait_for(|status| status.connection == Connection::Offline).await.unwrap();
    drop((notes, settee));
    let settee = Settee::start(config()).await.unwrap();
    let notes = settee.database("notes/offline").await.unwrap();
    assert_eq!(notes.find("note/1").await.unwrap(), Some(Note { text: "milk".into() }));
    assert_eq!(notes.status().borrow().counts.pending, 1);
}

/// Two programs of one page stand for two tabs: they have the same locks, channels and storage.
#[wasm_bindgen_test]
async fn what_another_tab_uses_comes_before_what_nobody_uses() {
    let config = || Config::at(server()).named("tabs-test").hidden_at_a_time(1);
    let first = Settee::start(config()).await.unwrap();
    first.syncs_here().wait_for(|syncs| *syncs).await.unwrap();
    let names = ["notes/tabs-1", "notes/tabs-2", "notes/tabs-3"];
    for name in names {
        first.keep(name, Kept::new(name, PASSWORD)).await.unwrap();
    }
    let second = Settee::start(config()).await.unwrap();
    let mut used = Vec::new();
    for name in names {
        used.push(second.database(name).await.unwrap());
    }
    assert!(!*second.syncs_here().borrow());
    // Only one of these would have a turn in this time, if nobody were known to use them.
    until(|| used.iter().all(|one| one.status().borrow().is_up_to_date())).await;
}
