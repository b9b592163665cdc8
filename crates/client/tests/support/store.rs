//! A store in memory that can be made to wait.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use settee_store::{
    BackendError, DocumentId, Memory, Operation, Record,
    backend::{Backend, BoxFuture, Commit, Counts, Incarnation, Unreadable},
};
use tokio::sync::{Barrier, Semaphore, watch};

/// Keeps everything in memory. Each commit and each read first takes a permit.
#[derive(Clone)]
pub struct GatedStore {
    memory: Memory,
    commits: Arc<Semaphore>,
    reads: Arc<Semaphore>,
    /// Commits wait here for one of another store.
    together: Option<Arc<Barrier>>,
    begun: watch::Sender<usize>,
    is_committing: Arc<AtomicBool>,
}

impl GatedStore {
    /// So many commits and reads are done, and then they wait until there are more permits.
    pub fn new(commits: usize, reads: usize) -> Self {
        Self {
            memory: Memory::new([9; 16]),
            commits: Arc::new(Semaphore::new(commits)),
            reads: Arc::new(Semaphore::new(reads)),
            together: None,
            begun: watch::Sender::new(0),
            is_committing: Arc::default(),
        }
    }

    /// Everything is done at once.
    pub fn open() -> Self {
        Self::new(Semaphore::MAX_PERMITS, Semaphore::MAX_PERMITS)
    }

    /// Each commit waits for one of another store with the same barrier.
    pub fn together(barrier: Arc<Barrier>) -> Self {
        Self { together: Some(barrier), ..Self::open() }
    }

    /// Lets every commit fail, or succeed again.
    pub fn fail_with(&self, failure: Option<BackendError>) {
        self.memory.fail_with(failure);
    }

    pub fn permit_commits(&self, commits: usize) {
        self.commits.add_permits(commits);
    }

    pub fn permit_reads(&self, reads: usize) {
        self.reads.add_permits(reads);
    }

    /// How many commits have begun.
    pub fn begun(&self) -> watch::Receiver<usize> {
        self.begun.subscribe()
    }

    async fn may_read(&self) {
        self.reads.acquire().await.expect("it is never closed").forget();
    }
}

/// Checks that a store's commits come one after the other. It ends with the commit.
struct Turn<'a>(&'a AtomicBool);

impl<'a> Turn<'a> {
    fn begin(is_committing: &'a AtomicBool) -> Self {
        assert!(!is_committing.swap(true, Ordering::Relaxed), "two commits at the same time");
        Self(is_committing)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Backend for GatedStore {
    fn commit(&self, operations: Vec<Operation>) -> BoxFuture<'_, Result<Commit, BackendError>> {
        Box::pin(async move {
            let _turn = Turn::begin(&self.is_committing);
            self.begun.send_modify(|begun| *begun += 1);
            if let Some(barrier) = &self.together {
                barrier.wait().await;
            }
            self.commits.acquire().await.expect("it is never closed").forget();
            self.memory.commit(operations).await
        })
    }

    fn read(
        &self,
        ids: Vec<DocumentId>,
    ) -> BoxFuture<'_, Result<Vec<Option<Arc<Record>>>, BackendError>> {
        Box::pin(async move {
            self.may_read().await;
            self.memory.read(ids).await
        })
    }

    fn changes(
        &self,
        since: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        Box::pin(async move {
            self.may_read().await;
            self.memory.changes(since, limit).await
        })
    }

    fn pending(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        Box::pin(async move {
            self.may_read().await;
            self.memory.pending(limit).await
        })
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts, BackendError>> {
        Box::pin(async move {
            self.may_read().await;
            self.memory.counts().await
        })
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
