//! What is measured of every system.

use settee_bench::documents::Draft;
use settee_store::DocumentId;

/// Milliseconds, or why they could not be measured.
pub type Outcome = Result<f64, String>;

/// A store in this page. Databases are named, and none is open between two calls.
pub trait System {
    fn name(&self) -> &'static str;

    /// From todos to a durable batch of them.
    async fn batch(&self, database: &str, drafts: Vec<Draft>) -> Outcome;

    /// Durable writes, each awaited before the next.
    async fn singles(&self, database: &str, drafts: Vec<Draft>) -> Outcome;

    /// Until all documents of a database that is closed are there, as a reader sees them.
    async fn open(&self, database: &str, count: usize) -> Outcome;

    /// Reads of a database that is open, each awaited before the next.
    async fn reads(&self, database: &str, ids: &[DocumentId]) -> Outcome;

    /// All changes of a database that is open, with their documents; `None` if it knows no changes.
    async fn changes(&self, database: &str, count: usize) -> Result<Option<f64>, String>;

    /// Away with it, which nobody times.
    async fn remove(&self, database: &str) -> Result<(), String>;
}
