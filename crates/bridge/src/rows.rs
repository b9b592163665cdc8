//! The rows of a collection, and the user's edits of them.
//!
//! A row shows the user's edits at once. While an edit of a document is not in the store, the row
//! ignores changes by others. The store merges them with the edit, and the row shows the result.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use leptos::prelude::*;
use serde_json::{Map, Value};
use settee_store::{Body, Document, DocumentId, Record, Revision, body::BodyError};

use crate::{
    editing::Base,
    history::History,
    model::{Model, overlaid, read},
    observer::Observer,
    outbox::Outgoing,
    row::{FieldConflict, Row, RowState, replace},
    selection::{Members, Predicate, Selection},
};

pub(crate) struct Rows<T: Model> {
    pub(super) entries: HashMap<DocumentId, Entry<T>>,
    selections: Vec<Members<T>>,
    last_key: u64,
    observers: Vec<Box<dyn Observer<T>>>,
    /// Documents with an edit that was not given to the store yet, in the order of the edits.
    pub(super) edited: Vec<DocumentId>,
    /// Refused edits that the store has to discard.
    pub(super) discarded: Vec<(DocumentId, Revision)>,
    /// Documents with an edit that the store is writing.
    pub(super) in_flight: HashSet<DocumentId>,
    /// Edits that go to the store before all others.
    pub(super) early: Outgoing,
    /// What editors saw who are not done yet.
    pub(super) bases: HashMap<DocumentId, Base<T>>,
    /// In the order of their ids.
    pub unreadable: Vec<DocumentId>,
    pub history: History,
    /// The rows that the current batch has changed, as they were before it.
    changed: HashMap<DocumentId, Result<Option<Body>, BodyError>>,
    /// Whether the documents of the store have been loaded.
    pub is_loaded: bool,
}

pub(crate) struct Entry<T: Model> {
    /// The latest value. A removed row keeps it until the store has removed the document.
    pub value: ArcRwSignal<T>,
    pub state: ArcRwSignal<RowState>,
    is_visible: bool,
    /// The leaves that the row shows. The next edit supersedes them.
    pub leaves: Vec<Revision>,
    /// The body into which the next edit writes the fields of the model.
    pub body: Body,
    /// The edit that was not given to the store yet.
    pub intent: Option<Intent>,
    /// That edit is of leaves that its editor saw earlier, whatever the store has now.
    pub is_branch: bool,
    /// The store's record, if an edit was refused or fields are in conflict.
    pub record: Option<Arc<Record>>,
    /// The row shows the refused edit, as the document has no live leaf.
    pub shows_refused: bool,
    /// The refused edit whose changes the next edit includes.
    pub discards: Option<Revision>,
}

impl<T: Model> Entry<T> {
    /// The refused edit of the document.
    pub fn refused(&self) -> Option<Revision> {
        self.record.as_ref()?.refused.as_ref().map(|refused| refused.revision)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    Put,
    Remove,
}

impl<T: Model> Rows<T> {
    pub fn new() -> Self {
        Self {
            entries: HashMap::new(),
            selections: Vec::new(),
            last_key: 0,
            observers: Vec::new(),
            edited: Vec::new(),
            discarded: Vec::new(),
            in_flight: HashSet::new(),
            early: Outgoing::default(),
            bases: HashMap::new(),
            unreadable: Vec::new(),
            history: History::default(),
            changed: HashMap::new(),
            is_loaded: false,
        }
    }

    pub fn row(&self, id: &DocumentId) -> Option<Row<T>> {
        let entry = self.visible(id)?;
        Some(Row {
            id: id.clone(),
            value: entry.value.read_only().into(),
            state: entry.state.read_only().into(),
        })
    }

    pub fn get(&self, id: &DocumentId) -> Option<T> {
        Some(self.visible(id)?.value.get_untracked())
    }

    pub fn visible(&self, id: &DocumentId) -> Option<&Entry<T>> {
        self.entries.get(id).filter(|entry| entry.is_visible)
    }

    pub fn select(&mut self, predicate: Predicate<T>) -> Selection {
        self.last_key += 1;
        let (mut members, selection) = Members::new(predicate, self.last_key);
        self.notify_of_all(&mut members);
        members.publish(self.is_loaded);
        self.selections.push(members);
        selection
    }

    pub fn refilter(&mut self, selection: Selection, predicate: Predicate<T>) {
        let is_meant = |members: &Members<T>| members.key == selection.key;
        let Some(at) = self.selections.iter().position(is_meant) else { return };
        let mut members = self.selections.swap_remove(at);
        members.refilter(predicate);
        self.notify_of_all(&mut members);
        self.selections.push(members);
    }

    pub fn observe(&mut self, mut observer: Box<dyn Observer<T>>) {
        self.notify_of_all(&mut *observer);
        observer.publish(self.is_loaded);
        self.observers.push(observer);
    }

    fn notify_of_all(&self, observer: &mut dyn Observer<T>) {
        for (id, entry) in self.entries.iter().filter(|(_, entry)| entry.is_visible) {
            entry.value.with_untracked(|value| observer.put(id, None, Some(value)));
        }
    }

    fn notify(&mut self, id: &DocumentId, before: Option<&T>, after: Option<&T>) {
        for selection in &mut self.selections {
            selection.put(id, before, after);
        }
        for observer in &mut self.observers {
            observer.put(id, before, after);
        }
    }

    pub fn publish(&mut self) {
        self.selections.retain(|selection| !selection.is_disposed());
        self.observers.retain(|observer| !observer.is_disposed());
        for selection in &mut self.selections {
            selection.publish(self.is_loaded);
        }
        for observer in &mut self.observers {
            observer.publish(self.is_loaded);
        }
    }

    /// The user inserts a row, or changes one.
    pub fn put(&mut self, id: &DocumentId, value: T) {
        self.record_before(id);
        if self.visible(id).is_none()
            && let Some(entry) = self.entries.get_mut(id)
        {
            entry.body = Body::empty();
        }
        self.show(id, value);
        self.queue(id, Intent::Put);
    }

    /// Replaces all fields of a document, including those that the model doesn't know. Returns
    /// whether the model can read them; if not, nothing changes.
    pub fn put_fields(&mut self, id: &DocumentId, body: Body) -> bool {
        let Some(value) = read::<T>(&body.fields()) else { return false };
        self.show(id, value).body = body;
        self.queue(id, Intent::Put);
        true
    }

    /// The user removes a row.
    pub fn remove(&mut self, id: &DocumentId) {
        self.record_before(id);
        self.remove_unrecorded(id);
    }

    /// Removes a row without making it part of a step to undo.
    pub fn remove_unrecorded(&mut self, id: &DocumentId) {
        self.hide(id);
        self.queue(id, Intent::Remove);
    }

    /// The fields of the document as the next edit writes them.
    pub fn fields(&self, id: &DocumentId) -> Option<Map<String, Value>> {
        let entry = self.visible(id)?;
        Some(entry.value.with_untracked(|value| overlaid(value, &entry.body)))
    }

    pub fn body(&self, id: &DocumentId) -> Result<Option<Body>, BodyError> {
        self.fields(id).map(Body::new).transpose()
    }

    pub(super) fn record_before(&mut self, id: &DocumentId) {
        if !self.changed.contains_key(id) {
            self.changed.insert(id.clone(), self.body(id));
        }
    }

    /// Whether there is something that the store doesn't have yet.
    pub fn is_waiting(&self) -> bool {
        let is_idle = self.edited.is_empty() && self.discarded.is_empty();
        !(is_idle && self.in_flight.is_empty() && self.early.operations.is_empty())
    }

    /// What waits for the server, and is in no database any more, is an edit again. Those rows that
    /// the database has aren't affected.
    pub fn rescue(&mut self, records: &[Arc<Record>]) {
        let there: HashSet<&DocumentId> = records.iter().map(|record| &record.id).collect();
        let is_lost = |(id, entry): &(&DocumentId, &Entry<T>)| {
            let is_pending = entry.state.with_untracked(|state| state.pending);
            entry.is_visible && is_pending && !there.contains(id)
        };
        let lost: Vec<_> = self.entries.iter().filter(is_lost).map(|(id, _)| id.clone()).collect();
        for id in lost {
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.leaves.clear();
            }
            self.queue(&id, Intent::Put);
        }
        for (_, base) in self.bases.iter_mut().filter(|(id, _)| !there.contains(id)) {
            base.leaves.clear();
        }
    }

    /// Ends a batch, which becomes one step to undo.
    pub fn finish_step(&mut self, label: Option<String>) {
        let before = std::mem::take(&mut self.changed);
        let changes = before.into_iter().filter_map(|(id, before)| {
            let after = self.body(&id).ok()?;
            Some((id, before.ok()?, after))
        });
        let changes: Vec<_> = changes.collect();
        self.history.record(label, changes);
    }

    pub(super) fn queue(&mut self, id: &DocumentId, intent: Intent) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        if entry.intent.replace(intent).is_none() {
            self.edited.push(id.clone());
        }
        let shows_refused = entry.shows_refused;
        if shows_refused {
            entry.discards = entry.refused();
        }
        entry.state.maybe_update(|state| {
            // An edit settles everything that the row shows.
            let refused = state.refused.clone().filter(|_| !shows_refused);
            replace(state, RowState { pending: true, refused, ..RowState::default() })
        });
    }

    fn is_discarding(&self, id: &DocumentId) -> bool {
        self.discarded.iter().any(|(discarded, _)| discarded == id)
    }

    /// Applies records of the store. Those of documents with unsaved edits are ignored: they are
    /// read again once the edits are saved.
    pub fn apply_records(&mut self, records: &[Arc<Record>]) {
        for record in records.iter().filter(|record| record.id.as_str().starts_with(T::PREFIX)) {
            let id = &record.id;
            let is_edited = self.entries.get(id).is_some_and(|entry| entry.intent.is_some());
            if !is_edited && !self.in_flight.contains(id) && !self.is_discarding(id) {
                self.apply_record(record);
            }
        }
    }

    /// Applies all records of the store, and drops the rows of other documents.
    pub fn load(&mut self, records: &[Arc<Record>]) {
        let ids: HashSet<&DocumentId> = records.iter().map(|record| &record.id).collect();
        let is_old = |id: &&DocumentId| {
            let is_edited = self.entries.get(*id).is_some_and(|entry| entry.intent.is_some());
            !ids.contains(id) && !is_edited && !self.in_flight.contains(*id)
        };
        let old: Vec<DocumentId> = self.entries.keys().filter(is_old).cloned().collect();
        for id in &old {
            self.drop_entry(id);
        }
        self.apply_records(records);
        self.is_loaded = true;
    }

    fn apply_record(&mut self, record: &Arc<Record>) {
        let id = &record.id;
        let document = record.document();
        let live = document.as_ref().filter(|document| !document.deleted);
        // A refused edit stays visible if there is no live leaf to show.
        let refused = record.refused.as_ref().filter(|refused| live.is_none() && !refused.deleted);
        let refused = refused.and_then(|refused| refused.body.as_ref());
        let shows_refused = refused.is_some();
        let Some(body) = live.map(|document| &document.body).or(refused) else {
            return self.apply_deletion(id, document.as_ref());
        };
        let fields = body.fields();
        if !T::belongs(id, &fields) {
            self.history.forget(id);
            self.drop_entry(id);
            return;
        }
        let Some(value) = read::<T>(&fields) else {
            self.history.forget(id);
            self.drop_entry(id);
            self.mark_readable(id, false);
            return;
        };
        self.update_history(id, &value, body);
        let state = row_state(record, document.as_ref(), live);
        self.mark_readable(id, true);
        let body = body.clone();
        let needs_decision = record.refused.is_some() || !state.conflicts.is_empty();
        let kept_record = needs_decision.then(|| record.clone());
        let leaves = document.map(|document| document.leaves).unwrap_or_default();
        let entry = self.show(id, value);
        entry.leaves = leaves;
        entry.body = body;
        entry.record = kept_record;
        entry.shows_refused = shows_refused;
        entry.state.maybe_update(|known| replace(known, state));
    }

    fn apply_deletion(&mut self, id: &DocumentId, document: Option<&Document>) {
        let is_own =
            document.is_some_and(|it| it.leaves.iter().all(|leaf| it.own_leaves.contains(leaf)));
        if self.visible(id).is_some() || !is_own {
            self.history.forget(id);
        }
        if self.visible(id).is_none() {
            self.notify(id, None, None);
        }
        self.drop_entry(id);
    }

    /// Drops from the history what a new body changes.
    fn update_history(&mut self, id: &DocumentId, value: &T, body: &Body) {
        if !self.history.contains(id) {
            return;
        }
        match (self.body(id), Body::new(overlaid(value, body))) {
            (Ok(Some(before)), Ok(after)) => {
                self.history.changed_elsewhere(id, &before.fields(), &after.fields());
            }
            _ => self.history.forget(id),
        }
    }

    pub(super) fn show(&mut self, id: &DocumentId, value: T) -> &mut Entry<T> {
        let before = self.get(id);
        if before.as_ref() != Some(&value) {
            self.notify(id, before.as_ref(), Some(&value));
        }
        let entry = self.entries.entry(id.clone()).or_insert_with(|| {
            let signals = self.bases.get(id).map(|base| base.signals.clone());
            let new = || (ArcRwSignal::new(value.clone()), ArcRwSignal::default());
            Entry::new(signals.unwrap_or_else(new))
        });
        entry.is_visible = true;
        entry.value.maybe_update(|known| replace(known, value));
        entry
    }

    pub(super) fn hide(&mut self, id: &DocumentId) {
        let Some(before) = self.get(id) else { return };
        self.notify(id, Some(&before), None);
        if let Some(entry) = self.entries.get_mut(id) {
            entry.is_visible = false;
        }
    }

    fn mark_readable(&mut self, id: &DocumentId, is_readable: bool) {
        match (self.unreadable.binary_search(id), is_readable) {
            (Ok(place), true) => drop(self.unreadable.remove(place)),
            (Err(place), false) => self.unreadable.insert(place, id.clone()),
            _ => {}
        }
    }

    pub(super) fn drop_entry(&mut self, id: &DocumentId) {
        self.hide(id);
        self.entries.remove(id);
        self.mark_readable(id, true);
    }
}

impl<T: Model> Entry<T> {
    fn new((value, state): (ArcRwSignal<T>, ArcRwSignal<RowState>)) -> Self {
        Self {
            value,
            state,
            is_visible: false,
            leaves: Vec::new(),
            body: Body::empty(),
            intent: None,
            is_branch: false,
            record: None,
            shows_refused: false,
            discards: None,
        }
    }
}

fn row_state(record: &Record, document: Option<&Document>, live: Option<&Document>) -> RowState {
    let conflicts = live.map_or_else(Vec::new, |document| {
        let conflicts = document.conflicts.iter();
        conflicts.map(|conflict| FieldConflict::new(conflict, document)).collect()
    });
    RowState {
        pending: document.is_some_and(|document| document.pending),
        refused: record.refused.as_ref().map(|refused| refused.reason.clone()),
        conflicts,
        shows_one: live.is_some_and(|document| !document.is_merged),
        kept: live.and_then(|document| document.kept),
    }
}
