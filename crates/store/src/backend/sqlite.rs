//! Any number of databases in one SQLite file, for servers and native clients.
//!
//! One thread writes, and commits what waits for it together; a few read. They are plain
//! threads: nothing here needs a runtime.
//!
//! - `folder`: a folder with a file of databases; `connection`: opening the file; `tables`: what is asked of it.
//! - `database`: one database of the file; `recent`: its latest commits in memory.
//! - `log`: the write-ahead log stays short, and what is deleted leaves it, too.
//! - `writer` and `readers`, which are `workers`; `turns`: the queue of their jobs.

mod connection;
mod database;
mod folder;
mod log;
mod readers;
mod recent;
mod tables;
mod turns;
#[cfg(test)]
mod unwritable;
mod workers;
mod writer;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, Weak},
};

use self::{
    database::Shared,
    log::Log,
    readers::Readers,
    turns::Lane,
    workers::lock,
    writer::{ROW_COST, Writer},
};
pub use self::{database::SqliteDatabase, folder::FolderError};
use crate::{
    backend::{BackendError, BoxFuture, Incarnation, Run},
    storage::{Hosted, Space, Storage},
};

/// A file of databases. Clones are handles on the same one; when the last is gone, and the last
/// [`SqliteDatabase`] with it, what was handed in is finished and the file closed.
#[derive(Clone)]
pub struct Sqlite {
    file: Arc<File>,
}

struct File {
    /// Before the writer, so that they are dropped first: whoever closes the file last writes the
    /// log back, and readers can't.
    readers: Readers,
    writer: Writer,
    log: Log,
    run: Run,
    /// The databases that somebody has a handle on or is opening, so that all of one name share
    /// their state.
    open: Arc<Mutex<HashMap<String, Weak<Shared>>>>,
    /// For what concerns no database that is open.
    reads: Lane,
    writes: Lane,
    path: PathBuf,
    /// Of the folder that the file is in, if it is a [`folder`].
    _lock: Option<std::fs::File>,
}

impl Sqlite {
    /// Opens the file, which is made if there is none. This is the beginning of a new run.
    ///
    /// If the disk is full or may not be written to, the file is still read, as long as the program
    /// that wrote to it last has closed it: then each commit fails with [`BackendError::Blocked`],
    /// until the file is opened again.
    ///
    /// Fails with [`BackendError::Newer`] if a later version has migrated it, with
    /// [`BackendError::Corrupt`] if it is damaged or something else, and with
    /// [`BackendError::Failed`] if it can't be opened, or the SQLite at hand is too old.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, BackendError> {
        Self::open_with(path, Self::draw_run()?)
    }

    /// Opens the file with a run's id of the caller's making. It must not have been used before.
    pub fn open_with(path: impl AsRef<Path>, run: Run) -> Result<Self, BackendError> {
        Self::open_locked(path.as_ref(), run, None)
    }

    fn open_locked(
        path: &Path,
        run: Run,
        lock: Option<std::fs::File>,
    ) -> Result<Self, BackendError> {
        connection::check_version()?;
        let log = Log::default();
        let opened = connection::open_writer(path).and_then(|writer| {
            Ok((writer, Readers::start(&log, || connection::open_reader(path))?))
        });
        let (writer, readers) = match opened {
            Err(error @ (BackendError::Full | BackendError::Blocked | BackendError::Failed(_))) => {
                let settled = || connection::open_settled(path)?.ok_or_else(|| error.clone());
                (settled()?, Readers::start(&log, settled)?)
            }
            opened => opened?,
        };
        Self::open_over(path, log, writer, readers, run, lock)
    }

    fn open_over(
        path: &Path,
        log: Log,
        writer: rusqlite::Connection,
        readers: Readers,
        run: Run,
        lock: Option<std::fs::File>,
    ) -> Result<Self, BackendError> {
        let writer = Writer::start(writer, log.clone())?;
        let (open, path) = (Arc::default(), path.to_owned());
        let file = File {
            writer,
            readers,
            log,
            run,
            open,
            reads: Lane::default(),
            writes: Lane::default(),
            path,
            _lock: lock,
        };
        Ok(Self { file: Arc::new(file) })
    }

    fn draw_run() -> Result<Run, BackendError> {
        let mut run = Run::default();
        getrandom::fill(&mut run).map_err(|error| BackendError::Failed(error.to_string()))?;
        Ok(run)
    }

    /// The database of that name, if there is one: [`Storage::find`], with its own type. Writes
    /// nothing, so it succeeds even if the file can't be written to.
    pub async fn find(&self, name: &str) -> Result<Option<SqliteDatabase>, BackendError> {
        let shared = self.file.shared(name);
        SqliteDatabase::open(shared, self.file.clone(), name.to_owned()).await
    }

    /// The database of that name, made if there is none: [`Storage::create`], with its own type.
    pub async fn create(
        &self,
        name: &str,
        incarnation: Incarnation,
        meta: Vec<u8>,
    ) -> Result<SqliteDatabase, BackendError> {
        if let Some(database) = self.find(name).await? {
            return Ok(database);
        }
        let new = name.to_owned();
        let create = move |c: &_| tables::create_database(c, &new, incarnation, &meta);
        self.file.writer.run(&self.file.writes, ROW_COST, create, |()| ()).await?;
        let database = self.find(name).await?;
        database.ok_or_else(|| BackendError::Failed("a new database is not there".to_owned()))
    }
}

impl File {
    /// The state that all handles of the database share, and those who are opening it.
    fn shared(&self, name: &str) -> Arc<Shared> {
        let mut open = lock(&self.open);
        if let Some(shared) = open.get(name).and_then(Weak::upgrade) {
            return shared;
        }
        // Names of databases that were closed go when there are as many of them as of others.
        if open.len() == open.capacity() {
            open.retain(|_, shared| shared.strong_count() > 0);
        }
        let shared = Arc::new(Shared::default());
        open.insert(name.to_owned(), Arc::downgrade(&shared));
        shared
    }
}

impl Storage for Sqlite {
    fn find(&self, name: String) -> BoxFuture<'_, Result<Option<Arc<dyn Hosted>>, BackendError>> {
        Box::pin(async move {
            let found = Self::find(self, &name).await?;
            Ok(found.map(|database| -> Arc<dyn Hosted> { Arc::new(database) }))
        })
    }

    fn create(
        &self,
        name: String,
        incarnation: Incarnation,
        meta: Vec<u8>,
    ) -> BoxFuture<'_, Result<Arc<dyn Hosted>, BackendError>> {
        Box::pin(async move {
            let database = Self::create(self, &name, incarnation, meta).await?;
            Ok(Arc::new(database) as Arc<dyn Hosted>)
        })
    }

    fn names(
        &self,
        after: Option<String>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<String>, BackendError>> {
        let read = move |connection: &_| tables::names(connection, after.as_deref(), limit);
        Box::pin(self.file.readers.run(&self.file.reads, read))
    }

    fn delete(&self, name: String) -> BoxFuture<'_, Result<bool, BackendError>> {
        let open = self.file.open.clone();
        Box::pin(async move {
            let log = self.file.log.clone();
            let work = move |connection: &_| {
                let is_there = tables::delete_database(connection, &name)?;
                log.note_dropped_text();
                Ok((name, is_there))
            };
            let publish = move |(name, is_there): (String, bool)| {
                let shared = lock(&open).remove(&name).and_then(|shared| shared.upgrade());
                if let Some(shared) = shared {
                    shared.deleted();
                }
                is_there
            };
            self.file.writer.run(&self.file.writes, ROW_COST, work, publish).await
        })
    }

    fn meta(&self, name: String) -> BoxFuture<'_, Result<Option<Vec<u8>>, BackendError>> {
        let read = move |connection: &_| tables::meta(connection, &name);
        Box::pin(self.file.readers.run(&self.file.reads, read))
    }

    fn set_meta(&self, name: String, meta: Vec<u8>) -> BoxFuture<'_, Result<bool, BackendError>> {
        let set = move |connection: &_| tables::set_meta(connection, &name, &meta);
        Box::pin(self.file.writer.run(&self.file.writes, ROW_COST, set, |found| found))
    }

    fn space(&self) -> BoxFuture<'_, Result<Space, BackendError>> {
        Box::pin(async move {
            let (databases, used) = self.file.readers.run(&self.file.reads, tables::space).await?;
            Ok(Space { databases, used, free: free_bytes(&self.file.path) })
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // The readers first: whoever closes the file last writes the log back, and they can't.
            self.file.readers.close().await;
            self.file.writer.close().await;
            for shared in lock(&self.file.open).values().filter_map(Weak::upgrade) {
                shared.close();
            }
        })
    }

    fn check(&self) -> BoxFuture<'_, Result<(), BackendError>> {
        Box::pin(async move {
            // Lanes of its own, so that it waits for no backlog.
            let (reads, writes) = (Lane::default(), Lane::default());
            self.file.writer.run(&writes, ROW_COST, tables::write_nothing, |()| ()).await?;
            self.file.readers.run(&reads, |_| Ok(())).await
        })
    }
}

/// What is left on the disk for this program.
#[cfg(unix)]
fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_path: &Path) -> Option<u64> {
    None
}
