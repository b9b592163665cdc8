//! Databases in memory, under names.

#![allow(
    clippy::arc_with_non_send_sync,
    reason = "in the browser nothing is shared between threads, and the counter is the same for both"
)]

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{Hosted, Space, Storage};
use crate::backend::{BackendError, BoxFuture, Incarnation, MaybeSend, Run, memory::Memory};

/// Databases in memory, for tests and for servers that keep nothing. Clones are handles on the same
/// place.
#[derive(Clone)]
pub struct MemoryStorage {
    databases: Arc<Mutex<BTreeMap<String, Entry>>>,
    run: Run,
    is_closed: Arc<AtomicBool>,
}

#[derive(Clone)]
struct Entry {
    memory: Memory,
    meta: Vec<u8>,
}

impl Entry {
    fn hosted(&self) -> Arc<dyn Hosted> {
        Arc::new(self.memory.clone())
    }
}

impl MemoryStorage {
    /// A place without any database. The run's id is the caller's to draw: a random one, which
    /// wasn't used before.
    pub fn new(run: Run) -> Self {
        Self { databases: Arc::default(), run, is_closed: Arc::default() }
    }

    /// Another place with what is in this one now, as after a restart on a copy of the disk. Nothing
    /// that is written here later is there.
    #[must_use]
    pub fn reopened(&self, run: Run) -> Self {
        let mut databases = self.databases().clone();
        for entry in databases.values_mut() {
            entry.memory = entry.memory.reopened(run);
        }
        Self { databases: Arc::new(Mutex::new(databases)), ..Self::new(run) }
    }

    /// The database's memory, which can be told to fail or to wait; `None` if there is no such database.
    pub fn memory(&self, name: &str) -> Option<Memory> {
        self.databases().get(name).map(|entry| entry.memory.clone())
    }

    fn databases(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.databases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ready<T: MaybeSend + 'static>(value: T) -> BoxFuture<'static, T> {
    Box::pin(std::future::ready(value))
}

impl Storage for MemoryStorage {
    fn find(&self, name: String) -> BoxFuture<'_, Result<Option<Arc<dyn Hosted>>, BackendError>> {
        ready(Ok(self.databases().get(&name).map(Entry::hosted)))
    }

    fn create(
        &self,
        name: String,
        incarnation: Incarnation,
        meta: Vec<u8>,
    ) -> BoxFuture<'_, Result<Arc<dyn Hosted>, BackendError>> {
        let mut databases = self.databases();
        let entry = databases
            .entry(name)
            .or_insert_with(|| Entry { memory: Memory::in_run(incarnation, self.run), meta });
        ready(Ok(entry.hosted()))
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

    fn space(&self) -> BoxFuture<'_, Result<Space, BackendError>> {
        let databases = self.databases();
        let used = databases.values().map(|entry| entry.memory.bytes()).sum();
        let databases = databases.len().try_into().unwrap_or(u64::MAX);
        ready(Ok(Space { databases, used, free: None }))
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
