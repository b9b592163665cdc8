//! When documents were written, for those who see them arrive.

use std::{
    collections::HashMap,
    sync::OnceLock,
    time::{Duration, Instant},
};

use settee_store::{DocumentId, Edit};

/// Made before anything is written, so that many readers can look things up at the same time.
pub struct Ledger {
    written: HashMap<DocumentId, OnceLock<Instant>>,
}

impl Ledger {
    /// Of documents that are to be written.
    pub fn new(edits: &[Edit]) -> Self {
        Self { written: edits.iter().map(|edit| (edit.id.clone(), OnceLock::new())).collect() }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.written.len()
    }

    /// One is written now.
    pub fn note(&self, id: &DocumentId) {
        if let Some(written) = self.written.get(id) {
            written.get_or_init(Instant::now);
        }
    }

    /// How long before that moment a document was written, if it is one of these.
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
        let ledger = Ledger::new(&edits);
        ledger.note(&edits[0].id);
        let later = Instant::now() + Duration::from_secs(1);
        assert!(ledger.age(&edits[0].id, later) >= Some(Duration::from_secs(1)));
        assert_eq!(ledger.age(&edits[1].id, later), None);
        assert_eq!(ledger.age(&todos.edit().id, later), None);
        assert_eq!(ledger.count(), 2);
    }
}
