//! Databases in memory, under names.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::watch;

use super::{Hosted, Runs, Storage};
use crate::{
    backend::{
        Backend, BackendError, BoxFuture, Commit, Counts, Incarnation, Run, Unreadable,
        memory::Memory,
    },
    document_id::DocumentId,
    operation::Operation,
    record::Record,
};

/// Databases in memory, for tests and for servers that keep nothing.
pub struct MemoryStorage {
    databases: Mutex<BTreeMap<String, Entry>>,
    run: Run,
    is_closed: AtomicBool,
}

#[derive(Clone)]
struct Entry {
    memory: Memory,
    meta: Vec<u8>,
    runs: Runs,
}

struct HostedMemory {
    memory: Memory,
    runs: Runs,
    run: Run,
}

impl MemoryStorage {
    /// A place without any database. The run's id is the caller's to draw: a random one, which
    /// wasn't used before.
    pub fn new(run: Run) -> Self {
        Self { databases: Mutex::default(), run, is_closed: AtomicBool::new(false) }
    }

    /// Another place with what is in this one now, as after a restart on a copy of the disk. Nothing
    /// that is written here later is there.
    #[must_use]
    pub fn reopened(&self, run: Run) -> Self {
        let mut databases = self.databases().clone();
        for entry in databases.values_mut() {
            entry.memory = entry.memory.copy(entry.memory.incarnation());
            let seq = *entry.memory.watch().borrow();
            // A run that has changed nothing was never recorded.
            entry.runs.0.pop_if(|(_, begun)| *begun == seq);
            entry.runs.0.push((run, seq));
        }
        Self { databases: Mutex::new(databases), ..Self::new(run) }
    }

    /// The database's memory, which can be told to fail; `None` if there is no such database.
    pub fn memory(&self, name: &str) -> Option<Memory> {
        self.databases().get(name).map(|entry| entry.memory.clone())
    }

    fn databases(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.databases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hosted(&self, entry: &Entry) -> Arc<dyn Hosted> {
        let Entry { memory, runs, .. } = entry.clone();
        // In the browser nothing is shared between threads; the counter is the same for both.
        #[allow(clippy::arc_with_non_send_sync)]
        Arc::new(HostedMemory { memory, runs, run: self.run })
    }
}

fn ready<T: crate::backend::MaybeSend + 'static>(value: T) -> BoxFuture<'static, T> {
    Box::pin(std::future::ready(value))
}

impl Storage for MemoryStorage {
    fn find(&self, name: String) -> BoxFuture<'_, Result<Option<Arc<dyn Hosted>>, BackendError>> {
        ready(Ok(self.databases().get(&name).map(|entry| self.hosted(entry))))
    }

    fn create(
        &self,
        name: String,
        incarnation: Incarnation,
        meta: Vec<u8>,
    ) -> BoxFuture<'_, Result<Arc<dyn Hosted>, BackendError>> {
        let mut databases = self.databases();
        let entry = databases.entry(name).or_insert_with(|| Entry {
            memory: Memory::new(incarnation),
            meta,
            runs: Runs(vec![(self.run, 0)]),
        });
        ready(Ok(self.hosted(entry)))
    }

    fn names(
        &self,
        after: Option<String>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<String>, BackendError>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let databases = self.databases();
        let names = databases.range((start, Bound::Unbounded)).map(|(name, _)| name.clone());
        ready(Ok(names.take(limit).collect()))
    }

    fn delete(&self, name: String) -> BoxFuture<'_, Result<bool, BackendError>> {
        let deleted = self.databases().remove(&name);
        let was_there = deleted.is_some();
        if let Some(entry) = deleted {
            entry.memory.close();
        }
        ready(Ok(was_there))
    }

    fn meta(&self, name: String) -> BoxFuture<'_, Result<Option<Vec<u8>>, BackendError>> {
        ready(Ok(self.databases().get(&name).map(|entry| entry.meta.clone())))
    }

    fn set_meta(&self, name: String, meta: Vec<u8>) -> BoxFuture<'_, Result<bool, BackendError>> {
        let mut databases = self.databases();
        let entry = databases.get_mut(&name);
        let is_there = entry.is_some();
        if let Some(entry) = entry {
            entry.meta = meta;
        }
        ready(Ok(is_there))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.is_closed.store(true, Ordering::Relaxed);
        self.databases().values().for_each(|entry| entry.memory.close());
        ready(())
    }

    fn check(&self) -> BoxFuture<'_, Result<(), BackendError>> {
        let is_closed = self.is_closed.load(Ordering::Relaxed);
        ready(if is_closed { Err(BackendError::Closed) } else { Ok(()) })
    }
}

impl Hosted for HostedMemory {
    fn run(&self) -> Run {
        self.run
    }

    fn knows(
        &self,
        incarnation: Incarnation,
        run: Run,
        seq: u64,
    ) -> BoxFuture<'_, Result<bool, BackendError>> {
        let latest = *self.memory.watch().borrow();
        let knows = incarnation == self.memory.incarnation() && self.runs.know(run, seq, latest);
        ready(Ok(knows))
    }
}

impl Backend for HostedMemory {
    fn commit(&self, operations: Vec<Operation>) -> BoxFuture<'_, Result<Commit, BackendError>> {
        self.memory.commit(operations)
    }

    fn read(
        &self,
        ids: Vec<DocumentId>,
    ) -> BoxFuture<'_, Result<Vec<Option<Arc<Record>>>, BackendError>> {
        self.memory.read(ids)
    }

    fn changes(
        &self,
        since: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        self.memory.changes(since, limit)
    }

    fn pending(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        self.memory.pending(limit)
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts, BackendError>> {
        self.memory.counts()
    }

    fn local(&self, key: String) -> BoxFuture<'_, Result<Option<Vec<u8>>, BackendError>> {
        self.memory.local(key)
    }

    fn unreadable(&self) -> BoxFuture<'_, Result<Vec<Unreadable>, BackendError>> {
        self.memory.unreadable()
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.memory.watch()
    }

    fn incarnation(&self) -> Incarnation {
        self.memory.incarnation()
    }
}
