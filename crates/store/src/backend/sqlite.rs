//! Any number of databases in one SQLite file, for servers and native clients.
//!
//! One thread writes, and commits what waits for it together; a few read. They are plain
//! threads: nothing here needs a runtime.
//!
//! - `connection`: opening the file; `tables`: what is asked of it.
//! - `writer` and `readers`, which are `workers`.
//! - `recent`: the latest commits in memory.

mod connection;
mod readers;
mod recent;
mod tables;
mod workers;
mod writer;

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, Weak},
};

use tokio::sync::watch;

use self::{readers::Readers, recent::Recent, tables::Key, workers::lock, writer::Writer};
use crate::{
    backend::{Backend, BackendError, BoxFuture, Commit, Counts, Incarnation, Run, Unreadable},
    document_id::DocumentId,
    operation::{COMMIT_LIMIT, Operation, Place, transition},
    record::Record,
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
    /// Every run that the database has lived through, this one included, and where each began.
    runs: Vec<(Run, u64)>,
    seq: watch::Sender<u64>,
    recent: Mutex<Recent>,
}

impl Sqlite {
    /// Opens the file, which is made if there is none. This is the beginning of a new run.
    ///
    /// Fails with [`BackendError::Newer`] if a later version has migrated it, with
    /// [`BackendError::Corrupt`] if it is damaged or something else, and with
    /// [`BackendError::Failed`] if it can't be opened, or the SQLite at hand is too old.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, BackendError> {
        let mut run = Run::default();
        getrandom::fill(&mut run).map_err(|error| BackendError::Failed(error.to_string()))?;
        Self::open_with(path, run)
    }

    /// Opens the file with a run's id of the caller's making. It must not have been used before.
    pub fn open_with(path: impl AsRef<Path>, run: Run) -> Result<Self, BackendError> {
        let path = path.as_ref();
        let writer = Writer::start(connection::open_writer(path)?)?;
        let readers = Readers::start(path)?;
        Ok(Self { file: Arc::new(File { writer, readers, run, open: Open::default() }) })
    }

    /// The database of that name, if there is one. Names are any text, compared byte for byte.
    pub async fn find(&self, name: &str) -> Result<Option<SqliteDatabase>, BackendError> {
        match self.opened(name) {
            Some(database) => Ok(Some(database)),
            None => self.open_database(name, None).await,
        }
    }

    /// The database of that name. If there is none, it is made, with this incarnation and `meta`,
    /// which have no say otherwise.
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

    /// The names of all databases, in the order of their bytes.
    pub async fn names(&self) -> Result<Vec<String>, BackendError> {
        self.file.readers.run(tables::names).await
    }

    /// What the program keeps of a database; `None` if there is no such database.
    pub async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, BackendError> {
        let name = name.to_owned();
        self.file.readers.run(move |connection| tables::meta(connection, &name)).await
    }

    /// Replaces what the program keeps of a database. Tells whether there is such a database.
    pub async fn set_meta(&self, name: &str, meta: Vec<u8>) -> Result<bool, BackendError> {
        let name = name.to_owned();
        let set = move |connection: &_| tables::set_meta(connection, &name, &meta);
        self.file.writer.run(1, set, |found| found).await
    }

    /// Takes nothing more, finishes what was handed in, and closes the file. Whoever still has a
    /// handle gets [`BackendError::Closed`].
    pub async fn close(&self) {
        // The readers first: whoever closes the file last writes the log back, and they can't.
        self.file.readers.close().await;
        self.file.writer.close().await;
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
        runs,
        seq: watch::Sender::new(row.seq),
        recent: Mutex::new(Recent::new(row.seq)),
    });
    open.insert(name, Arc::downgrade(&shared));
    shared
}

impl SqliteDatabase {
    /// This process' run, which all databases of the file share.
    pub fn run(&self) -> Run {
        self.file.run
    }

    /// Whether the checkpoint lies within what this database has lived through. It doesn't when
    /// the file is a copy from before the checkpoint. A run shares what was before it began.
    pub fn knows(&self, incarnation: Incarnation, run: Run, seq: u64) -> bool {
        let runs = &self.shared.runs;
        let Some(at) = runs.iter().position(|(known, _)| *known == run) else { return false };
        let end = runs.get(at + 1).map_or_else(|| *self.shared.seq.borrow(), |(_, next)| *next);
        incarnation == self.shared.incarnation && seq <= end
    }

    async fn read_with<T: Send + 'static>(
        &self,
        read: impl FnOnce(&rusqlite::Connection, Key) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
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
    /// Lets everybody know of a commit that is durable.
    fn publish(&self, written: Written) -> Commit {
        let seq = written.commit.seq;
        lock(&self.recent).install(&written.records, written.from, seq);
        self.seq.send_if_modified(|known| std::mem::replace(known, seq) != seq);
        written.commit
    }
}

impl Backend for SqliteDatabase {
    fn commit(&self, operations: Vec<Operation>) -> BoxFuture<'_, Result<Commit, BackendError>> {
        Box::pin(async move {
            if operations.len() > COMMIT_LIMIT {
                return Err(BackendError::TooMany);
            }
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
        self.shared.seq.subscribe()
    }

    fn incarnation(&self) -> Incarnation {
        self.shared.incarnation
    }
}
