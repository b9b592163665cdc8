//! What can go wrong on the device's side.

use settee_client::ClientError;
use settee_store::{BackendError, WriteError};
use thiserror::Error;

use crate::BackupError;

/// Why something could not be done.
#[derive(Debug, Error)]
pub enum Error {
    /// The device's storage has failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// A document could not be written or read.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The connection has failed for good.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The folder can't be used.
    #[cfg(all(feature = "native", not(target_arch = "wasm32")))]
    #[error(transparent)]
    Folder(#[from] settee_store::FolderError),
    /// The device keeps no database of that name.
    #[error("this device keeps no database of that name")]
    Unknown,
    /// The file can't be restored.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The [`Settee`](crate::Settee) is gone.
    #[error("nothing is kept in sync any more")]
    Stopped,
}
