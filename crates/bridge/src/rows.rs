//! The rows of a collection, and what the user makes of them.
//!
//! A row shows what the user has made of a document. While such an edit is not in the store,
//! what others change is left to the store, which merges it; the row then takes the outcome.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use leptos::prelude::*;
use serde_json::{Map, Value};
use settee_store::{Body, DocumentId, Record, Revision, body::BodyError};

use crate::{
    history::History,
    model::{Model, overlaid, read},
    row::{FieldConflict, Row, RowState, renew},
    selection::{Keep, Members, Selection},
};

pub(crate) struct Rows<T: Model> {
    pub(super) entries: HashMap<DocumentId, Entry<T>>,
    selections: Vec<Members<T>>,
    last_key: u64,
    mirrors: Vec<Box<dyn Observer<T>>>,
    /// Documents with an edit that was not handed to the store, in the order of the edits.
    pub(super) edited: Vec<DocumentId>,
    /// Documents whose refused edit is to be forgotten.
    pub(super) discarded: Vec<(DocumentId, Revision)>,
    /// Documents with an edit that the store is writing.
    pub(super) in_flight: HashSet<DocumentId>,
    pub unreadable: BTreeSet<DocumentId>,
    pub history: History,
    /// The rows that the present batch has changed, as they were before.
    changed: HashMap<DocumentId, Result<Option<Body>, BodyError>>,
    /// Whether the store's documents are in.
    pub is_loaded: bool,
}

pub(crate) struct Entry<T: Model> {
    /// The latest value, also of a row that was removed and is not gone from the store.
    pub value: ArcRwSignal<T>,
    pub state: ArcRwSignal<RowState>,
    is_visible: bool,
    /// The leaves that the user has seen, which the next edit closes.
    pub leaves: Vec<Revision>,
    /// What the next edit writes the model's fields over.
    pub body: Body,
    pub intent: Option<Intent>,
    /// Where an edit was refused, or fields are in conflict: what the store knows of it.
    pub record: Option<Arc<Record>>,
    /// There is nothing else to be seen of the document than the refused edit.
    pub shows_refused: bool,
    /// The refused edit whose changes the next edit holds.
    pub discards: Option<Revision>,
}

impl<T: Model> Entry<T> {
    /// The refused edit that the row tells of.
    pub fn refused(&self) -> Option<Revision> {
        self.record.as_ref()?.refused.as_ref().map(|refused| refused.revision)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    Put,
    Remove,
}

/// Who is told of every change to a row.
pub(crate) trait Observer<T: Model> {
    /// Without either value, a document that is no row was deleted.
    fn put(&mut self, id: &DocumentId, before: Option<&T>, after: Option<&T>);
    /// The changes are complete for now. Tells whether the store's documents are among them.
    fn publish(&mut self, is_loaded: bool);
    fn is_gone(&self) -> bool;
}

impl<T: Model> Rows<T> {
    pub fn new() -> Self {
        Self {
            entries: HashMap::new(),
            selections: Vec::new(),
            last_key: 0,
            mirrors: Vec::new(),
            edited: Vec::new(),
            discarded: Vec::new(),
            in_flight: HashSet::new(),
            unreadable: BTreeSet::new(),
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

    pub fn select(&mut self, keep: Keep<T>) -> Selection {
        self.last_key += 1;
        let (mut members, selection) = Members::new(keep, self.last_key);
        self.tell_all(&mut members);
        members.publish(self.is_loaded);
        self.selections.push(members);
        selection
    }

    pub fn refilter(&mut self, selection: Selection, keep: Keep<T>) {
        let is_meant = |members: &Members<T>| members.key == selection.key;
        let Some(at) = self.selections.iter().position(is_meant) else { return };
        let mut members = self.selections.swap_remove(at);
        members.refilter(keep);
        self.tell_all(&mut members);
        self.selections.push(members);
    }

    pub fn observe(&mut self, mut observer: Box<dyn Observer<T>>) {
        self.tell_all(&mut *observer);
        observer.publish(self.is_loaded);
        self.mirrors.push(observer);
    }

    fn tell_all(&self, observer: &mut dyn Observer<T>) {
        for (id, entry) in self.entries.iter().filter(|(_, entry)| entry.is_visible) {
            entry.value.with_untracked(|value| observer.put(id, None, Some(value)));
        }
    }

    fn tell(&mut self, id: &DocumentId, before: Option<&T>, after: Option<&T>) {
        for selection in &mut self.selections {
            selection.put(id, before, after);
        }
        for mirror in &mut self.mirrors {
            mirror.put(id, before, after);
        }
    }

    pub fn publish(&mut self) {
        self.selections.retain(|selection| !selection.is_gone());
        self.mirrors.retain(|mirror| !mirror.is_gone());
        for selection in &mut self.selections {
            selection.publish(self.is_loaded);
        }
        for mirror in &mut self.mirrors {
            mirror.publish(self.is_loaded);
        }
    }

    /// The user inserts a row, or changes one.
    pub fn put(&mut self, id: &DocumentId, value: T) {
        self.note(id);
        if self.visible(id).is_none()
            && let Some(entry) = self.entries.get_mut(id)
        {
            entry.body = Body::empty();
        }
        self.show(id, value);
        self.intend(id, Intent::Put);
    }

    /// Makes a document of these fields, those included that the model doesn't know. Tells
    /// whether the model can read them.
    pub fn put_fields(&mut self, id: &DocumentId, body: Body) -> bool {
        let Some(value) = read::<T>(&body.fields()) else { return false };
        self.show(id, value).body = body;
        self.intend(id, Intent::Put);
        true
    }

    /// The user removes a row.
    pub fn remove(&mut self, id: &DocumentId) {
        self.note(id);
        self.take_away(id);
    }

    pub fn take_away(&mut self, id: &DocumentId) {
        self.hide(id);
        self.intend(id, Intent::Remove);
    }

    /// The document's fields as the next edit would write them.
    pub fn fields(&self, id: &DocumentId) -> Option<Map<String, Value>> {
        let entry = self.visible(id)?;
        Some(entry.value.with_untracked(|value| overlaid(value, &entry.body)))
    }

    pub fn body(&self, id: &DocumentId) -> Result<Option<Body>, BodyError> {
        self.fields(id).map(Body::new).transpose()
    }

    fn note(&mut self, id: &DocumentId) {
        if !self.changed.contains_key(id) {
            self.changed.insert(id.clone(), self.body(id));
        }
    }

    /// A batch ends: it is one step to undo.
    pub fn finish_step(&mut self, label: Option<String>) {
        let changed = std::mem::take(&mut self.changed);
        let steps = changed.into_iter().filter_map(|(id, before)| {
            let after = self.body(&id).ok()?;
            Some((id, before.ok()?, after))
        });
        let steps: Vec<_> = steps.collect();
        self.history.record(label, steps);
    }

    pub(super) fn intend(&mut self, id: &DocumentId, intent: Intent) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        if entry.intent.replace(intent).is_none() {
            self.edited.push(id.clone());
        }
        let shows_refused = entry.shows_refused;
        if shows_refused {
            entry.discards = entry.refused();
        }
        entry.state.maybe_update(|state| {
            // An edit closes all that its editor has seen.
            let refused = state.refused.clone().filter(|_| !shows_refused);
            renew(state, RowState { pending: true, refused, ..RowState::default() })
        });
    }

    fn is_discarding(&self, id: &DocumentId) -> bool {
        self.discarded.iter().any(|(discarded, _)| discarded == id)
    }

    /// Takes what the store has. Documents with edits under way wait until these are settled.
    pub fn absorb(&mut self, records: &[Arc<Record>]) {
        for record in records.iter().filter(|record| record.id.as_str().starts_with(T::PREFIX)) {
            let id = &record.id;
            let is_edited = self.entries.get(id).is_some_and(|entry| entry.intent.is_some());
            if !is_edited && !self.in_flight.contains(id) && !self.is_discarding(id) {
                self.take(record);
            }
        }
    }

    /// Takes all that the store has, after which nothing else is there.
    pub fn load(&mut self, records: &[Arc<Record>]) {
        let ids: HashSet<&DocumentId> = records.iter().map(|record| &record.id).collect();
        let is_old = |id: &&DocumentId| {
            let is_edited = self.entries.get(*id).is_some_and(|entry| entry.intent.is_some());
            !ids.contains(id) && !is_edited && !self.in_flight.contains(*id)
        };
        let old: Vec<DocumentId> = self.entries.keys().filter(is_old).cloned().collect();
        for id in &old {
            self.lose(id);
        }
        self.absorb(records);
        self.is_loaded = true;
    }

    fn take(&mut self, record: &Arc<Record>) {
        let id = &record.id;
        let document = record.document();
        let refused = record.refused.as_ref();
        let live = document.as_ref().filter(|document| !document.deleted);
        // Where nothing else is left, what was refused is still to be seen.
        let shown = refused.filter(|refused| live.is_none() && !refused.deleted);
        let shown = shown.and_then(|refused| refused.body.as_ref());
        let shows_refused = shown.is_some();
        let Some(body) = live.map(|document| &document.body).or(shown) else {
            let is_ours = document
                .is_some_and(|it| it.leaves.iter().all(|leaf| it.own_leaves.contains(leaf)));
            if self.visible(id).is_some() || !is_ours {
                self.history.forget(id);
            }
            if self.visible(id).is_none() {
                self.tell(id, None, None);
            }
            self.lose(id);
            return;
        };
        let fields = body.fields();
        if !T::belongs(id, &fields) {
            self.history.forget(id);
            self.lose(id);
            return;
        }
        let Some(value) = read::<T>(&fields) else {
            self.history.forget(id);
            self.lose(id);
            self.unreadable.insert(id.clone());
            return;
        };
        if self.history.knows(id) {
            let after = Body::new(overlaid(&value, body));
            match (self.body(id), after) {
                (Ok(Some(before)), Ok(after)) => {
                    self.history.touch(id, &before.fields(), &after.fields());
                }
                _ => self.history.forget(id),
            }
        }
        let conflicts = live.map_or_else(Vec::new, |document| {
            let conflicts = document.conflicts.iter();
            conflicts.map(|conflict| FieldConflict::new(conflict, document)).collect()
        });
        let state = RowState {
            pending: document.as_ref().is_some_and(|document| document.pending),
            refused: refused.map(|refused| refused.reason.clone()),
            conflicts,
            kept: live.and_then(|document| document.kept),
        };
        self.unreadable.remove(id);
        let body = body.clone();
        let is_disputed = refused.is_some() || !state.conflicts.is_empty();
        let record = is_disputed.then(|| record.clone());
        let leaves = document.map(|document| document.leaves).unwrap_or_default();
        let entry = self.show(id, value);
        entry.leaves = leaves;
        entry.body = body;
        entry.record = record;
        entry.shows_refused = shows_refused;
        entry.state.maybe_update(|known| renew(known, state));
    }

    pub(super) fn show(&mut self, id: &DocumentId, value: T) -> &mut Entry<T> {
        let before = self.get(id);
        if before.as_ref() != Some(&value) {
            self.tell(id, before.as_ref(), Some(&value));
        }
        let entry = self.entries.entry(id.clone()).or_insert_with(|| Entry::new(value.clone()));
        entry.is_visible = true;
        entry.value.maybe_update(|known| renew(known, value));
        entry
    }

    pub(super) fn hide(&mut self, id: &DocumentId) {
        let Some(before) = self.get(id) else { return };
        self.tell(id, Some(&before), None);
        if let Some(entry) = self.entries.get_mut(id) {
            entry.is_visible = false;
        }
    }

    pub(super) fn lose(&mut self, id: &DocumentId) {
        self.hide(id);
        self.entries.remove(id);
        self.unreadable.remove(id);
    }
}

impl<T: Model> Entry<T> {
    fn new(value: T) -> Self {
        Self {
            value: ArcRwSignal::new(value),
            state: ArcRwSignal::new(RowState::default()),
            is_visible: false,
            leaves: Vec::new(),
            body: Body::empty(),
            intent: None,
            record: None,
            shows_refused: false,
            discards: None,
        }
    }
}
