//! Why the server doesn't start, or ends.

use std::{io, net::SocketAddr, path::PathBuf};

use settee::store::FolderError;
use settee_push::KeyError;
use settee_shell::ShellError;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum Error {
    #[error("can't listen on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("another server uses the folder {}", folder.display())]
    InUse { folder: PathBuf },
    #[error(transparent)]
    Folder(FolderError),
    #[error(transparent)]
    Shell(#[from] ShellError),
    #[error("{0}: `cargo xtask dist` puts a site beside the server, and --sync-only does without")]
    Site(ShellError),
    #[error("the key for notices can't be used: {0}")]
    PushKey(#[from] KeyError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<FolderError> for Error {
    fn from(error: FolderError) -> Self {
        match error {
            FolderError::InUse { folder } => Self::InUse { folder },
            other => Self::Folder(other),
        }
    }
}
