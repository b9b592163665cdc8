//! The times at which documents were written, from which readers compute latencies.

use std::{
    collections::HashMap,
    sync::OnceLock,
    time::{Duration, Instant},
};

use settee_store::DocumentId;

/// Has an entry for each document before any is written, so that many readers can use it without a
/// lock.
pub struct Ledger {
    written: HashMap<DocumentId, OnceLock<Instant>>,
}

impl Ledger {
    /// A ledger of documents that will be written.
    pub fn new<'a>(ids: impl Iterator<Item = &'a DocumentId>) -> Self {
        Self { written: ids.map(|id| (id.clone(), OnceLock::new())).collect() }
    }

    /// The number of documents.
    pub fn count(&self) -> usize {
        self.written.len()
    }

    /// Records that a document is written now.
    pub fn note(&self, id: &DocumentId) {
        if let Some(written) = self.written.get(id) {
            written.get_or_init(Instant::now);
        }
    }

    /// The time from writing a document to `at`. `None` for a document that was not recorded.
    pub fn age(&self, id: &DocumentId, at: Instant) -> Option<Duration> {
        let written = self.written.get(id)?.get()?;
        Some(at.duration_since(*written))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use settee_bench::documents::Todos;

    #[test]
    fn ages_are_of_what_was_written() {
        let mut todos = Todos::default();
        let edits = todos.edits(2);
        let ledger = Ledger::new(edits.iter().map(|edit| &edit.id));
        ledger.note(&edits[0].id);
        let later = Instant::now() + Duration::from_secs(1);
        assert!(ledger.age(&edits[0].id, later) >= Some(Duration::from_secs(1)));
        assert_eq!(ledger.age(&edits[1].id, later), None);
        assert_eq!(ledger.age(&todos.edit().id, later), None);
        assert_eq!(ledger.count(), 2);
    }
}
