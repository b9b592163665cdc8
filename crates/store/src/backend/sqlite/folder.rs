//! A data folder: one SQLite file, which one program uses at a time.

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use super::Sqlite;
use crate::backend::BackendError;

const DATABASES: &str = "settee.sqlite";
const LOCK: &str = "lock";

/// Why a data folder can't be used.
#[derive(Debug, Error)]
pub enum FolderError {
    /// It can't be made or written to.
    #[error("can't use the folder {}: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Another program uses it. Two on one folder wouldn't hear of each other's changes.
    #[error("another program uses the folder {}", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The file can't be opened.
    #[error("can't open the databases: {0}")]
    Store(#[from] BackendError),
}

impl Sqlite {
    /// Opens the folder's databases, and locks the folder until the last handle is gone. The folder
    /// is made if there is none; then only its owner may look into it.
    pub fn open_folder(folder: impl AsRef<Path>) -> Result<Self, FolderError> {
        let folder = folder.as_ref();
        let failed = |source| FolderError::Folder { folder: folder.to_owned(), source };
        make(folder).map_err(failed)?;
        let lock = folder.join(LOCK);
        // One that is there can be locked even where nothing can be written.
        let lock = File::create(&lock).or_else(|error| File::open(&lock).map_err(|_| error));
        let lock = lock.map_err(failed)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => FolderError::InUse { folder: folder.to_owned() },
            TryLockError::Error(source) => failed(source),
        })?;
        Ok(Self::open_locked(&folder.join(DATABASES), Self::draw_run()?, Some(lock))?)
    }
}

fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Storage;

    #[tokio::test]
    async fn a_folder_has_one_program() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("deep/data");
        let first = Sqlite::open_folder(&data).unwrap();
        assert!(matches!(Sqlite::open_folder(&data), Err(FolderError::InUse { .. })));
        first.close().await;
        drop(first);
        assert!(Sqlite::open_folder(&data).is_ok());
    }
}
