//! Reading databases in memory.

use std::{collections::HashMap, sync::Arc};

use settee_store::{Database, DocumentId, Record};

/// Databases in memory answer at once, so nothing has to be awaited.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    futures_util::FutureExt::now_or_never(future).expect("databases in memory answer at once")
}

/// All records, in the order of their `seq`.
pub fn records(database: &Database) -> Vec<Arc<Record>> {
    at_once(database.changes(0, usize::MAX)).expect("databases in memory can be read")
}

/// All records by their ids.
pub fn records_by_id(database: &Database) -> HashMap<DocumentId, Arc<Record>> {
    records(database).into_iter().map(|record| (record.id.clone(), record)).collect()
}
