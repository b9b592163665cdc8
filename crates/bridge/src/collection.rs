//! A typed, reactive view of a database's documents.

use std::{rc::Rc, sync::Arc};

use leptos::prelude::*;
use settee_store::{Database, DocumentId};

use crate::{
    health::{Health, Problem, add_problem},
    history::Prospect,
    model::Model,
    row::{Row, renew},
    rows::{Observer, Rows},
    selection::{Keep, Members, Selection},
};

/// A handle on a collection: copies are the same one. It lives as long as the owner in whose
/// scope it was made.
///
/// Functions that are handed to it run while the collection is busy, and must not use it; inside of
/// a batch there is [`Batch::get`].
pub struct Collection<T: Model> {
    pub(crate) inner: StoredValue<Inner<T>, LocalStorage>,
    pub(crate) ready: RwSignal<bool>,
    problems: RwSignal<Vec<Problem>>,
    pub(crate) health: RwSignal<Health>,
    unreadable: RwSignal<Vec<DocumentId>>,
    pub(crate) prospect: RwSignal<Prospect>,
}

pub(crate) struct Inner<T: Model> {
    pub rows: Rows<T>,
    pub database: Option<Database>,
    /// How often a database was attached: whoever follows an older one stops.
    pub attachment: u64,
    pub is_writing: bool,
    /// What is to be done before anything changes, unless it is being done.
    hooks: Vec<Rc<dyn Fn()>>,
    is_in_hooks: bool,
}

/// Several changes that are saved together or not at all, up to
/// [`COMMIT_LIMIT`](settee_store::operation::COMMIT_LIMIT) documents. One that no document can hold
/// is left out, and is a [problem](Collection::problems).
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
        let inner = Inner {
            rows: Rows::new(),
            database: None,
            attachment: 0,
            is_writing: false,
            hooks: Vec::new(),
            is_in_hooks: false,
        };
        Self {
            inner: StoredValue::new_local(inner),
            ready: RwSignal::new(false),
            problems: RwSignal::new(Vec::new()),
            health: RwSignal::new(Health::Healthy),
            unreadable: RwSignal::new(Vec::new()),
            prospect: RwSignal::new(Prospect::default()),
        }
    }

    /// Whether the first batch is in.
    pub fn ready(self) -> Signal<bool> {
        self.ready.into()
    }

    /// What went wrong, the latest last. Only the latest few are remembered.
    pub fn problems(self) -> Signal<Vec<Problem>> {
        self.problems.into()
    }

    /// Whether what is shown is in the database, and what is in the database is shown.
    pub fn health(self) -> Signal<Health> {
        self.health.into()
    }

    /// Documents that can't be read as this model, in the order of their ids. A newer version of
    /// the app may have written them; they are left as they are.
    pub fn unreadable(self) -> Signal<Vec<DocumentId>> {
        self.unreadable.into()
    }

    /// A row's signals, for the owner in whose scope this is called; `None` if there is no such
    /// row. Not reactive by itself.
    pub fn row(self, id: &DocumentId) -> Option<Row<T>> {
        self.with_rows(|rows| rows.row(id)).flatten()
    }

    /// A row's value now, own edits included that are not saved yet. Not reactive.
    pub fn get(self, id: &DocumentId) -> Option<T> {
        self.with_rows(|rows| rows.get(id)).flatten()
    }

    /// The rows that pass a test, for the owner in whose scope this is called. The test has to
    /// give the same answer for the same row: where it depends on anything else that changes, see
    /// [`Collection::select_by`].
    pub fn select(self, keep: impl Fn(&T) -> bool + Send + Sync + 'static) -> Selection {
        let keep: Keep<T> = Arc::new(keep);
        let without_collection = keep.clone();
        self.inner
            .try_update_value(|inner| inner.rows.select(keep))
            .unwrap_or_else(|| Members::<T>::new(without_collection, 0).1)
    }

    /// The rows that pass a test which follows signals: `test` makes it, and is run again, as an
    /// effect, whenever a signal that it has read changes.
    ///
    /// ```
    /// # use leptos::prelude::*;
    /// # use settee_leptos::{Collection, Model, Selection};
    /// fn search<T: Model>(
    ///     rows: Collection<T>,
    ///     text: RwSignal<String>,
    ///     title: fn(&T) -> &str,
    /// ) -> Selection {
    ///     rows.select_by(move || {
    ///         let text = text.get();
    ///         move |row| title(row).contains(&text)
    ///     })
    /// }
    /// ```
    pub fn select_by<K>(self, test: impl Fn() -> K + 'static) -> Selection
    where
        K: Fn(&T) -> bool + Send + Sync + 'static,
    {
        let selection = self.select(untrack(&test));
        Effect::new(move || self.refilter(selection, test()));
        selection
    }

    /// Gives one of the collection's selections another test.
    pub fn refilter(self, selection: Selection, keep: impl Fn(&T) -> bool + Send + Sync + 'static) {
        self.change(|rows| rows.refilter(selection, Arc::new(keep)));
    }

    /// Adds a document, which is to have a new id that begins with [`Model::PREFIX`]. A row of that
    /// id is replaced.
    pub fn insert(self, id: &DocumentId, value: T) {
        self.batch(|batch| batch.insert(id, value));
    }

    /// Changes a row, if there is one. Where its value stays equal, that is no edit.
    pub fn update(self, id: &DocumentId, change: impl FnOnce(&mut T)) {
        self.batch(|batch| batch.update(id, change));
    }

    /// Removes a row, if there is one.
    pub fn remove(self, id: &DocumentId) {
        self.batch(|batch| batch.remove(id));
    }

    /// Makes several changes, which are saved together, and undone together.
    pub fn batch(self, changes: impl FnOnce(&mut Batch<'_, T>)) {
        self.batch_as(None, changes);
    }

    /// Makes several changes that have a name, for [`Collection::undo_label`].
    pub fn batch_named(self, label: impl Into<String>, changes: impl FnOnce(&mut Batch<'_, T>)) {
        self.batch_as(Some(label.into()), changes);
    }

    fn batch_as(self, label: Option<String>, changes: impl FnOnce(&mut Batch<'_, T>)) {
        self.run_hooks();
        self.change(|rows| {
            changes(&mut Batch { rows });
            rows.finish_step(label);
        });
        self.write_soon();
    }

    /// Tries again to save what could not be saved.
    pub fn retry(self) {
        self.write_soon();
    }

    /// Forgets a problem that the user has seen.
    pub fn dismiss(self, problem: &Problem) {
        self.forget_problems(|known| known == problem);
    }

    pub(crate) fn with_rows<R>(self, read: impl FnOnce(&Rows<T>) -> R) -> Option<R> {
        self.inner.try_with_value(|inner| read(&inner.rows))
    }

    /// `None` when the collection is gone.
    pub(crate) fn change<R>(self, change: impl FnOnce(&mut Rows<T>) -> R) -> Option<R> {
        let (result, unreadable, prospect) = self.inner.try_update_value(|inner| {
            let result = change(&mut inner.rows);
            inner.rows.publish();
            let known = self
                .unreadable
                .try_with_untracked(|known| !known.iter().eq(&inner.rows.unreadable));
            let unreadable = (known == Some(true))
                .then(|| inner.rows.unreadable.iter().cloned().collect::<Vec<_>>());
            (result, unreadable, inner.rows.history.prospect())
        })?;
        if let Some(unreadable) = unreadable {
            self.unreadable.try_set(unreadable);
        }
        self.prospect.try_maybe_update(|known| (renew(known, prospect), ()));
        Some(result)
    }

    pub(crate) fn report(self, id: Option<DocumentId>, text: String) {
        let problem = Problem { id, text };
        self.problems.try_maybe_update(|problems| {
            let is_new = problems.last() != Some(&problem);
            add_problem(problems, problem);
            (is_new, ())
        });
    }

    pub(crate) fn forget_problems(self, is_over: impl Fn(&Problem) -> bool) {
        self.problems.try_maybe_update(|problems| {
            let before = problems.len();
            problems.retain(|problem| !is_over(problem));
            (problems.len() < before, ())
        });
    }

    /// Has somebody told of every change to a row.
    pub(crate) fn observe(self, observer: Box<dyn Observer<T>>) {
        self.inner.try_update_value(|inner| inner.rows.observe(observer));
    }

    /// Has something done before anything changes that it doesn't change itself.
    pub(crate) fn add_hook(self, hook: Rc<dyn Fn()>) {
        self.inner.try_update_value(|inner| inner.hooks.push(hook));
    }

    pub(crate) fn run_hooks(self) {
        let hooks = self.inner.try_update_value(|inner| {
            let is_idle = !inner.hooks.is_empty() && !inner.is_in_hooks;
            inner.is_in_hooks |= is_idle;
            if is_idle { inner.hooks.clone() } else { Vec::new() }
        });
        let Some(hooks) = hooks.filter(|hooks| !hooks.is_empty()) else { return };
        for hook in hooks {
            hook();
        }
        self.inner.try_update_value(|inner| inner.is_in_hooks = false);
    }
}

impl<T: Model> Batch<'_, T> {
    /// A row's value now, with what the batch has changed so far.
    pub fn get(&self, id: &DocumentId) -> Option<T> {
        self.rows.get(id)
    }

    /// Adds a document: see [`Collection::insert`].
    pub fn insert(&mut self, id: &DocumentId, value: T) {
        self.rows.put(id, value);
    }

    /// Changes a row, if there is one: see [`Collection::update`].
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
