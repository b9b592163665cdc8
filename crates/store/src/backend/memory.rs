//! A database in memory, which can be told to fail or to wait: for tests, for simulation, and for
//! a browser that lets nothing be saved.

#![allow(
    clippy::arc_with_non_send_sync,
    reason = "in the browser nothing is shared between threads, and the counter is the same for both"
)]

use std::{
    fmt,
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};

use tokio::sync::watch;

use crate::{
    backend::{
        Backend, BackendError, BoxFuture, Commit, Counts, Incarnation, MaybeSend, MaybeSync, Run,
        Unreadable,
    },
    database::Database,
    document_id::DocumentId,
    memory_index::MemoryIndex,
    operation::{COMMIT_LIMIT, Operation},
    record::Record,
    sequence::Sequence,
    storage::{Hosted, Runs},
};

/// A database in memory. Clones are handles on the same one; it is gone with the last of them.
#[derive(Debug, Clone)]
pub struct Memory {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    seq: Sequence,
    incarnation: Incarnation,
    runs: Runs,
    is_slow: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    image: MemoryIndex,
    failure: Option<BackendError>,
    /// How many commits have been tried, and what becomes of which one.
    commits: u64,
    fault: Option<(u64, Fault)>,
    gate: Option<Gate>,
}

/// What calls wait for.
#[derive(Clone)]
struct Gate(Arc<dyn Holds>);

trait Holds: MaybeSend + MaybeSync + Fn(Call) -> BoxFuture<'static, ()> {}
impl<T: MaybeSend + MaybeSync + Fn(Call) -> BoxFuture<'static, ()>> Holds for T {}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

/// What a database is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// [`Backend::commit`].
    Commit,
    /// [`Backend::local`].
    Local,
    /// Everything else that reads.
    Read,
}

/// What goes wrong with one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done.
    Undone(BackendError),
    /// Everything is done, but whoever has asked for it is told this, as if the answer had been
    /// lost on its way.
    Unanswered(BackendError),
}

impl Memory {
    /// An empty database, with an update sequence of 0.
    pub fn new(incarnation: Incarnation) -> Self {
        Self::in_run(incarnation, Run::default())
    }

    /// An empty database of a storage's run.
    pub(crate) fn in_run(incarnation: Incarnation, run: Run) -> Self {
        Self::with(incarnation, Runs(vec![(run, 0)]))
    }

    fn with(incarnation: Incarnation, runs: Runs) -> Self {
        let (state, seq) = (Mutex::default(), Sequence::new(0));
        let is_slow = AtomicBool::new(false);
        Self { shared: Arc::new(Shared { state, seq, incarnation, runs, is_slow }) }
    }

    /// Another database, with what is in this one now: as a copy of its disk would be.
    #[must_use]
    pub fn copy(&self, incarnation: Incarnation) -> Self {
        self.copy_with(incarnation, self.shared.runs.clone())
    }

    /// A copy of what another database holds, with those of its local documents.
    pub async fn copy_of(database: &Database, locals: &[&str]) -> Result<Self, BackendError> {
        let mut image = MemoryIndex::default();
        // Local documents first: a checkpoint must not be ahead of the documents.
        for key in locals {
            let local = vec![((*key).to_owned(), database.local(key).await?)];
            image.install(Vec::new(), local, 0);
        }
        let mut seq = 0;
        loop {
            let records = database.changes(seq, usize::MAX).await?;
            let Some(last) = records.last() else { break };
            seq = last.seq;
            image.install(records, Vec::new(), seq);
        }
        let copy = Self::new(database.incarnation());
        copy.shared.seq.advance(seq);
        copy.state().image = image;
        Ok(copy)
    }

    /// The same database in a later run.
    pub(crate) fn reopened(&self, run: Run) -> Self {
        let (mut runs, seq) = (self.shared.runs.clone(), self.shared.seq.latest());
        // A run that has changed nothing was never recorded.
        runs.0.pop_if(|(_, begun)| *begun == seq);
        runs.0.push((run, seq));
        self.copy_with(self.shared.incarnation, runs)
    }

    fn copy_with(&self, incarnation: Incarnation, runs: Runs) -> Self {
        let image = self.state().image.clone();
        let copy = Self::with(incarnation, runs);
        copy.shared.seq.advance(self.shared.seq.latest());
        copy.state().image = image;
        copy
    }

    /// What the documents would take on a disk, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.state().image.bytes()
    }

    /// Closes the database: what is asked of it from now on is [`BackendError::Closed`].
    pub fn close(&self) {
        self.shared.seq.close();
    }

    /// Lets every commit fail with this error from now on, or succeed again.
    pub fn fail_with(&self, failure: Option<BackendError>) {
        self.state().failure = failure;
    }

    /// Lets the `nth` commit from now on fail, the next one being the first; others are done.
    pub fn fail_once(&self, nth: u64, fault: Fault) {
        let mut state = self.state();
        state.fault = Some((state.commits + nth, fault));
    }

    /// How many commits have been tried so far, those that have failed included, but for
    /// [`BackendError::TooMany`].
    pub fn commits(&self) -> u64 {
        self.state().commits
    }

    /// Lets every call be pending once before it does anything and once more afterwards, or
    /// none of them: so it can be given up at either side of what it does.
    pub fn suspend_calls(&self, is_slow: bool) {
        self.shared.is_slow.store(is_slow, Ordering::Relaxed);
    }

    /// Lets every call wait for what this returns, before it does anything.
    pub fn hold_calls(
        &self,
        gate: impl Fn(Call) -> BoxFuture<'static, ()> + MaybeSend + MaybeSync + 'static,
    ) {
        let gate = Gate(Arc::new(gate));
        self.state().gate = Some(gate);
    }

    async fn begin(&self, call: Call) {
        let gate = self.state().gate.clone();
        if let Some(gate) = gate {
            gate.0(call).await;
        }
        self.pause().await;
    }

    async fn pause(&self) {
        let mut is_over = !self.shared.is_slow.load(Ordering::Relaxed);
        poll_fn(|context| {
            if std::mem::replace(&mut is_over, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    async fn read_image<T>(&self, read: impl FnOnce(&MemoryIndex) -> T) -> Result<T, BackendError> {
        self.answer(Call::Read, read).await
    }

    async fn answer<T>(
        &self,
        call: Call,
        read: impl FnOnce(&MemoryIndex) -> T,
    ) -> Result<T, BackendError> {
        self.begin(call).await;
        if self.shared.seq.is_closed() {
            return Err(BackendError::Closed);
        }
        let found = read(&self.state().image);
        self.pause().await;
        Ok(found)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn commit_now(&self, operations: Vec<Operation>) -> Result<Commit, BackendError> {
        if operations.len() > COMMIT_LIMIT {
            return Err(BackendError::TooMany);
        }
        if self.shared.seq.is_closed() {
            return Err(BackendError::Closed);
        }
        let mut state = self.state();
        state.commits += 1;
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        let commits = state.commits;
        let fault = state.fault.take_if(|(nth, _)| *nth == commits).map(|(_, fault)| fault);
        if let Some(Fault::Undone(error)) = fault {
            return Err(error);
        }
        let done = state.image.prepare(operations);
        let (outcomes, seq) = (done.outcomes, done.seq);
        state.image.install(done.records, done.locals, seq);
        drop(state);
        self.shared.seq.advance(seq);
        match fault {
            Some(Fault::Unanswered(error)) => Err(error),
            _ => Ok(Commit { outcomes, seq }),
        }
    }
}

impl Backend for Memory {
    fn commit(&self, operations: Vec<Operation>) -> BoxFuture<'_, Result<Commit, BackendError>> {
        Box::pin(async move {
            self.begin(Call::Commit).await;
            let committed = self.commit_now(operations);
            self.pause().await;
            committed
        })
    }

    fn read(
        &self,
        ids: Vec<DocumentId>,
    ) -> BoxFuture<'_, Result<Vec<Option<Arc<Record>>>, BackendError>> {
        Box::pin(self.read_image(move |image| ids.iter().map(|id| image.get(id)).collect()))
    }

    fn changes(
        &self,
        since: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        Box::pin(self.read_image(move |image| image.changes(since, limit)))
    }

    fn pending(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        Box::pin(self.read_image(move |image| image.pending(limit)))
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts, BackendError>> {
        Box::pin(self.read_image(MemoryIndex::counts))
    }

    fn local(&self, key: String) -> BoxFuture<'_, Result<Option<Vec<u8>>, BackendError>> {
        Box::pin(self.answer(Call::Local, move |image| image.local(&key)))
    }

    fn unreadable(&self) -> BoxFuture<'_, Result<Vec<Unreadable>, BackendError>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.shared.seq.watch()
    }

    fn incarnation(&self) -> Incarnation {
        self.shared.incarnation
    }
}

impl Hosted for Memory {
    fn run(&self) -> Run {
        self.shared.runs.0.last().map_or_else(Run::default, |(run, _)| *run)
    }

    fn knows(
        &self,
        incarnation: Incarnation,
        run: Run,
        seq: u64,
    ) -> BoxFuture<'_, Result<bool, BackendError>> {
        let knows = incarnation == self.shared.incarnation
            && self.shared.runs.know(run, seq, self.shared.seq.latest());
        Box::pin(std::future::ready(Ok(knows)))
    }

    fn size(&self) -> BoxFuture<'_, Result<u64, BackendError>> {
        Box::pin(std::future::ready(Ok(self.bytes())))
    }
}
