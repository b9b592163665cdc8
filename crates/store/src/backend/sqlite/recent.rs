//! A database's latest commits in memory. Readers that follow it closely get them without reading
//! the file and decoding the records again.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
    sync::Arc,
};

use crate::{document_id::DocumentId, record::Record};

/// Most documents, and most bytes of them, that are kept for a database. Many databases may be open
/// at a time, and readers that are further behind read larger batches from the file.
const DOCUMENTS_LIMIT: usize = 64;
const BYTES_LIMIT: usize = 64 * 1024;

#[derive(Debug)]
pub struct Recent {
    /// Every document that changed after this update sequence is here.
    since: u64,
    /// The update sequence of the latest commit.
    until: u64,
    by_seq: BTreeMap<u64, (Arc<Record>, usize)>,
    seqs: HashMap<DocumentId, u64>,
    bytes: usize,
}

impl Recent {
    pub fn new(seq: u64) -> Self {
        Self { since: seq, until: seq, by_seq: BTreeMap::new(), seqs: HashMap::new(), bytes: 0 }
    }

    /// Adds a commit: the records that it changed with their sizes, and the update sequence before
    /// and after it.
    pub fn install(&mut self, records: &[(Arc<Record>, usize)], from: u64, to: u64) {
        assert!(from <= to, "the update sequence only rises");
        if from != self.until {
            // Another program has written to the file.
            *self = Self::new(from);
        }
        self.until = to;
        for (record, size) in records {
            // A compacted document keeps its `seq`, so it replaces itself or isn't here.
            if record.seq <= from && !self.by_seq.contains_key(&record.seq) {
                continue;
            }
            if let Some(seq) = self.seqs.insert(record.id.clone(), record.seq)
                && let Some((_, old)) = self.by_seq.remove(&seq)
            {
                self.bytes -= old;
            }
            self.by_seq.insert(record.seq, (record.clone(), *size));
            self.bytes += size;
        }
        while self.by_seq.len() > DOCUMENTS_LIMIT || self.bytes > BYTES_LIMIT {
            let Some((seq, (record, size))) = self.by_seq.pop_first() else { break };
            self.seqs.remove(&record.id);
            self.bytes -= size;
            self.since = seq;
        }
    }

    /// The changes after `since`, if all of them are here.
    pub fn changes(&self, since: u64, limit: usize) -> Option<Vec<Arc<Record>>> {
        (since >= self.since).then(|| {
            let after = (Bound::Excluded(since), Bound::Unbounded);
            self.by_seq.range(after).take(limit).map(|(_, (record, _))| record.clone()).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str, seq: u64) -> (Arc<Record>, usize) {
        let mut record = Record::new(DocumentId::new(id).unwrap());
        record.seq = seq;
        (Arc::new(record), 100)
    }

    fn seqs(recent: &Recent, since: u64) -> Option<Vec<u64>> {
        Some(recent.changes(since, usize::MAX)?.iter().map(|record| record.seq).collect())
    }

    #[test]
    fn a_document_is_there_once_at_its_latest_change() {
        let mut recent = Recent::new(5);
        recent.install(&[record("a", 6), record("b", 7)], 5, 7);
        recent.install(&[record("a", 8)], 7, 8);
        assert_eq!(seqs(&recent, 5), Some(vec![7, 8]));
        assert_eq!(seqs(&recent, 7), Some(vec![8]));
        assert_eq!(seqs(&recent, 8), Some(vec![]));
        assert_eq!(seqs(&recent, 4), None, "earlier changes are in the file");
        assert_eq!(recent.bytes, 200);
    }

    #[test]
    fn dropped_changes_are_reported_as_missing() {
        let mut recent = Recent::new(0);
        for seq in 1..=100 {
            recent.install(&[record(&format!("d{seq}"), seq)], seq - 1, seq);
        }
        assert_eq!(recent.by_seq.len(), DOCUMENTS_LIMIT);
        assert_eq!(seqs(&recent, 35), None);
        assert_eq!(seqs(&recent, 36).map(|seqs| seqs.len()), Some(DOCUMENTS_LIMIT));
        let big = (record("big", 101).0, BYTES_LIMIT + 1);
        recent.install(&[big], 100, 101);
        assert_eq!(seqs(&recent, 100), None);
        assert_eq!(seqs(&recent, 101), Some(vec![]));
    }

    #[test]
    fn a_gap_drops_what_was_before_it() {
        let mut recent = Recent::new(0);
        recent.install(&[record("a", 1)], 0, 1);
        recent.install(&[record("b", 4)], 3, 4);
        assert_eq!(seqs(&recent, 0), None);
        assert_eq!(seqs(&recent, 3), Some(vec![4]));
    }
}
