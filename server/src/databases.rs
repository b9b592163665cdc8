//! The databases of this server, in one file of its data folder.

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    path::Path,
    sync::Arc,
};

use settee_store::{
    Backend, BackendError, Commit, DocumentId, Operation, Record,
    backend::sqlite::{Sqlite, SqliteDatabase},
};
use settee_sync::Checkpoint;
use tokio::sync::watch;

use crate::error::Error;

const DATABASES: &str = "settee.sqlite";
const LOCK: &str = "lock";

/// All databases of a data folder, which no other server uses meanwhile.
pub struct Databases {
    sqlite: Sqlite,
    /// Two servers on one folder wouldn't tell each other's clients of changes.
    _lock: File,
}

impl Databases {
    /// Opens the folder, which is made if it isn't there.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Data { folder: folder.to_owned(), source };
        make(folder).map_err(failed)?;
        let lock = File::create(folder.join(LOCK)).map_err(failed)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Error::InUse { folder: folder.to_owned() },
            TryLockError::Error(source) => failed(source),
        })?;
        Ok(Self { sqlite: Sqlite::open(folder.join(DATABASES))?, _lock: lock })
    }

    pub async fn find(&self, name: &str) -> Result<Option<Handle>, BackendError> {
        let found = self.sqlite.find(name).await?;
        Ok(found.map(|database| Handle { name: name.into(), database }))
    }

    /// Makes a database, unless there is one of that name.
    pub async fn create(&self, name: &str, meta: Vec<u8>) -> Result<(), BackendError> {
        self.sqlite.create(name, settee_todo::token::random(), meta).await.map(drop)
    }

    /// What was kept of a database when it was made.
    pub async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, BackendError> {
        self.sqlite.meta(name).await
    }

    /// Finishes what is being written, and lets go of the folder.
    pub async fn close(&self) {
        self.sqlite.close().await;
    }
}

/// What is in the folder is nobody else's business on a machine that is shared.
fn make(folder: &Path) -> std::io::Result<()> {
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

/// A database in use. When the last handle is gone, its memory is free again.
#[derive(Clone)]
pub struct Handle {
    name: Arc<str>,
    database: SqliteDatabase,
}

impl Handle {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn position(&self) -> Checkpoint {
        let (incarnation, run) = (self.database.incarnation(), self.database.run());
        Checkpoint::new(incarnation, run, *self.watch().borrow())
    }

    /// Whether the database has lived through the checkpoint.
    pub fn knows(&self, checkpoint: &Checkpoint) -> bool {
        self.database.knows(*checkpoint.incarnation, *checkpoint.run, checkpoint.latest())
    }

    /// The update sequence, and word of each change to it.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.database.watch()
    }

    pub async fn commit(&self, operations: Vec<Operation>) -> Result<Commit, BackendError> {
        self.database.commit(operations).await
    }

    pub async fn changes(
        &self,
        since: u64,
        limit: usize,
    ) -> Result<Vec<Arc<Record>>, BackendError> {
        self.database.changes(since, limit).await
    }

    pub async fn read(
        &self,
        ids: Vec<DocumentId>,
    ) -> Result<Vec<Option<Arc<Record>>>, BackendError> {
        self.database.read(ids).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_has_one_server() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("deep/data");
        let first = Databases::open(&data).unwrap();
        assert!(matches!(Databases::open(&data), Err(Error::InUse { .. })));
        first.close().await;
        drop(first);
        assert!(Databases::open(&data).is_ok());
    }
}
