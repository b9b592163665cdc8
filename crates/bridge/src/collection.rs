//! A typed, reactive view of a database's documents.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};
use settee_store::{BackendError, Database, DocumentId, Record};

use crate::{
    model::Model,
    row::Row,
    rows::{Rows, Sent},
    selection::Selection,
};

/// Most problems that are remembered; the oldest are forgotten first.
const PROBLEM_LIMIT: usize = 20;

/// A handle on a collection: copies are the same one. It lives as long as the owner in whose
/// scope it was made.
pub struct Collection<T: Model> {
    inner: StoredValue<Inner<T>, LocalStorage>,
    ready: RwSignal<bool>,
    problems: RwSignal<Vec<Problem>>,
}

struct Inner<T: Model> {
    rows: Rows<T>,
    database: Option<Database>,
    is_writing: bool,
}

/// Something that was not saved, or can't be read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The document concerned, or all that are not saved.
    pub id: Option<DocumentId>,
    /// A sentence for people.
    pub text: String,
}

/// Several changes that are saved together or not at all.
pub struct Batch<'a, T: Model> {
    rows: &'a mut Rows<T>,
}

#[expect(clippy::expl_impl_clone_on_copy, reason = "deriving asks for more of T")]
impl<T: Model> Clone for Collection<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Model> Copy for Collection<T> {}

impl<T: Model> Default for Collection<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Model> Collection<T> {
    /// A collection without a database: empty, and not ready. A server renders this.
    pub fn new() -> Self {
        let inner = Inner { rows: Rows::new(), database: None, is_writing: false };
        Self {
            inner: StoredValue::new_local(inner),
            ready: RwSignal::new(false),
            problems: RwSignal::new(Vec::new()),
        }
    }

    /// Loads the documents in one batch, and then follows the database. Edits made before are
    /// written then.
    pub fn attach(self, database: Database) {
        self.inner.try_update_value(|inner| inner.database = Some(database.clone()));
        spawn_local(async move {
            if let Err(error) = self.follow(database).await {
                self.report(None, format!("The list can't be read any more: {error}."));
            }
        });
        self.write_soon();
    }

    /// Whether the first batch is in.
    pub fn ready(self) -> Signal<bool> {
        self.ready.into()
    }

    /// What went wrong, the latest last.
    pub fn problems(self) -> Signal<Vec<Problem>> {
        self.problems.into()
    }

    /// A row's signals, for the owner in whose scope this is called. Not reactive by itself.
    pub fn row(self, id: &DocumentId) -> Option<Row<T>> {
        self.inner.try_with_value(|inner| inner.rows.row(id)).flatten()
    }

    /// A row's value now.
    pub fn get(self, id: &DocumentId) -> Option<T> {
        self.inner.try_with_value(|inner| inner.rows.get(id)).flatten()
    }

    /// The rows that pass a test.
    pub fn select(self, keep: fn(&T) -> bool) -> Selection {
        self.inner.try_update_value(|inner| inner.rows.select(keep)).unwrap_or_else(|| {
            let (_, selection) = crate::selection::Members::<T>::new(keep);
            selection
        })
    }

    /// Adds a document, which is to have a new id.
    pub fn insert(self, id: &DocumentId, value: T) {
        self.batch(|batch| batch.insert(id, value));
    }

    /// Changes a row, if there is one.
    pub fn update(self, id: &DocumentId, change: impl FnOnce(&mut T)) {
        self.batch(|batch| batch.update(id, change));
    }

    /// Removes a row, if there is one.
    pub fn remove(self, id: &DocumentId) {
        self.batch(|batch| batch.remove(id));
    }

    /// Makes several changes, which are saved together.
    pub fn batch(self, changes: impl FnOnce(&mut Batch<'_, T>)) {
        self.change(|inner| changes(&mut Batch { rows: &mut inner.rows }));
        self.write_soon();
    }

    /// Tries again to save what could not be saved.
    pub fn retry(self) {
        self.write_soon();
    }

    fn change<R>(self, change: impl FnOnce(&mut Inner<T>) -> R) -> Option<R> {
        self.inner.try_update_value(|inner| {
            let result = change(inner);
            inner.rows.publish();
            result
        })
    }

    fn report(self, id: Option<DocumentId>, text: String) {
        self.problems.try_update(|problems| {
            problems.retain(|problem| problem.text != text || problem.id != id);
            problems.push(Problem { id, text });
            let surplus = problems.len().saturating_sub(PROBLEM_LIMIT);
            problems.drain(..surplus);
        });
    }

    async fn follow(self, database: Database) -> Result<(), BackendError> {
        let mut first = Vec::new();
        loop {
            let since = first.last().map_or(0, |record: &Arc<Record>| record.seq);
            let more = database.changes(since, usize::MAX).await?;
            if more.is_empty() {
                break;
            }
            first.extend(more);
        }
        let mut feed = database.follow(first.last().map_or(0, |record| record.seq));
        if self.absorb(&first) {
            self.ready.try_set(true);
        }
        drop(first);
        while let Some(records) = feed.next().await? {
            if !self.absorb(&records) {
                break;
            }
        }
        Ok(())
    }

    /// Tells whether the collection is still there.
    fn absorb(self, records: &[Arc<Record>]) -> bool {
        match self.change(|inner| inner.rows.absorb(records)) {
            None => false,
            Some(0) => true,
            Some(unreadable) => {
                let text = format!("{unreadable} entries can't be shown by this version.");
                self.report(None, text);
                true
            }
        }
    }

    /// Begins to write what was edited, unless that is under way. All edits of one turn of the
    /// event loop go together.
    fn write_soon(self) {
        let begins = self.inner.try_update_value(|inner| {
            inner.database.is_some() && !std::mem::replace(&mut inner.is_writing, true)
        });
        if begins == Some(true) {
            spawn_local(async move {
                while self.write().await {}
                self.inner.try_update_value(|inner| inner.is_writing = false);
            });
        }
    }

    /// Writes once. Tells whether there may be more to write.
    async fn write(self) -> bool {
        let taken =
            self.inner.try_update_value(|inner| (inner.database.clone(), inner.rows.take_edits()));
        let Some((Some(database), (edits, sent, refused))) = taken else { return false };
        let mut again: Vec<DocumentId> = Vec::new();
        for (id, error) in refused {
            self.report(Some(id.clone()), format!("A change was not saved: {error}."));
            again.push(id);
        }
        if edits.is_empty() && again.is_empty() {
            return false;
        }
        match database.write(edits).await {
            Ok(outcomes) => {
                again.extend(sent.iter().map(|sent| sent.id.clone()));
                self.settle(sent, outcomes);
            }
            Err(error) => {
                self.inner.try_update_value(|inner| inner.rows.take_back(sent));
                self.report(None, format!("Changes are not saved on this device: {error}."));
                return false;
            }
        }
        // The store may have merged what was written with what others did.
        if let Ok(records) = database.records(again).await {
            let records: Vec<Arc<Record>> = records.into_iter().flatten().collect();
            self.absorb(&records);
        }
        true
    }

    fn settle(
        self,
        sent: Vec<Sent>,
        outcomes: Vec<Result<settee_store::Applied, settee_store::OperationError>>,
    ) {
        for (sent, outcome) in sent.into_iter().zip(outcomes) {
            let id = sent.id.clone();
            self.inner.try_update_value(|inner| inner.rows.settle(sent, &outcome));
            // Somebody else may have removed what was to be removed.
            if let Err(error) = outcome
                && error != settee_store::OperationError::NotFound
            {
                self.report(Some(id), format!("A change was not saved: {error}."));
            }
        }
        // What waited for room is written with the rest.
        let is_saved_again = |problems: &mut Vec<Problem>| {
            let before = problems.len();
            problems.retain(|problem| problem.id.is_some());
            problems.len() < before
        };
        self.problems.try_maybe_update(|problems| (is_saved_again(problems), ()));
    }
}

impl<T: Model> Batch<'_, T> {
    /// Adds a document, which is to have a new id.
    pub fn insert(&mut self, id: &DocumentId, value: T) {
        self.rows.put(id, value);
    }

    /// Changes a row, if there is one.
    pub fn update(&mut self, id: &DocumentId, change: impl FnOnce(&mut T)) {
        if let Some(before) = self.rows.get(id) {
            let mut after = before.clone();
            change(&mut after);
            if after != before {
                self.rows.put(id, after);
            }
        }
    }

    /// Removes a row, if there is one.
    pub fn remove(&mut self, id: &DocumentId) {
        if self.rows.get(id).is_some() {
            self.rows.remove(id);
        }
    }
}
