//! A store in memory that can be made to wait.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use settee_store::{BackendError, Database, Memory, backend::memory::Call};
use tokio::sync::{Barrier, Semaphore, watch};

/// Keeps everything in memory. Each commit and each read first takes a permit.
#[derive(Clone)]
pub struct GatedStore {
    memory: Memory,
    gates: Arc<Gates>,
}

struct Gates {
    commits: Semaphore,
    reads: Semaphore,
    /// Commits wait here for one of another store.
    together: Option<Arc<Barrier>>,
    begun: watch::Sender<usize>,
    is_committing: AtomicBool,
}

impl GatedStore {
    /// So many commits and reads are done, and then they wait until there are more permits.
    pub fn new(commits: usize, reads: usize) -> Self {
        Self::with(commits, reads, None)
    }

    /// Everything is done at once.
    pub fn open() -> Self {
        Self::new(Semaphore::MAX_PERMITS, Semaphore::MAX_PERMITS)
    }

    /// Each commit waits for one of another store with the same barrier.
    pub fn together(barrier: Arc<Barrier>) -> Self {
        Self::with(Semaphore::MAX_PERMITS, Semaphore::MAX_PERMITS, Some(barrier))
    }

    fn with(commits: usize, reads: usize, together: Option<Arc<Barrier>>) -> Self {
        let gates = Arc::new(Gates {
            commits: Semaphore::new(commits),
            reads: Semaphore::new(reads),
            together,
            begun: watch::Sender::new(0),
            is_committing: AtomicBool::new(false),
        });
        let memory = Memory::new([9; 16]);
        let held = gates.clone();
        memory.hold_calls(move |call| {
            let gates = held.clone();
            Box::pin(async move { gates.pass(call).await })
        });
        Self { memory, gates }
    }

    pub fn database(&self) -> Database {
        Database::new(self.memory.clone())
    }

    /// Lets every commit fail, or succeed again.
    pub fn fail_with(&self, failure: Option<BackendError>) {
        self.memory.fail_with(failure);
    }

    pub fn permit_commits(&self, commits: usize) {
        self.gates.commits.add_permits(commits);
    }

    pub fn permit_reads(&self, reads: usize) {
        self.gates.reads.add_permits(reads);
    }

    /// How many commits have begun.
    pub fn begun(&self) -> watch::Receiver<usize> {
        self.gates.begun.subscribe()
    }
}

impl Gates {
    async fn pass(&self, call: Call) {
        let permits = match call {
            Call::Local => return,
            Call::Read => &self.reads,
            Call::Commit => &self.commits,
        };
        // It ends with the wait: in memory, a commit that may go on is done.
        let _turn = (call == Call::Commit).then(|| Turn::begin(&self.is_committing));
        if call == Call::Commit {
            self.begun.send_modify(|begun| *begun += 1);
            if let Some(barrier) = &self.together {
                barrier.wait().await;
            }
        }
        permits.acquire().await.expect("it is never closed").forget();
    }
}

/// Checks that a store's commits come one after the other.
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
