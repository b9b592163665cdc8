//! Where a database keeps its checkpoint: in a local document.

use settee_store::{BackendError, Database, Operation};
use settee_sync::Checkpoint;

/// The local document that holds a database's checkpoint. A copy of the database that has it as well
/// goes on from there.
pub const KEY: &str = "sync/checkpoint";

/// How far the server was read. `None` before the first time, and where it can't be read.
///
/// Where records can't be read, no server has come so far: then the two sides compare what they have, and
/// the server sends what is missing here.
pub(crate) async fn load(database: &Database) -> Result<Option<Checkpoint>, BackendError> {
    let damaged = database.damaged().await?;
    if damaged.lost > 0 {
        // If that can't be written down, the documents stay damaged, too.
        let _ = database.keep_lost().await;
    }
    let stored = database.local(KEY).await?.and_then(|bytes| Checkpoint::decode(&bytes));
    let Some(checkpoint) = stored.filter(|checkpoint| !checkpoint.is_void()) else {
        return Ok(stored);
    };
    let witnessed =
        if damaged.documents + damaged.outdated > 0 { u64::MAX } else { checkpoint.witnessed };
    Ok(Some(Checkpoint { witnessed, ..checkpoint }))
}

/// Saves the checkpoint, in one commit with the documents that it covers.
pub(crate) fn save(checkpoint: Checkpoint) -> Operation {
    Operation::Local { key: KEY.to_owned(), value: Some(checkpoint.encode()) }
}
