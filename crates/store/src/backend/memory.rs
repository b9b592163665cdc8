//! A database in memory, which can be told to fail: for tests, for simulation, and for a
//! browser that lets nothing be saved.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::{
    backend::{Backend, BackendError, BoxFuture, Commit, Counts, Incarnation, Unreadable},
    document_id::DocumentId,
    image::Image,
    operation::{COMMIT_LIMIT, Operation},
    record::Record,
};

/// A database in memory. Clones are handles on the same one.
#[derive(Debug, Clone)]
pub struct Memory {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    seq: watch::Sender<u64>,
    incarnation: Incarnation,
}

#[derive(Debug, Default)]
struct State {
    image: Image,
    failure: Option<BackendError>,
}

impl Memory {
    pub fn new(incarnation: Incarnation) -> Self {
        let (seq, _) = watch::channel(0);
        Self { shared: Arc::new(Shared { state: Mutex::default(), seq, incarnation }) }
    }

    /// Lets every commit fail with this error from now on, or succeed again.
    pub fn fail_with(&self, failure: Option<BackendError>) {
        self.state().failure = failure;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn commit_now(&self, operations: Vec<Operation>) -> Result<Commit, BackendError> {
        if operations.len() > COMMIT_LIMIT {
            return Err(BackendError::TooMany);
        }
        let mut state = self.state();
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        let done = state.image.prepare(operations);
        let (outcomes, seq) = (done.outcomes, done.seq);
        state.image.install(done.records, done.locals, seq);
        drop(state);
        self.shared.seq.send_if_modified(|known| std::mem::replace(known, seq) != seq);
        Ok(Commit { outcomes, seq })
    }
}

impl Backend for Memory {
    fn commit(&self, operations: Vec<Operation>) -> BoxFuture<'_, Result<Commit, BackendError>> {
        Box::pin(async move { self.commit_now(operations) })
    }

    fn read(
        &self,
        ids: Vec<DocumentId>,
    ) -> BoxFuture<'_, Result<Vec<Option<Arc<Record>>>, BackendError>> {
        Box::pin(async move {
            let state = self.state();
            Ok(ids.iter().map(|id| state.image.get(id)).collect())
        })
    }

    fn changes(
        &self,
        since: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        Box::pin(async move { Ok(self.state().image.changes(since, limit)) })
    }

    fn pending(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        Box::pin(async move { Ok(self.state().image.pending(limit)) })
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts, BackendError>> {
        Box::pin(async move { Ok(self.state().image.counts()) })
    }

    fn local(&self, key: String) -> BoxFuture<'_, Result<Option<Vec<u8>>, BackendError>> {
        Box::pin(async move { Ok(self.state().image.local(&key)) })
    }

    fn unreadable(&self) -> BoxFuture<'_, Result<Vec<Unreadable>, BackendError>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.shared.seq.subscribe()
    }

    fn incarnation(&self) -> Incarnation {
        self.shared.incarnation
    }
}
