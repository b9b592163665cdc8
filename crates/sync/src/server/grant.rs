//! What the driver answers to the outputs of the server's machine.

use std::sync::Arc;

use settee_store::{Applied, Record};

use crate::{access::Role, checkpoint::Checkpoint};

/// A channel that was authorised, and the state of its database.
#[derive(Debug, Clone)]
pub struct Grant {
    /// What the client may do.
    pub role: Role,
    /// The database's incarnation, the server's run, and the update sequence now.
    pub position: Checkpoint,
    /// Whether the database has lived through the checkpoint that the client showed.
    pub resumed: bool,
}

/// The outcome of a batch: for each document, in order, what the store did or why it is refused, in
/// words that the client may be told; and the database's update sequence afterwards.
pub type Committed = (Vec<Result<Applied, String>>, u64);

/// The record of each requested document, if there is one, and the database's update sequence
/// afterwards.
pub type Found = (Vec<Option<Arc<Record>>>, u64);
