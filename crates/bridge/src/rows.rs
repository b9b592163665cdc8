//! The rows of a collection, and the edits of them that the store doesn't have yet.
//!
//! A row shows what the user has made of a document. While such an edit is not in the store,
//! what others change is left to the store, which merges it; the row then takes the outcome.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use leptos::prelude::*;
use serde_json::{Map, Value};
use settee_store::{
    Applied, Body, Change, DocumentId, Edit, OperationError, Record, Revision, body::BodyError,
};

use crate::{
    model::{Model, overlaid, read},
    row::{Row, RowState},
    selection::{Members, Selection},
};

pub(crate) struct Rows<T: Model> {
    entries: HashMap<DocumentId, Entry<T>>,
    selections: Vec<Members<T>>,
    /// Documents with an edit that was not handed to the store, in the order of the edits.
    edited: Vec<DocumentId>,
    /// Documents with an edit that the store is writing.
    in_flight: HashSet<DocumentId>,
}

struct Entry<T: Model> {
    /// The latest value, also of a row that was removed and is not gone from the store.
    value: ArcRwSignal<T>,
    state: ArcRwSignal<RowState>,
    is_visible: bool,
    /// What the next edit is made on.
    base: Base,
    intent: Option<Intent>,
}

/// The document that the user has seen.
#[derive(Default)]
struct Base {
    leaves: Vec<Revision>,
    fields: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Intent {
    Put,
    Remove,
}

/// An edit on its way to the store.
pub(crate) struct Sent {
    pub id: DocumentId,
    fields: Map<String, Value>,
    intent: Intent,
}

impl<T: Model> Rows<T> {
    pub fn new() -> Self {
        Self {
            entries: HashMap::new(),
            selections: Vec::new(),
            edited: Vec::new(),
            in_flight: HashSet::new(),
        }
    }

    pub fn row(&self, id: &DocumentId) -> Option<Row<T>> {
        let entry = self.entries.get(id).filter(|entry| entry.is_visible)?;
        Some(Row {
            id: id.clone(),
            value: entry.value.read_only().into(),
            state: entry.state.read_only().into(),
        })
    }

    pub fn get(&self, id: &DocumentId) -> Option<T> {
        let entry = self.entries.get(id).filter(|entry| entry.is_visible)?;
        Some(entry.value.get_untracked())
    }

    pub fn select(&mut self, keep: fn(&T) -> bool) -> Selection {
        let (mut members, selection) = Members::new(keep);
        for (id, entry) in self.entries.iter().filter(|(_, entry)| entry.is_visible) {
            entry.value.with_untracked(|value| members.put(id, None, Some(value)));
        }
        members.publish();
        self.selections.push(members);
        selection
    }

    /// The user inserts a row, or changes one.
    pub fn put(&mut self, id: &DocumentId, value: T) {
        self.show(id, value);
        self.intend(id, Intent::Put);
    }

    /// The user removes a row.
    pub fn remove(&mut self, id: &DocumentId) {
        self.hide(id);
        self.intend(id, Intent::Remove);
    }

    fn intend(&mut self, id: &DocumentId, intent: Intent) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        if entry.intent.replace(intent).is_none() {
            self.edited.push(id.clone());
        }
        entry.state.maybe_update(|state| !std::mem::replace(&mut state.pending, true));
    }

    /// The edits to hand to the store now, and those that can't be: too large to be a document.
    pub fn take_edits(&mut self) -> (Vec<Edit>, Vec<Sent>, Vec<(DocumentId, BodyError)>) {
        let (mut edits, mut sent, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for id in std::mem::take(&mut self.edited) {
            let Some(entry) = self.entries.get_mut(&id) else { continue };
            let Some(intent) = entry.intent.take() else { continue };
            let (change, fields) = match intent {
                Intent::Remove if entry.base.leaves.is_empty() => {
                    // The store never had it.
                    self.entries.remove(&id);
                    continue;
                }
                Intent::Remove => (Change::Delete, Map::new()),
                Intent::Put => {
                    let fields =
                        entry.value.with_untracked(|value| overlaid(value, &entry.base.fields));
                    match Body::new(fields.clone()) {
                        Ok(body) => (Change::Put(body), fields),
                        Err(error) => {
                            refused.push((id.clone(), error));
                            if entry.base.leaves.is_empty() {
                                self.hide(&id);
                                self.entries.remove(&id);
                            }
                            continue;
                        }
                    }
                }
            };
            let seen = entry.base.leaves.clone();
            self.in_flight.insert(id.clone());
            edits.push(Edit { id: id.clone(), seen, change });
            sent.push(Sent { id, fields, intent });
        }
        (edits, sent, refused)
    }

    /// The store has written an edit, or says why not.
    pub fn settle(&mut self, sent: Sent, outcome: &Result<Applied, OperationError>) {
        self.in_flight.remove(&sent.id);
        let Some(entry) = self.entries.get_mut(&sent.id) else { return };
        if let Ok(Applied { revision: Some(revision), .. }) = outcome
            && entry.intent.is_some()
        {
            // The user went on editing: that was made on this, and on nothing that came meanwhile.
            let leaves = vec![*revision];
            entry.base = Base { leaves, fields: sent.fields };
        }
    }

    /// The store could not write: the edits wait for the next attempt, behind nothing newer.
    pub fn take_back(&mut self, sent: Vec<Sent>) {
        let mut first = Vec::new();
        for Sent { id, intent, .. } in sent {
            self.in_flight.remove(&id);
            if let Some(entry) = self.entries.get_mut(&id)
                && entry.intent.is_none()
            {
                entry.intent = Some(intent);
                first.push(id);
            }
        }
        self.edited.splice(0..0, first);
    }

    /// Takes what the store has. Documents with edits under way wait until these are settled.
    /// Tells how many could not be read as this model.
    pub fn absorb(&mut self, records: &[Arc<Record>]) -> usize {
        let mut unreadable = 0;
        for record in records.iter().filter(|record| record.id.as_str().starts_with(T::PREFIX)) {
            let id = &record.id;
            let is_edited = self.entries.get(id).is_some_and(|entry| entry.intent.is_some());
            if is_edited || self.in_flight.contains(id) {
                continue;
            }
            if !self.take(record) {
                unreadable += 1;
            }
        }
        unreadable
    }

    fn take(&mut self, record: &Record) -> bool {
        let id = &record.id;
        let document = record.document();
        let refused = record.refused.as_ref();
        let (leaves, body) = match &document {
            Some(document) if !document.deleted => (document.leaves.clone(), Some(&document.body)),
            // What was refused before it ever was accepted is still to be seen.
            None => (Vec::new(), refused.and_then(|refused| refused.body.as_ref())),
            Some(_) => (Vec::new(), None),
        };
        let Some(body) = body else {
            self.hide(id);
            self.entries.remove(id);
            return true;
        };
        let fields = body.fields();
        let Some(value) = read::<T>(&fields) else {
            self.hide(id);
            self.entries.remove(id);
            return false;
        };
        let state = RowState {
            pending: document.as_ref().is_some_and(|document| document.pending),
            refused: refused.map(|refused| refused.reason.clone()),
            conflicts: document.map_or(0, |document| document.conflicts.len()),
        };
        let entry = self.show(id, value);
        entry.base = Base { leaves, fields };
        entry.state.maybe_update(|known| {
            let is_new = *known != state;
            *known = state;
            is_new
        });
        true
    }

    fn show(&mut self, id: &DocumentId, value: T) -> &mut Entry<T> {
        let before = self.get(id);
        if before.as_ref() != Some(&value) {
            for selection in &mut self.selections {
                selection.put(id, before.as_ref(), Some(&value));
            }
        }
        let entry = self.entries.entry(id.clone()).or_insert_with(|| Entry {
            value: ArcRwSignal::new(value.clone()),
            state: ArcRwSignal::new(RowState::default()),
            is_visible: false,
            base: Base::default(),
            intent: None,
        });
        entry.is_visible = true;
        entry.value.maybe_update(|known| {
            let is_new = *known != value;
            *known = value;
            is_new
        });
        entry
    }

    fn hide(&mut self, id: &DocumentId) {
        let Some(before) = self.get(id) else { return };
        for selection in &mut self.selections {
            selection.put(id, Some(&before), None);
        }
        if let Some(entry) = self.entries.get_mut(id) {
            entry.is_visible = false;
        }
    }

    pub fn publish(&mut self) {
        for selection in &mut self.selections {
            selection.publish();
        }
    }
}
