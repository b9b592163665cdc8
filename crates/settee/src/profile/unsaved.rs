//! The edits that this device could not save, as they were handed to its databases.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use settee_store::{
    Backend, BackendError, Commit, Counts, Database, DocumentId, Edit, Operation, Record,
    Unreadable,
    backend::{BoxFuture, Incarnation},
    operation::COMMIT_LIMIT,
};
use tokio::sync::watch;

/// The unsaved edits of all databases, by name. Clones are handles on the same ones.
#[derive(Clone, Default)]
pub struct Unsaved(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    news: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    databases: HashMap<String, Edits>,
    /// How often a database began to fail.
    failures: u64,
}

/// The unsaved edits of one database.
#[derive(Clone)]
pub struct Edits {
    /// Differs for each time that the database begins to fail.
    pub failure: u64,
    /// In their order; at most [`COMMIT_LIMIT`].
    pub all: Vec<Edit>,
    /// The database that can't be written to. It can still be read.
    pub database: Database,
    is_on_server: bool,
}

impl Unsaved {
    /// A handle on a database that notes the edits which fail, until others are saved.
    pub fn watching(&self, name: &str, backend: Arc<dyn Backend>) -> Database {
        Database::new(Watching { name: name.to_owned(), backend, unsaved: self.clone() })
    }

    /// Word of each change.
    pub fn watch(&self) -> watch::Receiver<()> {
        self.0.news.subscribe()
    }

    /// The names of the databases that have unsaved edits.
    pub fn names(&self) -> Vec<String> {
        self.state().databases.keys().cloned().collect()
    }

    /// The unsaved edits of a database; `None` if there are none.
    pub fn of(&self, name: &str) -> Option<Edits> {
        self.state().databases.get(name).cloned()
    }

    /// How many unsaved edits a database has, if the server has all of them.
    pub fn on_server(&self, name: &str) -> usize {
        let state = self.state();
        let unsaved = state.databases.get(name).filter(|unsaved| unsaved.is_on_server);
        unsaved.map_or(0, |unsaved| unsaved.all.len())
    }

    /// The server has these edits. It says nothing of later ones, and word of it is given once.
    pub fn note_on_server(&self, name: &str, sent: &Edits) {
        let mut state = self.state();
        if let Some(unsaved) = state.databases.get_mut(name)
            && unsaved.failure == sent.failure
            && unsaved.all == sent.all
            && !std::mem::replace(&mut unsaved.is_on_server, true)
        {
            drop(state);
            self.0.news.send_replace(());
        }
    }

    /// Whoever could not save an edit tries it again. So the latest try of a document counts.
    fn note_failed(&self, name: &str, backend: &Arc<dyn Backend>, edits: Vec<Edit>) {
        let mut guard = self.state();
        let state = &mut *guard;
        let unsaved = state.databases.entry(name.to_owned()).or_insert_with(|| {
            state.failures += 1;
            let database = Database::shared(backend.clone());
            Edits { failure: state.failures, all: Vec::new(), database, is_on_server: false }
        });
        let before = unsaved.all.clone();
        let tried: HashSet<DocumentId> = edits.iter().map(|edit| edit.id.clone()).collect();
        unsaved.all.retain(|known| !tried.contains(&known.id));
        unsaved.all.extend(edits);
        unsaved.all.truncate(COMMIT_LIMIT);
        if unsaved.all != before {
            unsaved.is_on_server = false;
            drop(guard);
            self.0.news.send_replace(());
        }
    }

    /// Edits of the database were saved, or it is gone.
    pub fn forget(&self, name: &str) {
        if self.state().databases.remove(name).is_some() {
            self.0.news.send_replace(());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A database, with notes of the edits that it could not save.
struct Watching {
    name: String,
    backend: Arc<dyn Backend>,
    unsaved: Unsaved,
}

/// Whether somebody else may still have the edits that failed so, and tries them again.
fn is_unsaved(error: &BackendError) -> bool {
    !matches!(error, BackendError::Superseded | BackendError::TooMany)
}

impl Backend for Watching {
    fn commit(&self, operations: Vec<Operation>) -> BoxFuture<'_, Result<Commit, BackendError>> {
        let edit = |operation: &Operation| match operation {
            Operation::Edit(edit) => Some(edit.clone()),
            _ => None,
        };
        let edits: Vec<Edit> = operations.iter().filter_map(edit).collect();
        let committing = self.backend.commit(operations);
        if edits.is_empty() {
            return committing;
        }
        Box::pin(async move {
            let committed = committing.await;
            match &committed {
                Ok(_) => self.unsaved.forget(&self.name),
                Err(error) if is_unsaved(error) => {
                    self.unsaved.note_failed(&self.name, &self.backend, edits);
                }
                Err(_) => {}
            }
            committed
        })
    }

    fn read(
        &self,
        ids: Vec<DocumentId>,
    ) -> BoxFuture<'_, Result<Vec<Option<Arc<Record>>>, BackendError>> {
        self.backend.read(ids)
    }

    fn changes(
        &self,
        since: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        self.backend.changes(since, limit)
    }

    fn pending(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        self.backend.pending(limit)
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts, BackendError>> {
        self.backend.counts()
    }

    fn local(&self, key: String) -> BoxFuture<'_, Result<Option<Vec<u8>>, BackendError>> {
        self.backend.local(key)
    }

    fn unreadable(&self) -> BoxFuture<'_, Result<Vec<Unreadable>, BackendError>> {
        self.backend.unreadable()
    }

    fn refresh(&self) {
        self.backend.refresh();
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.backend.watch()
    }

    fn incarnation(&self) -> Incarnation {
        self.backend.incarnation()
    }
}
