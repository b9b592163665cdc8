//! The operations that are measured for every system.

use settee_bench::documents::Draft;
use settee_store::DocumentId;

/// Milliseconds, or why the operation could not be measured.
pub type Outcome = Result<f64, String>;

/// A store in this page. Databases have names. None is open between two calls.
pub trait System {
    fn name(&self) -> &'static str;

    /// Writes todos in one durable batch.
    async fn batch(&self, database: &str, drafts: Vec<Draft>) -> Outcome;

    /// Writes todos one by one, each durable before the next.
    async fn singles(&self, database: &str, drafts: Vec<Draft>) -> Outcome;

    /// Opens a closed database and reads all its documents.
    async fn open(&self, database: &str, count: usize) -> Outcome;

    /// Reads documents of an open database one by one.
    async fn reads(&self, database: &str, ids: &[DocumentId]) -> Outcome;

    /// Reads the changes feed of an open database, with documents; `None` if the system has none.
    async fn changes(&self, database: &str, count: usize) -> Result<Option<f64>, String>;

    /// Deletes the database. Not measured.
    async fn remove(&self, database: &str) -> Result<(), String>;
}
