//! Any number of databases in one SQLite file, for servers and native clients.
//!
//! One thread writes, and commits what waits for it together; a few read. They are plain
//! threads: nothing here needs a runtime.
//!
//! - `folder`: a folder with a file of databases; `connection`: opening the file; `tables`: what is asked of it.
//! - `writer` and `readers`, which are `workers`.
//! - `recent`: the latest commits in memory.

mod connection;
mod folder;
mod readers;
mod recent;
mod tables;
mod workers;
mod writer;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, Weak},
};

use tokio::sync::watch;

pub use self::folder::FolderError;
use self::{readers::Readers, recent::Recent, tables::Key, workers::lock, writer::Writer};
use crate::{
    backend::{Backend, BackendError, BoxFuture, Commit, Counts, Incarnation, Run, Unreadable},
    document_id::DocumentId,
    operation::{COMMIT_LIMIT, Operation, Place, transition},
    record::Record,
    sequence::Sequence,
    storage::{Hosted, Runs, Space, Storage},
};

/// A file of databases. Clones are handles on the same one; when the last is gone, and the last
/// [`SqliteDatabase`] with it, what was handed in is finished and the file closed.
#[derive(Clone)]
pub struct Sqlite {
    file: Arc<File>,
}

struct File {
    writer: Writer,
    readers: Readers,
    run: Run,
    open: Open,
    path: PathBuf,
    /// Of the folder that the file is in, if it is a [`folder`].
    _lock: Option<std::fs::File>,
}

/// The databases that somebody has a handle on, so that all of one name share its state.
type Open = Arc<Mutex<HashMap<String, Weak<Shared>>>>;

/// One database of a [`Sqlite`] file. Clones are handles on the same one.
#[derive(Clone)]
pub struct SqliteDatabase {
    shared: Arc<Shared>,
    file: Arc<File>,
}

struct Shared {
    key: Key,
    incarnation: Incarnation,
    /// Every run that the database has lived through, this one included.
    runs: Runs,
    seq: Sequence,
    recent: Mutex<Recent>,
}

impl Sqlite {
    /// Opens the file, which is made if there is none. This is the beginning of a new run.
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
        let writer = Writer::start(connection::open_writer(path)?)?;
        let readers = Readers::start(path)?;
        let (open, path) = (Open::default(), path.to_owned());
        Ok(Self { file: Arc::new(File { writer, readers, run, open, path, _lock: lock }) })
    }

    fn draw_run() -> Result<Run, BackendError> {
        let mut run = Run::default();
        getrandom::fill(&mut run).map_err(|error| BackendError::Failed(error.to_string()))?;
        Ok(run)
    }

    /// The database of that name, if there is one: [`Storage::find`], with its own type.
    pub async fn find(&self, name: &str) -> Result<Option<SqliteDatabase>, BackendError> {
        match self.opened(name) {
            Some(database) => Ok(Some(database)),
            None => self.open_database(name, None).await,
        }
    }

    /// The database of that name, made if there is none: [`Storage::create`], with its own type.
    pub async fn create(
        &self,
        name: &str,
        incarnation: Incarnation,
        meta: Vec<u8>,
    ) -> Result<SqliteDatabase, BackendError> {
        if let Some(database) = self.opened(name) {
            return Ok(database);
        }
        let database = self.open_database(name, Some((incarnation, meta))).await?;
        database.ok_or_else(|| BackendError::Failed("a new database is not there".to_owned()))
    }

    fn opened(&self, name: &str) -> Option<SqliteDatabase> {
        let shared = lock(&self.file.open).get(name)?.upgrade()?;
        Some(SqliteDatabase { shared, file: self.file.clone() })
    }

    async fn open_database(
        &self,
        name: &str,
        new: Option<(Incarnation, Vec<u8>)>,
    ) -> Result<Option<SqliteDatabase>, BackendError> {
        let (name, run, open) = (name.to_owned(), self.file.run, self.file.open.clone());
        let work = move |connection: &_| {
            if let Some((incarnation, meta)) = new {
                tables::create_database(connection, &name, incarnation, &meta)?;
            }
            let Some(row) = tables::find_database(connection, &name)? else { return Ok(None) };
            let runs = tables::begin_run(connection, row.key, run, row.seq)?;
            Ok(Some((name, row, runs)))
        };
        let publish =
            move |found: Option<_>| found.map(|(name, row, runs)| share(&open, name, row, runs));
        let shared = self.file.writer.run(1, work, publish).await?;
        Ok(shared.map(|shared| SqliteDatabase { shared, file: self.file.clone() }))
    }
}

/// The state that all handles of the database share. Only the writer makes it, in the order of
/// commits, so that it is one and begins with the sequence as it is.
fn share(
    open: &Open,
    name: String,
    row: tables::DatabaseRow,
    runs: Vec<(Run, u64)>,
) -> Arc<Shared> {
    let mut open = lock(open);
    if let Some(shared) = open.get(&name).and_then(Weak::upgrade) {
        return shared;
    }
    // Names of databases that were closed go when there are as many of them as of others.
    if open.len() == open.capacity() {
        open.retain(|_, shared| shared.strong_count() > 0);
    }
    let shared = Arc::new(Shared {
        key: row.key,
        incarnation: row.incarnation,
        runs: Runs(runs),
        seq: Sequence::new(row.seq),
        recent: Mutex::new(Recent::new(row.seq)),
    });
    open.insert(name, Arc::downgrade(&shared));
    shared
}

impl SqliteDatabase {
    async fn read_with<T: Send + 'static>(
        &self,
        read: impl FnOnce(&rusqlite::Connection, Key) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        self.shared.check_open()?;
        let key = self.shared.key;
        self.file.readers.run(move |connection| read(connection, key)).await
    }
}

/// What a commit wrote, for those who follow the database.
struct Written {
    commit: Commit,
    /// With their sizes.
    records: Vec<(Arc<Record>, usize)>,
    /// The update sequence before.
    from: u64,
}

/// A database inside a transaction.
struct Stored<'a> {
    connection: &'a rusqlite::Connection,
    key: Key,
}

impl Place for Stored<'_> {
    type Error = BackendError;

    fn record(&self, id: &DocumentId) -> Result<Option<Arc<Record>>, BackendError> {
        tables::load(self.connection, self.key, id)
    }

    fn local(&self, key: &str) -> Result<Option<Vec<u8>>, BackendError> {
        tables::local(self.connection, self.key, key)
    }
}

fn write(
    connection: &rusqlite::Connection,
    key: Key,
    operations: Vec<Operation>,
) -> Result<Written, BackendError> {
    // The file's own, for another program may have written to it.
    let from = tables::seq(connection, key)?;
    let done = transition(operations, from, &Stored { connection, key })?;
    let mut records = Vec::with_capacity(done.records.len());
    for record in done.records {
        let size = tables::store(connection, key, &record)?;
        records.push((record, size));
    }
    for (name, value) in done.locals {
        tables::set_local(connection, key, &name, value.as_deref())?;
    }
    if done.seq != from {
        tables::set_seq(connection, key, done.seq)?;
    }
    Ok(Written { commit: Commit { outcomes: done.outcomes, seq: done.seq }, records, from })
}

impl Shared {
    fn check_open(&self) -> Result<(), BackendError> {
        if self.seq.is_closed() { Err(BackendError::Closed) } else { Ok(()) }
    }

    /// Lets everybody know of a commit that is durable.
    fn publish(&self, written: Written) -> Commit {
        let seq = written.commit.seq;
        lock(&self.recent).install(&written.records, written.from, seq);
        self.seq.advance(seq);
        written.commit
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
        Box::pin(self.file.readers.run(read))
    }

    fn delete(&self, name: String) -> BoxFuture<'_, Result<bool, BackendError>> {
        let open = self.file.open.clone();
        Box::pin(async move {
            let work = move |connection: &_| {
                let is_there = tables::delete_database(connection, &name)?;
                Ok((name, is_there))
            };
            let publish = move |(name, is_there): (String, bool)| {
                let shared = lock(&open).remove(&name).and_then(|shared| shared.upgrade());
                if let Some(shared) = shared {
                    shared.seq.close();
                    // What it remembers is gone, too: nobody asks for what comes after the end.
                    *lock(&shared.recent) = Recent::new(u64::MAX);
                }
                is_there
            };
            self.file.writer.run(1, work, publish).await
        })
    }

    fn meta(&self, name: String) -> BoxFuture<'_, Result<Option<Vec<u8>>, BackendError>> {
        Box::pin(self.file.readers.run(move |connection| tables::meta(connection, &name)))
    }

    fn set_meta(&self, name: String, meta: Vec<u8>) -> BoxFuture<'_, Result<bool, BackendError>> {
        let set = move |connection: &_| tables::set_meta(connection, &name, &meta);
        Box::pin(self.file.writer.run(1, set, |found| found))
    }

    fn space(&self) -> BoxFuture<'_, Result<Space, BackendError>> {
        Box::pin(async move {
            let (databases, used) = self.file.readers.run(tables::space).await?;
            Ok(Space { databases, used, free: free_bytes(&self.file.path) })
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // The readers first: whoever closes the file last writes the log back, and they can't.
            self.file.readers.close().await;
            self.file.writer.close().await;
            for shared in lock(&self.file.open).values().filter_map(Weak::upgrade) {
                shared.seq.close();
            }
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

impl Hosted for SqliteDatabase {
    fn run(&self) -> Run {
        self.file.run
    }

    fn knows(
        &self,
        incarnation: Incarnation,
        run: Run,
        seq: u64,
    ) -> BoxFuture<'_, Result<bool, BackendError>> {
        let Shared { incarnation: own, runs, seq: sequence, .. } = &*self.shared;
        let knows = incarnation == *own && runs.know(run, seq, sequence.latest());
        Box::pin(std::future::ready(Ok(knows)))
    }

    fn size(&self) -> BoxFuture<'_, Result<u64, BackendError>> {
        Box::pin(self.read_with(tables::size))
    }
}

impl Backend for SqliteDatabase {
    fn commit(&self, operations: Vec<Operation>) -> BoxFuture<'_, Result<Commit, BackendError>> {
        Box::pin(async move {
            if operations.len() > COMMIT_LIMIT {
                return Err(BackendError::TooMany);
            }
            self.shared.check_open()?;
            let (key, shared) = (self.shared.key, self.shared.clone());
            let count = operations.len();
            let work = move |connection: &_| write(connection, key, operations);
            let publish = move |written| shared.publish(written);
            self.file.writer.run(count, work, publish).await
        })
    }

    fn read(
        &self,
        ids: Vec<DocumentId>,
    ) -> BoxFuture<'_, Result<Vec<Option<Arc<Record>>>, BackendError>> {
        Box::pin(self.read_with(move |connection, key| {
            ids.iter().map(|id| tables::read(connection, key, id)).collect()
        }))
    }

    fn changes(
        &self,
        since: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        Box::pin(async move {
            let recent = lock(&self.shared.recent).changes(since, limit);
            match recent {
                Some(records) => Ok(records),
                None => self.read_with(move |c, key| tables::changes(c, key, since, limit)).await,
            }
        })
    }

    fn pending(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        Box::pin(self.read_with(move |connection, key| tables::pending(connection, key, limit)))
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts, BackendError>> {
        Box::pin(self.read_with(tables::counts))
    }

    fn local(&self, key: String) -> BoxFuture<'_, Result<Option<Vec<u8>>, BackendError>> {
        Box::pin(
            self.read_with(move |connection, database| tables::local(connection, database, &key)),
        )
    }

    fn unreadable(&self) -> BoxFuture<'_, Result<Vec<Unreadable>, BackendError>> {
        Box::pin(self.read_with(tables::unreadable))
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.shared.seq.watch()
    }

    fn incarnation(&self) -> Incarnation {
        self.shared.incarnation
    }
}
