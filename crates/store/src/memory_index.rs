//! The records and local documents of a database in memory, with an index for each question that a
//! back end answers.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc};

use crate::{
    backend::Counts,
    document_id::DocumentId,
    hashed::HashMap,
    operation::{Locals, Operation, Place, Transition, transition},
    record::Record,
};

#[derive(Debug, Clone, Default)]
pub struct MemoryIndex {
    records: HashMap<DocumentId, Arc<Record>>,
    by_seq: BTreeMap<u64, Arc<Record>>,
    /// A part of `by_seq`.
    pending: BTreeMap<u64, Arc<Record>>,
    refused: usize,
    locals: HashMap<String, Vec<u8>>,
    seq: u64,
}

impl Place for MemoryIndex {
    type Error = Infallible;

    fn record(&self, id: &DocumentId) -> Result<Option<Arc<Record>>, Infallible> {
        Ok(self.get(id))
    }

    fn local(&self, key: &str) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.locals.get(key).cloned())
    }
}

impl MemoryIndex {
    /// Computes what the operations do, without doing it: see [`MemoryIndex::install`].
    pub fn prepare(&self, operations: Vec<Operation>) -> Transition {
        match transition(operations, self.seq, self) {
            Ok(transition) => transition,
            Err(never) => match never {},
        }
    }

    /// Adds or replaces records and local documents that are durable; `seq` is the update sequence
    /// afterwards. Returns whether the text of a deleted document was dropped.
    pub fn install(&mut self, records: Vec<Arc<Record>>, locals: Locals, seq: u64) -> bool {
        let mut erased = false;
        for record in records {
            if let Some(old) = self.records.insert(record.id.clone(), record.clone()) {
                erased |= record.tree.is_gone() && !old.tree.is_gone();
                self.by_seq.remove(&old.seq);
                self.pending.remove(&old.seq);
                self.refused -= usize::from(old.refused.is_some());
            }
            self.refused += usize::from(record.refused.is_some());
            if record.tree.is_pending() {
                self.pending.insert(record.seq, record.clone());
            }
            self.by_seq.insert(record.seq, record);
        }
        for (key, value) in locals {
            match value {
                Some(value) => drop(self.locals.insert(key, value)),
                None => drop(self.locals.remove(&key)),
            }
        }
        self.seq = self.seq.max(seq);
        erased
    }

    #[cfg(all(feature = "indexeddb", target_arch = "wasm32"))]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    pub fn get(&self, id: &DocumentId) -> Option<Arc<Record>> {
        self.records.get(id).cloned()
    }

    pub fn changes(&self, since: u64, limit: usize) -> Vec<Arc<Record>> {
        let after = (std::ops::Bound::Excluded(since), std::ops::Bound::Unbounded);
        self.by_seq.range(after).take(limit).map(|(_, record)| record.clone()).collect()
    }

    pub fn pending(&self, limit: usize) -> Vec<Arc<Record>> {
        self.pending.values().take(limit).cloned().collect()
    }

    pub fn counts(&self) -> Counts {
        Counts { documents: self.records.len(), pending: self.pending.len(), refused: self.refused }
    }

    /// What the records would take on a disk, in bytes.
    pub fn bytes(&self) -> u64 {
        let length = |record: &Arc<Record>| record.id.as_str().len() + record.encode().len();
        self.records.values().map(|record| length(record) as u64).sum()
    }

    pub fn local(&self, key: &str) -> Option<Vec<u8>> {
        self.locals.get(key).cloned()
    }

    #[cfg(all(feature = "indexeddb", target_arch = "wasm32"))]
    /// Everything, for a snapshot: the records in the order of their `seq`, and the local
    /// documents.
    pub fn everything(&self) -> (Vec<Arc<Record>>, Locals) {
        let locals = self.locals.iter().map(|(key, value)| (key.clone(), Some(value.clone())));
        (self.changes(0, usize::MAX), locals.collect())
    }
}
