//! Why the server doesn't start, or ends.

use std::{io, net::SocketAddr, path::PathBuf};

use settee_store::BackendError;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum Error {
    #[error("can't listen on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("can't use the folder {}: {source}", folder.display())]
    Data { folder: PathBuf, source: io::Error },
    #[error("another server uses the folder {}", folder.display())]
    InUse { folder: PathBuf },
    #[error("can't open the databases: {0}")]
    Store(#[from] BackendError),
    #[error(
        "there is no site in {}: `cargo xtask dist` puts one beside the server, \
         and --sync-only does without",
        folder.display()
    )]
    NoSite { folder: PathBuf },
    #[error("can't read the site's file {}: {source}", file.display())]
    Site { file: PathBuf, source: io::Error },
    #[error(transparent)]
    Io(#[from] io::Error),
}
