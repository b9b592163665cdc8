//! Databases in a browser, as a log: each commit is one record of `IndexedDB`.
//!
//! The database itself lives in memory. A commit is one transaction, in which the records that
//! other tabs have written meanwhile are read, the operations are run on top of them, and the
//! outcome is written as the next record: so all tabs see one order, and a batch is there whole or
//! not at all. Nothing is awaited inside a transaction but its own end.
//!
//! When the log outweighs the last snapshot, a new one is written and what it covers is deleted.
//! A tab that was passed by a snapshot reads everything anew.

mod log;
mod open;
mod request;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
};

use tokio::sync::{oneshot, watch};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{BroadcastChannel, IdbDatabase};

use self::{
    log::{LogRecord, Position},
    request::Listener,
};
use crate::{
    backend::{Backend, BackendError, BoxFuture, Commit, Counts, Incarnation},
    document_id::DocumentId,
    image::Image,
    operation::{COMMIT_LIMIT, Operation, Transition},
    record::Record,
};

/// Bytes of log that are never worth a snapshot.
const SNAPSHOT_FLOOR: usize = 64 * 1024;
/// How often a commit begins anew because a snapshot has passed this tab in the meantime.
const RELOADS: usize = 3;

/// A database in this browser. Clones are handles on the same one; other tabs have their own.
#[derive(Clone)]
pub struct IndexedDb {
    shared: Rc<Shared>,
}

struct Shared {
    connection: IdbDatabase,
    image: RefCell<Image>,
    /// The last record of the log that is in the image.
    position: Cell<Position>,
    waiting: RefCell<Vec<Waiting>>,
    is_committing: Cell<bool>,
    is_refreshing: Cell<bool>,
    is_closed: Cell<bool>,
    unreadable: Cell<usize>,
    seq: watch::Sender<u64>,
    incarnation: Incarnation,
    /// Says to other tabs that there is a new record. Absent where browsers have none: then
    /// they learn of it with their next commit, or when they become visible.
    hints: Option<BroadcastChannel>,
    listeners: RefCell<Vec<Listener>>,
}

/// Operations that somebody waits for.
struct Waiting {
    operations: Vec<Operation>,
    reply: oneshot::Sender<Result<Commit, BackendError>>,
}

impl IndexedDb {
    /// Opens a database, which is made with this incarnation if it isn't there.
    pub async fn open(name: &str, incarnation_if_new: Incarnation) -> Result<Self, BackendError> {
        let connection = open::open(name, incarnation_if_new).await?;
        let incarnation = log::read_incarnation(&connection).await?;
        let (seq, _) = watch::channel(0);
        let shared = Rc::new(Shared {
            connection,
            image: RefCell::default(),
            position: Cell::default(),
            waiting: RefCell::default(),
            is_committing: Cell::new(false),
            is_refreshing: Cell::new(false),
            is_closed: Cell::new(false),
            unreadable: Cell::new(0),
            seq,
            incarnation,
            hints: BroadcastChannel::new(&format!("{name}/log")).ok(),
            listeners: RefCell::default(),
        });
        shared.reload().await?;
        Shared::listen(&shared);
        Ok(Self { shared })
    }

    /// How many records on this device can't be read. They are left where they are.
    pub fn unreadable(&self) -> usize {
        self.shared.unreadable.get()
    }
}

impl Shared {
    fn listen(this: &Rc<Self>) {
        let weak = Rc::downgrade(this);
        let closed = Listener::new(move |_| {
            if let Some(shared) = weak.upgrade() {
                shared.is_closed.set(true);
                // Another tab may be waiting to upgrade or to delete the database.
                shared.connection.close();
            }
        });
        this.connection.set_onversionchange(Some(closed.as_ref().unchecked_ref()));
        this.connection.set_onclose(Some(closed.as_ref().unchecked_ref()));

        let weak = Rc::downgrade(this);
        let refresh = Listener::new(move |_| {
            if let Some(shared) = weak.upgrade() {
                spawn_local(async move { shared.refresh().await });
            }
        });
        if let Some(hints) = &this.hints {
            hints.set_onmessage(Some(refresh.as_ref().unchecked_ref()));
        }
        // Hints can be lost on a page that sleeps.
        if let Some(document) = web_sys::window().and_then(|window| window.document()) {
            let _ = document.add_event_listener_with_callback(
                "visibilitychange",
                refresh.as_ref().unchecked_ref(),
            );
        }
        *this.listeners.borrow_mut() = vec![closed, refresh];
    }

    /// Reads what other tabs have written.
    async fn refresh(&self) {
        // A commit under way reads it too.
        if self.is_closed.get() || self.is_committing.get() || self.is_refreshing.replace(true) {
            return;
        }
        let tail = log::read_tail(&self.connection, self.position.get()).await;
        self.is_refreshing.set(false);
        match tail {
            Ok(Some(records)) => self.install_tail(records),
            // A snapshot has passed this tab.
            Ok(None) => drop(self.reload().await),
            // The next commit meets the same, and tells who waits for it.
            Err(_) => {}
        }
        self.tell();
    }

    /// Reads everything.
    async fn reload(&self) -> Result<(), BackendError> {
        let stored = log::read_all(&self.connection).await?;
        let mut image = Image::default();
        let mut unreadable = stored.unreadable;
        if let Some(snapshot) = stored.snapshot {
            unreadable += snapshot.install(&mut image);
        }
        for record in stored.tail {
            unreadable += record.install(&mut image);
        }
        *self.image.borrow_mut() = image;
        self.position.set(stored.position);
        self.unreadable.set(unreadable);
        self.tell();
        Ok(())
    }

    fn install_tail(&self, records: Vec<LogRecord>) {
        let mut position = self.position.get();
        for record in records {
            if record.key == position.key + 1 {
                position.key = record.key;
                position.tail += record.weight;
                let unreadable = record.install(&mut self.image.borrow_mut());
                self.unreadable.set(self.unreadable.get() + unreadable);
            }
        }
        self.position.set(position);
    }

    fn tell(&self) {
        let seq = self.image.borrow().seq();
        self.seq.send_if_modified(|known| std::mem::replace(known, seq) != seq);
    }

    /// Commits what waits, until nothing does. What is handed in meanwhile goes together.
    async fn commit_waiting(self: &Rc<Self>) {
        loop {
            let batch = self.take_waiting();
            if batch.is_empty() {
                break;
            }
            let sizes: Vec<usize> = batch.iter().map(|waiting| waiting.operations.len()).collect();
            let (operations, replies): (Vec<_>, Vec<_>) =
                batch.into_iter().map(|waiting| (waiting.operations, waiting.reply)).unzip();
            match self.commit_now(operations.into_iter().flatten().collect()).await {
                Ok(Commit { outcomes, seq }) => {
                    let mut outcomes = outcomes.into_iter();
                    for (size, reply) in sizes.into_iter().zip(replies) {
                        let outcomes = outcomes.by_ref().take(size).collect();
                        // Who asked may have gone; it is done all the same.
                        let _ = reply.send(Ok(Commit { outcomes, seq }));
                    }
                }
                Err(error) => {
                    for reply in replies {
                        let _ = reply.send(Err(error.clone()));
                    }
                }
            }
        }
    }

    /// As many of those that wait as one commit may hold, and at least one.
    fn take_waiting(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.borrow_mut();
        let mut total = 0;
        let fitting = waiting.iter().take_while(|next| {
            total += next.operations.len();
            total <= COMMIT_LIMIT
        });
        let count = fitting.count().max(1).min(waiting.len());
        waiting.drain(..count).collect()
    }

    async fn commit_now(
        self: &Rc<Self>,
        operations: Vec<Operation>,
    ) -> Result<Commit, BackendError> {
        for _ in 0..RELOADS {
            if self.is_closed.get() {
                return Err(BackendError::Closed);
            }
            let (shared, operations) = (self.clone(), operations.clone());
            let attempt = log::append(&self.connection, self.position.get(), move |foreign| {
                shared.install_tail(foreign);
                shared.image.borrow().prepare(operations)
            });
            match attempt.await? {
                None => self.reload().await?,
                Some(appended) => {
                    let Transition { records, locals, outcomes, seq } = appended.transition;
                    if appended.weight > 0 {
                        let mut position = self.position.get();
                        position.key += 1;
                        position.tail += appended.weight;
                        self.position.set(position);
                        self.image.borrow_mut().install(records, locals, seq);
                        self.hint();
                    }
                    self.tell();
                    return Ok(Commit { outcomes, seq });
                }
            }
        }
        Err(BackendError::Failed("other tabs write faster than this one can read".into()))
    }

    fn hint(&self) {
        if let Some(hints) = &self.hints {
            // It fails when the page is going away.
            let _ = hints.post_message(&JsValue::NULL);
        }
    }

    /// Replaces the log by what it has led to, where that is shorter.
    async fn snapshot_if_due(&self) {
        let position = self.position.get();
        if self.is_closed.get() || position.tail < SNAPSHOT_FLOOR.max(position.snapshot) {
            return;
        }
        let snapshot = LogRecord::snapshot(&self.image.borrow(), position.key);
        // One that can't be written now is tried again after a later commit.
        if let Ok(Some(weight)) = log::write_snapshot(&self.connection, snapshot).await {
            let key = self.position.get().key;
            self.position.set(Position { key, snapshot: weight, tail: 0 });
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.connection.set_onversionchange(None);
        self.connection.set_onclose(None);
        self.connection.close();
        if let Some(hints) = &self.hints {
            hints.close();
        }
        let document = web_sys::window().and_then(|window| window.document());
        if let (Some(document), [_, refresh]) = (document, self.listeners.borrow().as_slice()) {
            let _ = document.remove_event_listener_with_callback(
                "visibilitychange",
                refresh.as_ref().unchecked_ref(),
            );
        }
    }
}

impl Backend for IndexedDb {
    fn commit(&self, operations: Vec<Operation>) -> BoxFuture<'_, Result<Commit, BackendError>> {
        Box::pin(async move {
            if operations.len() > COMMIT_LIMIT {
                return Err(BackendError::TooMany);
            }
            let (reply, answer) = oneshot::channel();
            self.shared.waiting.borrow_mut().push(Waiting { operations, reply });
            if !self.shared.is_committing.replace(true) {
                let shared = self.shared.clone();
                spawn_local(async move {
                    shared.commit_waiting().await;
                    shared.is_committing.set(false);
                    shared.snapshot_if_due().await;
                });
            }
            answer.await.unwrap_or(Err(BackendError::Closed))
        })
    }

    fn read(
        &self,
        ids: Vec<DocumentId>,
    ) -> BoxFuture<'_, Result<Vec<Option<Arc<Record>>>, BackendError>> {
        let image = self.shared.image.borrow();
        let records = ids.iter().map(|id| image.get(id)).collect();
        Box::pin(std::future::ready(Ok(records)))
    }

    fn changes(
        &self,
        since: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        Box::pin(std::future::ready(Ok(self.shared.image.borrow().changes(since, limit))))
    }

    fn pending(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        Box::pin(std::future::ready(Ok(self.shared.image.borrow().pending(limit))))
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts, BackendError>> {
        Box::pin(std::future::ready(Ok(self.shared.image.borrow().counts())))
    }

    fn local(&self, key: String) -> BoxFuture<'_, Result<Option<Vec<u8>>, BackendError>> {
        Box::pin(std::future::ready(Ok(self.shared.image.borrow().local(&key))))
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.shared.seq.subscribe()
    }

    fn incarnation(&self) -> Incarnation {
        self.shared.incarnation
    }
}
