//! Where a database keeps its checkpoint: in a local document.

use settee_store::{BackendError, Database, Operation};
use settee_sync::Checkpoint;

const KEY: &str = "sync/checkpoint";

/// How far the server was read. `None` before the first time, and where it can't be read.
pub(crate) async fn load(database: &Database) -> Result<Option<Checkpoint>, BackendError> {
    let stored = database.local(KEY).await?;
    Ok(stored.and_then(|bytes| Checkpoint::decode(&bytes)))
}

/// Saves the checkpoint, in one commit with the documents that it covers.
pub(crate) fn save(checkpoint: Checkpoint) -> Operation {
    Operation::Local { key: KEY.to_owned(), value: Some(checkpoint.encode()) }
}
