//! Opening this device's databases.

use settee_store::{Database, Memory, backend::indexeddb::IndexedDb};
use settee_todo::token::random;

/// An open database, and whether what is written to it stays.
#[derive(Clone)]
pub struct Opened {
    pub database: Database,
    pub is_saved: bool,
}

/// Opens a database, or one in memory where the browser lets nothing be saved.
pub async fn open(name: &str) -> Opened {
    match IndexedDb::open(&format!("settee:{name}"), random()).await {
        Ok(backend) => Opened { database: Database::new(backend), is_saved: true },
        Err(_) => Opened { database: Database::new(Memory::new(random())), is_saved: false },
    }
}

/// Reads what other tabs have written, should word of it be lost. A commit of nothing does that, and
/// if it fails, so will the next one, which matters to somebody.
pub async fn refresh(database: &Database) {
    let _ = database.commit(Vec::new()).await;
}
