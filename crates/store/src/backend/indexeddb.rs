//! Databases in a browser, as a log: each commit is one record of IndexedDB.
//!
//! The database itself lives in memory. A commit is one transaction: it reads the records that
//! other tabs have written in the meantime, runs the operations on top of them, and writes the
//! changes as the next record. So all tabs see one order, and a batch is written as a whole or not
//! at all. Inside a transaction nothing is awaited except its end.
//!
//! A tab runs one transaction at a time. Operations that arrive meanwhile go together into the next
//! one.
//!
//! - `open`: the database of IndexedDB; `request`: its events and errors.
//! - `log`: reading and appending records; `snapshot`: the whole database in one piece.
//! - `tabs`: notifications between tabs.

mod log;
mod open;
mod request;
mod snapshot;
mod tabs;

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    sync::Arc,
};

use tokio::sync::{oneshot, watch};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::IdbDatabase;

use self::{
    log::{Extent, Passed, Tail},
    request::Listener,
    snapshot::Stored,
    tabs::Tabs,
};
use crate::{
    backend::{
        Backend, BackendError, BoxFuture, Commit, Counts, Incarnation, Unreadable,
        batch::{self, Batch},
    },
    document_id::DocumentId,
    memory_index::MemoryIndex,
    operation::{COMMIT_LIMIT, Operation, Transition},
    record::Record,
};

/// How often a commit starts again because a snapshot has deleted records that this tab hasn't
/// read.
const RELOADS: usize = 3;
/// After how many commits a snapshot takes the text of deleted documents out of the log. The next
/// opening does so, too.
const ERASURE_COMMITS: u64 = 32;
/// How long after a commit a snapshot is written, so that it doesn't slow the user's next edits.
const SNAPSHOT_DELAY_MS: i32 = 500;

/// A database in this browser. Clones are handles on the same one; other tabs have their own.
#[derive(Clone)]
pub struct IndexedDb {
    shared: Rc<Shared>,
}

struct Shared {
    connection: IdbDatabase,
    incarnation: Incarnation,
    state: RefCell<State>,
    /// `None` once the browser has closed the database, which ends all feeds.
    seq: RefCell<Option<watch::Sender<u64>>>,
    waiting: RefCell<VecDeque<Waiting>>,
    /// Whether the task that runs the transactions is running.
    is_running: Cell<bool>,
    /// Whether another tab may have written.
    is_stale: Cell<bool>,
    snapshot: Cell<Snapshot>,
    tabs: RefCell<Option<Tabs>>,
    closed: RefCell<Option<Listener>>,
}

/// The database as far as this tab has read the log.
struct State {
    index: MemoryIndex,
    extent: Extent,
    unreadable: Vec<Vec<u8>>,
    set_aside: Vec<Unreadable>,
    /// The record of the log with which a snapshot is due, because there is still text of deleted
    /// documents; `None` if there is none.
    erasure: Option<u64>,
}

/// Operations that wait for a transaction, and where to send the outcome.
struct Waiting {
    operations: Vec<Operation>,
    reply: oneshot::Sender<Result<Commit, BackendError>>,
}

/// Whether a snapshot has to be written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Snapshot {
    No,
    /// A timer is running.
    Planned,
    Now,
}

impl IndexedDb {
    /// Opens the database of that name. If there is none, it is created with this incarnation.
    ///
    /// Fails with [`BackendError::Blocked`] if the browser offers no IndexedDB, with
    /// [`BackendError::Newer`] if a later version has upgraded the database, and with
    /// [`BackendError::Closed`] if another tab doesn't close it for an upgrade.
    pub async fn open(name: &str, incarnation_if_new: Incarnation) -> Result<Self, BackendError> {
        let connection = open::open(name, incarnation_if_new).await?;
        let stored = snapshot::read(&connection).await;
        let stored = stored.inspect_err(|_| connection.close())?;
        let (incarnation, state) = (stored.incarnation, State::from(stored));
        let shared = Rc::new(Shared {
            connection,
            incarnation,
            seq: RefCell::new(Some(watch::Sender::new(state.index.seq()))),
            state: RefCell::new(state),
            waiting: RefCell::default(),
            is_running: Cell::new(false),
            is_stale: Cell::new(false),
            snapshot: Cell::new(Snapshot::No),
            tabs: RefCell::default(),
            closed: RefCell::default(),
        });
        shared.listen(name);
        Ok(Self { shared })
    }

    /// Deletes the database of that name. Open handles in this tab and in others get
    /// [`BackendError::Closed`] for later commits.
    ///
    /// Fails with [`BackendError::Closed`] if another tab doesn't close the database in time.
    pub async fn delete(name: &str) -> Result<(), BackendError> {
        open::delete(name).await
    }

    /// The names of all databases of the page's origin, in any order.
    pub async fn names() -> Result<Vec<String>, BackendError> {
        open::names().await
    }
}

impl From<Stored> for State {
    fn from(stored: Stored) -> Self {
        let Stored { index, extent, unreadable, set_aside, erased, .. } = stored;
        Self { index, extent, unreadable, set_aside, erasure: erased.then_some(0) }
    }
}

impl State {
    fn install(&mut self, tail: Tail) {
        let Self { index, extent, unreadable, .. } = self;
        let mut erased = false;
        tail.install(extent, |Batch { seq, records, locals, unreadable: unread }| {
            erased |= index.install(records, locals, seq);
            unreadable.extend(unread);
        });
        self.note_erased(erased);
    }

    /// Notes whether the last records have dropped the text of a deleted document, so that earlier
    /// ones have it still.
    fn note_erased(&mut self, erased: bool) {
        if erased && self.erasure.is_none() {
            self.erasure = Some(self.extent.last + ERASURE_COMMITS);
        }
    }

    fn is_snapshot_due(&self) -> bool {
        self.extent.is_snapshot_due() || self.erasure.is_some_and(|due| self.extent.last >= due)
    }
}

impl Shared {
    fn listen(self: &Rc<Self>, name: &str) {
        let weak = Rc::downgrade(self);
        let closed = Listener::new(move |_| {
            if let Some(shared) = weak.upgrade() {
                shared.seq.borrow_mut().take();
                // Another tab may be waiting to upgrade or to delete the database.
                shared.connection.close();
            }
        });
        self.connection.set_onversionchange(Some(closed.as_ref().unchecked_ref()));
        self.connection.set_onclose(Some(closed.as_ref().unchecked_ref()));
        self.closed.replace(Some(closed));

        let weak = Rc::downgrade(self);
        let tabs = Tabs::new(name, move |record| {
            if let Some(shared) = weak.upgrade()
                && record > shared.state.borrow().extent.last
            {
                shared.is_stale.set(true);
                shared.run();
            }
        });
        self.tabs.replace(Some(tabs));
    }

    fn is_closed(&self) -> bool {
        self.seq.borrow().is_none()
    }

    /// Starts the task that does what is due, unless it is running. It begins after the caller has
    /// returned to the browser, so operations that the caller submits together share a commit.
    fn run(self: &Rc<Self>) {
        if !self.is_running.replace(true) {
            let shared = self.clone();
            spawn_local(async move {
                shared.do_all_due().await;
                shared.is_running.set(false);
            });
        }
    }

    async fn do_all_due(self: &Rc<Self>) {
        loop {
            let batch = self.take_waiting();
            if !batch.is_empty() {
                // The commit reads other tabs' records, too.
                self.is_stale.set(false);
                self.commit_batch(batch).await;
            } else if self.is_closed() {
                break;
            } else if self.is_stale.replace(false) {
                // If it fails, so does the next commit, which reports the error.
                let _ = self.refresh().await;
            } else if self.snapshot.get() == Snapshot::Now {
                self.snapshot.set(Snapshot::No);
                self.write_snapshot().await;
            } else {
                break;
            }
        }
    }

    /// Takes as many waiting entries as one commit may hold, and at least one if there is any.
    fn take_waiting(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.borrow_mut();
        let mut total = 0;
        let mut is_fenced = false;
        let fitting = waiting.iter().take_while(|next| {
            total += next.operations.len();
            // Operations under a term end the batch: if the term has ended, everything after them
            // in the commit fails, too.
            let fits = total <= COMMIT_LIMIT && !is_fenced;
            let first = next.operations.first();
            is_fenced |= matches!(first, Some(Operation::Lead { .. } | Operation::Under { .. }));
            fits
        });
        let count = fitting.count().max(1).min(waiting.len());
        waiting.drain(..count).collect()
    }

    /// Commits the operations of several callers, and replies to each with its own outcomes.
    async fn commit_batch(self: &Rc<Self>, batch: Vec<Waiting>) {
        let mut operations = Vec::new();
        let mut replies = Vec::with_capacity(batch.len());
        for waiting in batch {
            replies.push((waiting.operations.len(), waiting.reply));
            operations.extend(waiting.operations);
        }
        let committed = self.commit_now(operations).await;
        self.notify();
        self.plan_snapshot();
        // Replies fail if the caller has stopped waiting. The commit counts nevertheless.
        match committed {
            Ok(Commit { outcomes, seq }) => {
                let mut outcomes = outcomes.into_iter();
                for (count, reply) in replies {
                    let outcomes = outcomes.by_ref().take(count).collect();
                    let _ = reply.send(Ok(Commit { outcomes, seq }));
                }
            }
            Err(error) => {
                for (_, reply) in replies {
                    let _ = reply.send(Err(error.clone()));
                }
            }
        }
    }

    async fn commit_now(
        self: &Rc<Self>,
        operations: Vec<Operation>,
    ) -> Result<Commit, BackendError> {
        let operations = Rc::new(Cell::new(operations));
        let prepared: Rc<RefCell<Option<Transition>>> = Rc::default();
        for _ in 0..RELOADS {
            if self.is_closed() {
                return Err(BackendError::Closed);
            }
            let follow = {
                let shared = self.clone();
                move |tail| shared.state.borrow_mut().install(tail)
            };
            let prepare = {
                let (shared, operations) = (self.clone(), operations.clone());
                let prepared = prepared.clone();
                move || {
                    let done = shared.state.borrow().index.prepare(operations.take());
                    let changes = !(done.records.is_empty() && done.locals.is_empty());
                    let bytes =
                        changes.then(|| batch::to_bytes(done.seq, &done.records, &done.locals));
                    *prepared.borrow_mut() = Some(done);
                    bytes
                }
            };
            let last = self.state.borrow().extent.last;
            match log::append(&self.connection, last, follow, prepare).await? {
                Ok(appended) => {
                    let Some(done) = prepared.take() else { break };
                    return Ok(self.install(done, appended));
                }
                Err(Passed) => self.reload().await?,
            }
        }
        Err(BackendError::Failed("other tabs write faster than this one can read".to_owned()))
    }

    /// Applies to memory what is durable now, and notifies other tabs.
    fn install(&self, done: Transition, appended: Option<(u64, usize)>) -> Commit {
        let Transition { records, locals, outcomes, seq, erased } = done;
        if let Some((key, bytes)) = appended {
            let mut state = self.state.borrow_mut();
            state.index.install(records, locals, seq);
            state.extent.append(key, bytes);
            state.note_erased(erased);
            if let Some(tabs) = &*self.tabs.borrow() {
                tabs.tell(key);
            }
        }
        Commit { outcomes, seq }
    }

    /// Reads the records that other tabs have written.
    async fn refresh(&self) -> Result<(), BackendError> {
        let last = self.state.borrow().extent.last;
        match log::read_tail(&self.connection, last).await? {
            Ok(tail) => self.state.borrow_mut().install(tail),
            Err(Passed) => self.reload().await?,
        }
        self.notify();
        Ok(())
    }

    /// Reads the whole database again.
    async fn reload(&self) -> Result<(), BackendError> {
        let stored = snapshot::read(&self.connection).await?;
        *self.state.borrow_mut() = State::from(stored);
        Ok(())
    }

    /// Notifies this tab's feeds of the update sequence.
    fn notify(&self) {
        let seq = self.state.borrow().index.seq();
        if let Some(sender) = &*self.seq.borrow() {
            sender.send_if_modified(|known| std::mem::replace(known, seq) != seq);
        }
    }

    /// Starts the timer for a snapshot if one is due. Only tabs that write do this; otherwise all
    /// tabs would write the same snapshot.
    fn plan_snapshot(self: &Rc<Self>) {
        let is_due = self.state.borrow().is_snapshot_due();
        if is_due && !self.is_closed() && self.snapshot.get() == Snapshot::No {
            self.snapshot.set(Snapshot::Planned);
            let weak = Rc::downgrade(self);
            open::after(SNAPSHOT_DELAY_MS, move || {
                if let Some(shared) = weak.upgrade() {
                    shared.snapshot.set(Snapshot::Now);
                    shared.run();
                }
            });
        }
    }

    /// Replaces the log by a snapshot of the database.
    async fn write_snapshot(self: &Rc<Self>) {
        let (last, known, unreadable) = {
            let State { extent, unreadable, .. } = &*self.state.borrow();
            (extent.last, extent.covered(), unreadable.clone())
        };
        let count = unreadable.len();
        let make = {
            let shared = self.clone();
            move || {
                let index = &shared.state.borrow().index;
                let (records, locals) = index.everything();
                batch::to_bytes(index.seq(), &records, &locals)
            }
        };
        let written = snapshot::write(&self.connection, last, known, make, unreadable).await;
        let mut state = self.state.borrow_mut();
        match written {
            // Another tab has written a later snapshot.
            Ok(cover) if cover.last > last => self.is_stale.set(true),
            Ok(cover) => {
                state.extent.cover(cover.last, cover.bytes);
                if cover.last == last {
                    state.erasure = None;
                    let moved: Vec<_> = state.unreadable.drain(..count).collect();
                    state.set_aside.extend(moved.iter().map(|bytes| Unreadable::of(bytes)));
                }
            }
            Err(_) => {
                state.extent.postpone_snapshot();
                state.erasure = state.erasure.map(|_| last + ERASURE_COMMITS);
            }
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.connection.set_onversionchange(None);
        self.connection.set_onclose(None);
        self.connection.close();
    }
}

impl Backend for IndexedDb {
    fn commit(&self, operations: Vec<Operation>) -> BoxFuture<'_, Result<Commit, BackendError>> {
        if operations.len() > COMMIT_LIMIT {
            return Box::pin(std::future::ready(Err(BackendError::TooMany)));
        }
        // Queued at once, even if the future is never polled.
        let (reply, answer) = oneshot::channel();
        self.shared.waiting.borrow_mut().push_back(Waiting { operations, reply });
        self.shared.run();
        Box::pin(async move { answer.await.unwrap_or(Err(BackendError::Closed)) })
    }

    fn read(
        &self,
        ids: Vec<DocumentId>,
    ) -> BoxFuture<'_, Result<Vec<Option<Arc<Record>>>, BackendError>> {
        self.read_index(|index| ids.iter().map(|id| index.get(id)).collect())
    }

    fn changes(
        &self,
        since: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        self.read_index(|index| index.changes(since, limit))
    }

    fn pending(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        self.read_index(|index| index.pending(limit))
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts, BackendError>> {
        self.read_index(MemoryIndex::counts)
    }

    fn local(&self, key: String) -> BoxFuture<'_, Result<Option<Vec<u8>>, BackendError>> {
        self.read_index(|index| index.local(&key))
    }

    fn unreadable(&self) -> BoxFuture<'_, Result<Vec<Unreadable>, BackendError>> {
        let state = self.shared.state.borrow();
        let unread = state.unreadable.iter().map(|bytes| Unreadable::of(bytes));
        let all = state.set_aside.iter().cloned().chain(unread).collect();
        Box::pin(std::future::ready(Ok(all)))
    }

    fn refresh(&self) {
        self.shared.is_stale.set(true);
        self.shared.run();
    }

    fn watch(&self) -> watch::Receiver<u64> {
        match &*self.shared.seq.borrow() {
            Some(sender) => sender.subscribe(),
            // A receiver without a sender shows that nothing will change any more.
            None => watch::channel(self.shared.state.borrow().index.seq()).1,
        }
    }

    fn incarnation(&self) -> Incarnation {
        self.shared.incarnation
    }
}

impl IndexedDb {
    /// Reads from memory, which holds what is durable, even after the database was closed.
    fn read_index<T: 'static>(
        &self,
        read: impl FnOnce(&MemoryIndex) -> T,
    ) -> BoxFuture<'_, Result<T, BackendError>> {
        Box::pin(std::future::ready(Ok(read(&self.shared.state.borrow().index))))
    }
}
