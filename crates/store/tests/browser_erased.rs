//! The text of a deleted document leaves the browser's log, by itself.
#![cfg(all(target_arch = "wasm32", feature = "indexeddb"))]

use serde_json::json;
use settee_store::{
    Body, Change, Database, DocumentId, Edit, Operation, Revision, backend::indexeddb::IndexedDb,
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen(module = "/tests/browser_log.js")]
extern "C" {
    #[wasm_bindgen(js_name = holdsText)]
    async fn holds_text(name: &str, text: &str) -> JsValue;
    async fn pause(milliseconds: f64);
}

const SECRET: &str = "the treasure is under the old oak";

async fn tab(name: &str) -> Database {
    Database::new(IndexedDb::open(name, [1; 16]).await.expect("the browser lets us save"))
}

async fn is_there(name: &str) -> bool {
    holds_text(name, SECRET).await.is_truthy()
}

async fn edit(tab: &Database, id: &str, seen: &[Revision], change: Change) -> Revision {
    let id = DocumentId::new(id).expect("an id");
    let edit = Edit { id, seen: seen.to_vec(), change };
    let outcomes = tab.write(vec![edit]).await.expect("it is saved");
    outcomes[0].expect("it is done").revision.expect("a revision was made")
}

fn titled(title: &str) -> Change {
    Change::Put(Body::from_serialize(&json!({ "title": title })).expect("a body"))
}

async fn acknowledge(tab: &Database, revision: Revision) {
    let id = DocumentId::new("a").expect("an id");
    let acknowledge = Operation::Acknowledge { id, revisions: vec![revision] };
    tab.commit(vec![acknowledge]).await.expect("it is saved");
}

/// A document with the secret, which was deleted.
async fn deleted(tab: &Database) -> Revision {
    let first = edit(tab, "a", &[], titled(SECRET)).await;
    let second = edit(tab, "a", &[first], titled(&SECRET.repeat(2))).await;
    edit(tab, "a", &[second], Change::Delete).await
}

async fn until_gone(name: &str) {
    for _ in 0..100 {
        if !is_there(name).await {
            return;
        }
        pause(50.0).await;
    }
    panic!("the text is there still");
}

#[wasm_bindgen_test]
async fn it_leaves_with_one_of_the_next_commits() {
    let tab = tab("erased-later").await;
    let gone = deleted(&tab).await;
    for number in 0..40 {
        edit(&tab, &format!("before{number}"), &[], titled("x")).await;
    }
    pause(700.0).await;
    assert!(is_there("erased-later").await, "the server may refuse the deletion yet");
    acknowledge(&tab, gone).await;
    for number in 0..32 {
        edit(&tab, &format!("after{number}"), &[], titled("x")).await;
    }
    until_gone("erased-later").await;
    assert_eq!(tab.counts().await.expect("counts").documents, 73);
}

#[wasm_bindgen_test]
async fn it_leaves_after_the_next_opening() {
    let first = tab("erased-reopened").await;
    let gone = deleted(&first).await;
    acknowledge(&first, gone).await;
    drop(first);
    assert!(is_there("erased-reopened").await);
    let again = tab("erased-reopened").await;
    again.set_local("any", Some(b"commit".to_vec())).await.expect("it is saved");
    until_gone("erased-reopened").await;
    let id = DocumentId::new("a").expect("an id");
    assert!(again.get(&id).await.expect("it is read").is_some_and(|document| document.deleted));
}
