//! A page of a changes feed, with what a reader has to know to stop there.

use std::sync::Arc;

use crate::{
    backend::{Backend, BackendError},
    record::Record,
};

/// Records that were read of a changes feed.
#[derive(Debug, Clone)]
pub struct Page {
    /// In the order of their `seq`.
    pub records: Vec<Arc<Record>>,
    /// Whether it is known that nothing came after these records. It isn't known of a page with as many
    /// as were asked for.
    pub is_last: bool,
    /// The database's update sequence afterwards.
    pub seq: u64,
}

impl Page {
    /// Reads at most `limit` records that changed after the update sequence `since`.
    pub async fn read(
        backend: &dyn Backend,
        since: u64,
        limit: usize,
    ) -> Result<Self, BackendError> {
        let records = backend.changes(since, limit).await?;
        let is_last = match records.last() {
            // A back end may cut off a page of large records, so that a short one isn't always the last.
            // A document's `seq` only rises: what was cut off comes after this record still.
            Some(last) if records.len() < limit => backend.changes(last.seq, 1).await?.is_empty(),
            last => last.is_none() && limit > 0,
        };
        Ok(Self { records, is_last, seq: *backend.watch().borrow() })
    }
}
