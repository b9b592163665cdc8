//! A typed, reactive view of the documents of a database.

use std::{rc::Rc, sync::Arc};

use leptos::prelude::*;
use settee_store::{Database, DocumentId};

use crate::{
    health::{CollectionError, Health, Problem, add_problem},
    history::UndoState,
    model::Model,
    observer::Observer,
    row::{Row, replace},
    rows::Rows,
    selection::{Members, Predicate, Selection},
};

/// A handle on a collection. Copies refer to the same collection, which lives as long as the
/// reactive owner in which it was created.
///
/// Functions that are passed to a method must not use the collection. Inside a batch, use
/// [`Batch::get`].
pub struct Collection<T: Model> {
    pub(crate) inner: StoredValue<Inner<T>, LocalStorage>,
    pub(crate) ready: RwSignal<bool>,
    problems: RwSignal<Vec<Problem>>,
    pub(crate) health: RwSignal<Health>,
    unreadable: RwSignal<Vec<DocumentId>>,
    pub(crate) undo_state: RwSignal<UndoState>,
    is_saved: RwSignal<bool>,
}

pub(crate) struct Inner<T: Model> {
    pub rows: Rows<T>,
    pub database: Option<Database>,
    /// The number of the current attachment. Tasks of an earlier one stop.
    pub attachment: u64,
    pub is_writing: bool,
    /// Called before each change of the rows, but not while a hook runs.
    hooks: Vec<Rc<dyn Fn()>>,
    is_in_hooks: bool,
}

/// Several changes that are saved together or not at all, if they are of at most
/// [`COMMIT_LIMIT`](settee_store::operation::COMMIT_LIMIT) documents. A change that makes no valid
/// document is left out, and is a [`CollectionError::InvalidEdit`].
pub struct Batch<'a, T: Model> {
    rows: &'a mut Rows<T>,
}

#[expect(clippy::expl_impl_clone_on_copy, reason = "a derive would require T: Clone")]
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
    /// A collection without a database: empty and not ready, which is what a server renders.
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
            undo_state: RwSignal::new(UndoState::default()),
            is_saved: RwSignal::new(true),
        }
    }

    /// Whether the documents of a database have been loaded.
    pub fn ready(self) -> ReadSignal<bool> {
        self.ready.read_only()
    }

    /// Errors that are not resolved yet, the latest last: the latest 20.
    pub fn problems(self) -> ReadSignal<Vec<Problem>> {
        self.problems.read_only()
    }

    /// Whether the rows and the database agree.
    pub fn health(self) -> ReadSignal<Health> {
        self.health.read_only()
    }

    /// Whether the database has all edits that the rows show: it is false from an edit until that is
    /// durable.
    pub fn is_saved(self) -> ReadSignal<bool> {
        self.is_saved.read_only()
    }

    /// Publishes whether something waits for the database.
    pub(crate) fn publish_saved(self) {
        if let Some(is_saved) = self.with_rows(|rows| !rows.is_waiting()) {
            self.is_saved.try_maybe_update(|known| (replace(known, is_saved), ()));
        }
    }

    /// Documents that can't be deserialised as this model, sorted by id. A newer version of the app
    /// may have written them. They are not changed.
    pub fn unreadable(self) -> ReadSignal<Vec<DocumentId>> {
        self.unreadable.read_only()
    }

    /// The signals of a row, which belong to the current reactive owner. `None` if there is no such
    /// row. The call itself is not reactive.
    pub fn row(self, id: &DocumentId) -> Option<Row<T>> {
        self.with_rows(|rows| rows.row(id)).flatten()
    }

    /// The current value of a row, including edits that are not saved yet. Not reactive.
    pub fn get(self, id: &DocumentId) -> Option<T> {
        self.with_rows(|rows| rows.get(id)).flatten()
    }

    /// The rows that pass a test. The selection belongs to the current reactive owner. The test
    /// must depend on the row alone; for a test that depends on signals, see
    /// [`Collection::select_by`].
    pub fn select(self, test: impl Fn(&T) -> bool + Send + Sync + 'static) -> Selection {
        let predicate: Predicate<T> = Arc::new(test);
        let without_collection = predicate.clone();
        self.inner
            .try_update_value(|inner| inner.rows.select(predicate))
            .unwrap_or_else(|| Members::<T>::new(without_collection, 0).1)
    }

    /// The rows that pass a test that depends on signals. `test` returns the test. It runs again,
    /// as an effect, whenever a signal that it has read changes.
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

    /// Replaces the test of a selection of this collection.
    pub fn refilter(self, selection: Selection, test: impl Fn(&T) -> bool + Send + Sync + 'static) {
        self.change(|rows| rows.refilter(selection, Arc::new(test)));
    }

    /// Inserts a document. The id has to be new and to begin with [`Model::PREFIX`]. An existing
    /// row of that id is replaced.
    pub fn insert(self, id: &DocumentId, value: T) {
        self.batch(|batch| batch.insert(id, value));
    }

    /// Changes a row, if it exists. If the value stays equal, there is no edit.
    pub fn update(self, id: &DocumentId, change: impl FnOnce(&mut T)) {
        self.batch(|batch| batch.update(id, change));
    }

    /// Removes a row, if it exists.
    pub fn remove(self, id: &DocumentId) {
        self.batch(|batch| batch.remove(id));
    }

    /// Makes several changes that are saved together and undone together.
    pub fn batch(self, changes: impl FnOnce(&mut Batch<'_, T>)) {
        self.batch_as(None, changes);
    }

    /// Like [`Collection::batch`], with a label for [`Collection::undo_label`].
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

    /// Tries again to save changes that could not be saved.
    pub fn retry(self) {
        self.write_soon();
    }

    /// Removes a problem from [`Collection::problems`].
    pub fn dismiss(self, problem: &Problem) {
        self.remove_problems(|known| known == problem);
    }

    pub(crate) fn with_rows<R>(self, read: impl FnOnce(&Rows<T>) -> R) -> Option<R> {
        self.inner.try_with_value(|inner| read(&inner.rows))
    }

    /// Changes rows and notifies their readers. `None` if the collection was disposed of.
    pub(crate) fn change<R>(self, change: impl FnOnce(&mut Rows<T>) -> R) -> Option<R> {
        let (result, unreadable, undo_state) = self.inner.try_update_value(|inner| {
            let result = change(&mut inner.rows);
            inner.rows.publish();
            let known = self.unreadable.try_with_untracked(|known| *known != inner.rows.unreadable);
            let unreadable = (known == Some(true)).then(|| inner.rows.unreadable.clone());
            (result, unreadable, inner.rows.history.state())
        })?;
        if let Some(unreadable) = unreadable {
            self.unreadable.try_set(unreadable);
        }
        self.undo_state.try_maybe_update(|known| (replace(known, undo_state), ()));
        self.publish_saved();
        Some(result)
    }

    pub(crate) fn report(self, id: Option<DocumentId>, error: CollectionError) {
        let problem = Problem { id, error };
        self.problems.try_maybe_update(|problems| {
            let is_new = problems.last() != Some(&problem);
            add_problem(problems, problem);
            (is_new, ())
        });
    }

    pub(crate) fn remove_problems(self, is_resolved: impl Fn(&Problem) -> bool) {
        self.problems.try_maybe_update(|problems| {
            let before = problems.len();
            problems.retain(|problem| !is_resolved(problem));
            (problems.len() < before, ())
        });
    }

    /// Registers an observer of all changes to rows.
    pub(crate) fn observe(self, observer: Box<dyn Observer<T>>) {
        self.inner.try_update_value(|inner| inner.rows.observe(observer));
    }

    /// Registers a function that is called before each change of the rows, except its own.
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
    /// The current value of a row, including the changes of this batch so far.
    pub fn get(&self, id: &DocumentId) -> Option<T> {
        self.rows.get(id)
    }

    /// Inserts a document: see [`Collection::insert`].
    pub fn insert(&mut self, id: &DocumentId, value: T) {
        self.rows.put(id, value);
    }

    /// Changes a row, if it exists: see [`Collection::update`].
    pub fn update(&mut self, id: &DocumentId, change: impl FnOnce(&mut T)) {
        if let Some(before) = self.rows.get(id) {
            let mut after = before.clone();
            change(&mut after);
            if after != before {
                self.rows.put(id, after);
            }
        }
    }

    /// Removes a row, if it exists.
    pub fn remove(&mut self, id: &DocumentId) {
        if self.rows.get(id).is_some() {
            self.rows.remove(id);
        }
    }
}
