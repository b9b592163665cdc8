//! One database of a file: its state that all handles share, and what is asked of it.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::{OnceCell, watch};

use super::{
    File,
    log::Log,
    recent::Recent,
    tables::{self, Key},
    turns::Lane,
    workers::lock,
    writer::ROW_COST,
};
use crate::{
    backend::{Backend, BackendError, BoxFuture, Commit, Counts, Incarnation, Run, Unreadable},
    document_id::DocumentId,
    operation::{COMMIT_LIMIT, Operation, Place, transition},
    record::Record,
    sequence::Sequence,
    storage::{Hosted, Runs},
};

/// One database of a [`Sqlite`](super::Sqlite) file. Clones are handles on the same one.
#[derive(Clone)]
pub struct SqliteDatabase {
    shared: Arc<Shared>,
    file: Arc<File>,
}

/// A database that somebody has a handle on, or is opening. Commits that are on their way hold it,
/// too, so a new one finds all of them in the file.
pub(super) struct Shared {
    /// Set before there is a handle.
    opened: OnceCell<Opened>,
    seq: Sequence,
    recent: Mutex<Recent>,
    /// What was found when somebody asked for it first: looking for it means to read all records.
    unreadable: OnceCell<Vec<Unreadable>>,
    reads: Lane,
    writes: Lane,
}

/// What was found when the database was opened.
struct Opened {
    key: Key,
    incarnation: Incarnation,
    /// Every run that the database has lived through, this one included.
    runs: Runs,
    /// Whether the file knows of this run: see [`Hosted::run`].
    is_recorded: AtomicBool,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            opened: OnceCell::new(),
            seq: Sequence::new(0),
            recent: Mutex::new(Recent::new(0)),
            unreadable: OnceCell::new(),
            reads: Lane::default(),
            writes: Lane::default(),
        }
    }
}

impl Shared {
    fn opened(&self) -> &Opened {
        self.opened.get().expect("there is no handle before the database is opened")
    }

    fn check_open(&self) -> Result<(), BackendError> {
        if self.seq.is_closed() { Err(BackendError::Closed) } else { Ok(()) }
    }

    pub(super) fn close(&self) {
        self.seq.close();
    }

    /// The database is gone, and so is what it remembers: nobody asks for what comes after the end.
    pub(super) fn deleted(&self) {
        self.seq.close();
        *lock(&self.recent) = Recent::new(u64::MAX);
    }

    /// Lets everybody know of a commit that is durable.
    fn publish(&self, written: Written) -> Commit {
        let seq = written.commit.seq;
        if seq != written.from {
            self.opened().is_recorded.store(true, Ordering::Relaxed);
        }
        lock(&self.recent).install(&written.records, written.from, seq);
        self.seq.advance(seq);
        written.commit
    }
}

impl SqliteDatabase {
    /// A handle on the database of that name, if there is one. Whoever opens it first reads what
    /// all share; others wait for that.
    pub(super) async fn open(
        shared: Arc<Shared>,
        file: Arc<File>,
        name: String,
    ) -> Result<Option<Self>, BackendError> {
        let run = file.run;
        let found = shared.opened.get_or_try_init(async || {
            let read = move |connection: &_| {
                let Some(row) = tables::find_database(connection, &name)? else { return Ok(None) };
                Ok(Some((row, tables::runs(connection, row.key)?)))
            };
            let found = file.readers.run(&shared.reads, read).await.map_err(Some)?;
            let (tables::DatabaseRow { key, incarnation, seq }, mut runs) = found.ok_or(None)?;
            let is_recorded = runs.iter().any(|(known, _)| *known == run);
            if !is_recorded {
                runs.push((run, seq));
            }
            *lock(&shared.recent) = Recent::new(seq);
            shared.seq.advance(seq);
            let is_recorded = AtomicBool::new(is_recorded);
            Ok(Opened { key, incarnation, runs: Runs(runs), is_recorded })
        });
        match found.await {
            Ok(_) => Ok(Some(Self { shared, file })),
            Err(None) => Ok(None),
            Err(Some(error)) => Err(error),
        }
    }

    async fn read_with<T: Send + 'static>(
        &self,
        read: impl FnOnce(&rusqlite::Connection, Key) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        self.shared.check_open()?;
        let key = self.shared.opened().key;
        let read = move |connection: &_| read(connection, key);
        self.file.readers.run(&self.shared.reads, read).await
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

/// Does a commit's part of a transaction. `run` is to be recorded, if it isn't yet.
fn write(
    connection: &rusqlite::Connection,
    key: Key,
    run: Option<Run>,
    log: &Log,
    operations: Vec<Operation>,
) -> Result<Written, BackendError> {
    // The file's own, for another program may have written to it.
    let from = tables::seq(connection, key)?;
    let done = transition(operations, from, &Stored { connection, key })?;
    if done.erased {
        log.note_dropped_text();
    }
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
        if let Some(run) = run {
            tables::record_run(connection, key, run, from)?;
        }
    }
    Ok(Written { commit: Commit { outcomes: done.outcomes, seq: done.seq }, records, from })
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
        let Opened { incarnation: own, runs, .. } = self.shared.opened();
        let knows = incarnation == *own && runs.know(run, seq, self.shared.seq.latest());
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
            let Opened { key, is_recorded, .. } = self.shared.opened();
            let run = (!is_recorded.load(Ordering::Relaxed)).then_some(self.file.run);
            let (key, shared) = (*key, self.shared.clone());
            let cost = operations.iter().map(|it| ROW_COST + it.weight() as u64).sum();
            let log = self.file.log.clone();
            let work = move |connection: &_| write(connection, key, run, &log, operations);
            let publish = move |written| shared.publish(written);
            self.file.writer.run(&self.shared.writes, cost, work, publish).await
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
        Box::pin(async move {
            let counts = self.read_with(|connection, key| tables::counts(connection, key, &[]));
            let counts = counts.await?;
            if counts.pending + counts.refused == 0 {
                return Ok(counts);
            }
            let mut unreadable = self.unreadable().await?;
            unreadable.retain(|it| it.has_edits);
            if unreadable.is_empty() {
                return Ok(counts);
            }
            self.read_with(move |connection, key| tables::counts(connection, key, &unreadable))
                .await
        })
    }

    fn local(&self, key: String) -> BoxFuture<'_, Result<Option<Vec<u8>>, BackendError>> {
        Box::pin(
            self.read_with(move |connection, database| tables::local(connection, database, &key)),
        )
    }

    fn unreadable(&self) -> BoxFuture<'_, Result<Vec<Unreadable>, BackendError>> {
        Box::pin(async move {
            let look = async || self.read_with(tables::unreadable).await;
            self.shared.unreadable.get_or_try_init(look).await.cloned()
        })
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.shared.seq.watch()
    }

    fn incarnation(&self) -> Incarnation {
        self.shared.opened().incarnation
    }
}
