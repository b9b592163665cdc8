//! Other systems in the same page, which one JavaScript class measures.

use settee_bench::documents::{Draft, edit};
use settee_store::{Change, DocumentId};
use wasm_bindgen::prelude::*;

use crate::system::{Outcome, System};

#[wasm_bindgen(module = "/tests/browser_store/raw_indexeddb.js")]
extern "C" {
    #[wasm_bindgen(js_name = rawIndexedDb)]
    fn raw_indexeddb() -> JsValue;
}

#[wasm_bindgen(module = "/tests/browser_store/pouchdb.js")]
extern "C" {
    #[wasm_bindgen(js_name = pouchDb, catch)]
    async fn pouchdb(adapter: &str) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen(module = "/tests/browser_store/peer.js")]
extern "C" {
    #[wasm_bindgen(js_name = Peer)]
    type Measured;
    #[wasm_bindgen(constructor, js_class = Peer)]
    fn new(store: &JsValue) -> Measured;
    #[wasm_bindgen(method, catch)]
    async fn batch(this: &Measured, name: &str, json: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    async fn singles(this: &Measured, name: &str, json: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    async fn open(this: &Measured, name: &str, count: usize) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    async fn reads(this: &Measured, name: &str, json: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    async fn changes(this: &Measured, name: &str, count: usize) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    async fn remove(this: &Measured, name: &str) -> Result<JsValue, JsValue>;
}

pub struct Peer {
    name: &'static str,
    inner: Measured,
}

impl Peer {
    pub fn raw_indexeddb() -> Self {
        Self { name: "raw-indexeddb", inner: Measured::new(&raw_indexeddb()) }
    }

    /// PouchDB with one of its two adapters.
    pub async fn pouchdb(name: &'static str, adapter: &str) -> Result<Self, String> {
        let store = pouchdb(adapter).await.map_err(|error| told(name, &error))?;
        Ok(Self { name, inner: Measured::new(&store) })
    }

    fn time(&self, outcome: Result<JsValue, JsValue>) -> Outcome {
        let value = outcome.map_err(|error| told(self.name, &error))?;
        value.as_f64().ok_or_else(|| format!("{} tells no time", self.name))
    }
}

impl System for Peer {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn batch(&self, database: &str, drafts: Vec<Draft>) -> Outcome {
        self.time(self.inner.batch(database, &documents(drafts)).await)
    }

    async fn singles(&self, database: &str, drafts: Vec<Draft>) -> Outcome {
        self.time(self.inner.singles(database, &documents(drafts)).await)
    }

    async fn open(&self, database: &str, count: usize) -> Outcome {
        self.time(self.inner.open(database, count).await)
    }

    async fn reads(&self, database: &str, ids: &[DocumentId]) -> Outcome {
        let ids: Vec<_> = ids.iter().map(quoted).collect();
        self.time(self.inner.reads(database, &format!("[{}]", ids.join(","))).await)
    }

    async fn changes(&self, database: &str, count: usize) -> Result<Option<f64>, String> {
        let outcome = self.inner.changes(database, count).await;
        if outcome.as_ref().is_ok_and(JsValue::is_undefined) {
            return Ok(None);
        }
        self.time(outcome).map(Some)
    }

    async fn remove(&self, database: &str) -> Result<(), String> {
        let outcome = self.inner.remove(database).await;
        outcome.map(drop).map_err(|error| told(self.name, &error))
    }
}

/// The same documents as for Settee, as JSON: pairs of an id and an object.
fn documents(drafts: Vec<Draft>) -> String {
    let pair = |draft| {
        let edit = edit(draft);
        let Change::Put(body) = edit.change else { unreachable!("a new todo is put") };
        format!("[{},{}]", quoted(&edit.id), body.as_str())
    };
    let pairs: Vec<_> = drafts.into_iter().map(pair).collect();
    format!("[{}]", pairs.join(","))
}

/// A JSON array of ids. The ids of todos contain no characters that JSON escapes.
fn quoted(id: &DocumentId) -> String {
    format!("\"{}\"", id.as_str())
}

/// The first line of the error. The others are its stack trace.
fn told(name: &str, error: &JsValue) -> String {
    let error = format!("{error:?}");
    let line = error.lines().next().unwrap_or_default();
    format!("{name}: {}", line.trim_start_matches("JsValue("))
}
