//! Whether there is room for what clients send: in a database, in the storage, on the disk.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use settee_store::{BackendError, Hosted, Space, Storage, replication::ReplicatedDocument};
use thiserror::Error;
use tokio::{sync::Mutex as AsyncMutex, time::Instant};

use crate::quotas::Quotas;

/// How long a look at the storage's space counts.
const LOOK: Duration = Duration::from_secs(1);

/// Why something can't be written. The texts go to the client, with the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoRoom {
    #[error("the server has no room left: try again later")]
    Storage,
    #[error("a database holds at most {0} documents here")]
    Documents(u64),
    #[error("a database holds at most {} MB here", .0 / 1_000_000)]
    Bytes(u64),
    #[error("the server takes no more databases")]
    Databases,
}

/// The room of a server.
pub struct Room {
    quotas: Quotas,
    /// The latest look at the storage.
    space: AsyncMutex<Option<(Instant, Space)>>,
}

/// What an open database takes, for all handles on it. Between two counts it is an upper bound.
#[derive(Debug, Default)]
pub struct Usage {
    documents: AtomicU64,
    bytes: AtomicU64,
    is_counted: AtomicBool,
    counted: AsyncMutex<Option<Instant>>,
}

impl Room {
    pub fn new(quotas: Quotas) -> Self {
        Self { quotas, space: AsyncMutex::default() }
    }

    /// Whether one more database may be created.
    pub async fn for_database(
        &self,
        storage: &dyn Storage,
    ) -> Result<Result<(), NoRoom>, BackendError> {
        let space = self.space(storage).await?;
        if space.databases >= self.quotas.databases {
            return Ok(Err(NoRoom::Databases));
        }
        Ok(self.in_storage(space))
    }

    /// Whether these documents may be written to a database. Counts them, if they may.
    pub async fn for_documents(
        &self,
        storage: &dyn Storage,
        database: &dyn Hosted,
        usage: &Usage,
        documents: &[ReplicatedDocument],
    ) -> Result<Result<(), NoRoom>, BackendError> {
        if let Err(full) = self.in_storage(self.space(storage).await?) {
            return Ok(Err(full));
        }
        let weight = documents.iter().map(ReplicatedDocument::weight).sum::<usize>() as u64;
        let count = documents.len() as u64;
        if !usage.is_counted() || self.in_database(usage, count, weight).is_err() {
            usage.count(database).await?;
        }
        let fits = self.in_database(usage, count, weight);
        if fits.is_ok() {
            usage.documents.fetch_add(count, Ordering::Relaxed);
            usage.bytes.fetch_add(weight, Ordering::Relaxed);
        }
        Ok(fits)
    }

    fn in_storage(&self, space: Space) -> Result<(), NoRoom> {
        let is_full = space.used >= self.quotas.bytes_in_all
            || space.free.is_some_and(|free| free < self.quotas.reserve);
        if is_full { Err(NoRoom::Storage) } else { Ok(()) }
    }

    fn in_database(&self, usage: &Usage, count: u64, weight: u64) -> Result<(), NoRoom> {
        let Quotas { documents, bytes, .. } = self.quotas;
        if usage.documents.load(Ordering::Relaxed).saturating_add(count) > documents {
            return Err(NoRoom::Documents(documents));
        }
        if usage.bytes.load(Ordering::Relaxed).saturating_add(weight) > bytes {
            return Err(NoRoom::Bytes(bytes));
        }
        Ok(())
    }

    async fn space(&self, storage: &dyn Storage) -> Result<Space, BackendError> {
        let mut known = self.space.lock().await;
        if let Some((at, space)) = *known
            && at.elapsed() < LOOK
        {
            return Ok(space);
        }
        let space = storage.space().await?;
        *known = Some((Instant::now(), space));
        Ok(space)
    }
}

impl Usage {
    /// Counts what the server itself writes.
    pub fn add(&self, documents: usize, weight: usize) {
        self.documents.fetch_add(documents as u64, Ordering::Relaxed);
        self.bytes.fetch_add(weight as u64, Ordering::Relaxed);
    }

    fn is_counted(&self) -> bool {
        self.is_counted.load(Ordering::Relaxed)
    }

    /// Counts what the database has, unless that was done a moment ago.
    async fn count(&self, database: &dyn Hosted) -> Result<(), BackendError> {
        let mut counted = self.counted.lock().await;
        if counted.is_some_and(|at| at.elapsed() < LOOK) {
            return Ok(());
        }
        let documents = database.counts().await?.documents as u64;
        self.documents.store(documents, Ordering::Relaxed);
        self.bytes.store(database.size().await?, Ordering::Relaxed);
        self.is_counted.store(true, Ordering::Relaxed);
        *counted = Some(Instant::now());
        Ok(())
    }
}

/// Whether a document only takes something away. That needs no room.
pub fn is_removal(document: &ReplicatedDocument) -> bool {
    let told = document.told();
    let mut latest = document.revisions.iter().filter(|revision| told.contains(&revision.revision));
    latest.all(|revision| revision.deleted)
}
