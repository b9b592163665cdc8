//! Settee's IndexedDB store.

use settee::keys::random::random;
use settee_bench::documents::{Draft, edit};
use settee_store::{Database, DocumentId, backend::indexeddb::IndexedDb};
use wasm_bindgen::prelude::*;

use crate::system::{Outcome, System};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}

pub struct Settee;

/// An error of Settee itself ends the run.
impl System for Settee {
    fn name(&self) -> &'static str {
        "settee"
    }

    async fn batch(&self, database: &str, drafts: Vec<Draft>) -> Outcome {
        let database = open(database).await;
        let count = drafts.len();
        let start = now();
        let edits = drafts.into_iter().map(edit).collect();
        let outcomes = database.write(edits).await.expect("saved");
        let time = now() - start;
        assert!(outcomes.len() == count && outcomes.iter().all(Result::is_ok));
        Ok(time)
    }

    async fn singles(&self, database: &str, drafts: Vec<Draft>) -> Outcome {
        let database = open(database).await;
        let start = now();
        for draft in drafts {
            let outcomes = database.write(vec![edit(draft)]).await.expect("saved");
            assert!(outcomes.iter().all(Result::is_ok));
        }
        Ok(now() - start)
    }

    async fn open(&self, database: &str, count: usize) -> Outcome {
        let start = now();
        let database = open(database).await;
        let documents = documents(&database, count).await;
        let time = now() - start;
        assert_eq!(documents, count);
        Ok(time)
    }

    async fn reads(&self, database: &str, ids: &[DocumentId]) -> Outcome {
        let database = open(database).await;
        let start = now();
        for id in ids {
            assert!(database.get(id).await.expect("read").is_some(), "a document is missing");
        }
        Ok(now() - start)
    }

    async fn changes(&self, database: &str, count: usize) -> Result<Option<f64>, String> {
        let database = open(database).await;
        let start = now();
        let documents = documents(&database, count).await;
        let time = now() - start;
        assert_eq!(documents, count);
        Ok(Some(time))
    }

    async fn remove(&self, database: &str) -> Result<(), String> {
        IndexedDb::delete(database).await.expect("deleted");
        Ok(())
    }
}

async fn open(name: &str) -> Database {
    Database::new(IndexedDb::open(name, random()).await.expect("the browser has room"))
}

/// Reads all documents, and returns their number.
async fn documents(database: &Database, limit: usize) -> usize {
    let records = database.changes(0, limit).await.expect("read");
    records.iter().filter_map(|record| record.document()).count()
}
