//! Databases in a browser, as a log: each commit is one record of IndexedDB.
//!
//! The database itself lives in memory. A commit is one transaction, in which the records that
//! other tabs have written meanwhile are read, the operations are run on top of them, and the
//! outcome is written as the next record: so all tabs see one order, and a batch is there whole or
//! not at all. Nothing is awaited inside a transaction but its own end.
//!
//! A tab has one transaction at a time under way. What is handed in meanwhile goes together into
//! the next one.
//!
//! - `open`: the database of IndexedDB; `request`: its events and errors.
//! - `log`: reading and appending records; `snapshot`: all of them in one piece.
//! - `tabs`: word between tabs.

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

/// How often a commit begins anew because a snapshot has passed this tab in the meantime.
const RELOADS: usize = 3;
/// How long after a commit the log is tidied: not while somebody is at it.
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
    /// Gone when the database was closed underneath: feeds end then.
    seq: RefCell<Option<watch::Sender<u64>>>,
    waiting: RefCell<VecDeque<Waiting>>,
    /// Whether the task that runs the transactions is under way.
    is_running: Cell<bool>,
    /// Another tab may have written.
    is_stale: Cell<bool>,
    /// Whether a snapshot is waited for, and whether its time has come.
    snapshot: Cell<Snapshot>,
    tabs: RefCell<Option<Tabs>>,
    closed: RefCell<Option<Listener>>,
}

/// What has been read of the log, and what it led to.
struct State {
    index: MemoryIndex,
    extent: Extent,
    unreadable: Vec<Vec<u8>>,
    set_aside: Vec<Unreadable>,
}

/// Operations that somebody waits for.
struct Waiting {
    operations: Vec<Operation>,
    reply: oneshot::Sender<Result<Commit, BackendError>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Snapshot {
    No,
    Planned,
    Now,
}

impl IndexedDb {
    /// Opens the database of that name, which is made with this incarnation if it isn't there.
    ///
    /// Fails with [`BackendError::Blocked`] where the browser has no IndexedDB to offer, with
    /// [`BackendError::Newer`] if a later version has upgraded the database, and with
    /// [`BackendError::Closed`] if another tab doesn't let go of it for an upgrade.
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

    /// Deletes the database of that name. Whoever has it open, here or in another tab, gets
    /// [`BackendError::Closed`] for commits from then on; so does the caller, if another tab
    /// doesn't let go of it in time.
    pub async fn delete(name: &str) -> Result<(), BackendError> {
        open::delete(name).await
    }
}

impl From<Stored> for State {
    fn from(stored: Stored) -> Self {
        let Stored { index, extent, unreadable, set_aside, .. } = stored;
        Self { index, extent, unreadable, set_aside }
    }
}

impl State {
    fn install(&mut self, tail: Tail) {
        let Self { index, extent, unreadable, .. } = self;
        tail.install(extent, |Batch { seq, records, locals, unreadable: unread }| {
            index.install(records, locals, seq);
            unreadable.extend(unread);
        });
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

    /// Sees to it that what there is to do is done, after what the caller is doing now: so what
    /// is handed in at one go is committed together.
    fn run(self: &Rc<Self>) {
        if !self.is_running.replace(true) {
            let shared = self.clone();
            spawn_local(async move {
                shared.work_off().await;
                shared.is_running.set(false);
            });
        }
    }

    async fn work_off(self: &Rc<Self>) {
        loop {
            let batch = self.take_waiting();
            if !batch.is_empty() {
                // It reads what others have written, too.
                self.is_stale.set(false);
                self.commit_batch(batch).await;
            } else if self.is_closed() {
                break;
            } else if self.is_stale.replace(false) {
                // If it fails, the next commit does too, and tells who waits for it.
                let _ = self.refresh().await;
            } else if self.snapshot.get() == Snapshot::Now {
                self.snapshot.set(Snapshot::No);
                self.write_snapshot().await;
            } else {
                break;
            }
        }
    }

    /// As many of those that wait as one commit may hold, and at least one.
    fn take_waiting(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.borrow_mut();
        let mut total = 0;
        let mut is_fenced = false;
        let fitting = waiting.iter().take_while(|next| {
            total += next.operations.len();
            // What depends on a term is the last of a batch, for everything after it does too.
            let fits = total <= COMMIT_LIMIT && !is_fenced;
            let first = next.operations.first();
            is_fenced |= matches!(first, Some(Operation::Lead { .. } | Operation::Under { .. }));
            fits
        });
        let count = fitting.count().max(1).min(waiting.len());
        waiting.drain(..count).collect()
    }

    /// Commits the operations of several, and gives each the outcomes of theirs.
    async fn commit_batch(self: &Rc<Self>, batch: Vec<Waiting>) {
        let mut operations = Vec::new();
        let mut replies = Vec::with_capacity(batch.len());
        for waiting in batch {
            replies.push((waiting.operations.len(), waiting.reply));
            operations.extend(waiting.operations);
        }
        let committed = self.commit_now(operations).await;
        self.tell();
        self.plan_snapshot();
        // Who asked may have gone; it is done all the same.
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

    /// Takes in what is durable now.
    fn install(&self, done: Transition, appended: Option<(u64, usize)>) -> Commit {
        let Transition { records, locals, outcomes, seq } = done;
        if let Some((key, bytes)) = appended {
            let mut state = self.state.borrow_mut();
            state.index.install(records, locals, seq);
            state.extent.append(key, bytes);
            if let Some(tabs) = &*self.tabs.borrow() {
                tabs.tell(key);
            }
        }
        Commit { outcomes, seq }
    }

    /// Reads what other tabs have written.
    async fn refresh(&self) -> Result<(), BackendError> {
        let last = self.state.borrow().extent.last;
        match log::read_tail(&self.connection, last).await? {
            Ok(tail) => self.state.borrow_mut().install(tail),
            Err(Passed) => self.reload().await?,
        }
        self.tell();
        Ok(())
    }

    /// Reads everything.
    async fn reload(&self) -> Result<(), BackendError> {
        let stored = snapshot::read(&self.connection).await?;
        *self.state.borrow_mut() = State::from(stored);
        Ok(())
    }

    fn tell(&self) {
        let seq = self.state.borrow().index.seq();
        if let Some(sender) = &*self.seq.borrow() {
            sender.send_if_modified(|known| std::mem::replace(known, seq) != seq);
        }
    }

    /// The tab that writes tidies up; those that only read would do the same again.
    fn plan_snapshot(self: &Rc<Self>) {
        let is_due = self.state.borrow().extent.is_snapshot_due();
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

    /// Replaces the log by what it has led to.
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
            // Another tab's, which has passed this one.
            Ok(cover) if cover.last > last => self.is_stale.set(true),
            Ok(cover) => {
                state.extent.cover(cover.last, cover.bytes);
                if cover.last == last {
                    let moved: Vec<_> = state.unreadable.drain(..count).collect();
                    state.set_aside.extend(moved.iter().map(|bytes| Unreadable::of(bytes)));
                }
            }
            Err(_) => state.extent.put_snapshot_off(),
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
        // Handed in at once, whether or not somebody waits for it.
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

    fn watch(&self) -> watch::Receiver<u64> {
        match &*self.shared.seq.borrow() {
            Some(sender) => sender.subscribe(),
            // Nothing will change any more, and the receiver sees that.
            None => watch::channel(self.shared.state.borrow().index.seq()).1,
        }
    }

    fn incarnation(&self) -> Incarnation {
        self.shared.incarnation
    }
}

impl IndexedDb {
    /// What is in memory is what is durable, and is still there when the database was closed.
    fn read_index<T: 'static>(
        &self,
        read: impl FnOnce(&MemoryIndex) -> T,
    ) -> BoxFuture<'_, Result<T, BackendError>> {
        Box::pin(std::future::ready(Ok(read(&self.shared.state.borrow().index))))
    }
}
