//! Decisions of the user about a row: conflicts, kept documents, and refused edits.

use std::sync::Arc;

use leptos::prelude::*;
use serde_json::Value;
use settee_store::{Body, Change, Document, DocumentId, Record, body::BodyError, view::rebase};

use crate::{
    collection::Collection,
    health::CollectionError,
    model::Model,
    row::FieldConflict,
    rows::{Intent, Rows},
};

impl<T: Model> Collection<T> {
    /// Resolves all open conflicts of a row. `choose` is called with each conflict and returns the
    /// new value of the field: one of the [values](FieldConflict::values), or any other; `None`
    /// removes the field. The row changes at once.
    ///
    /// If the model can't read the result, or it is no valid document, nothing changes and
    /// [`Collection::problems`] has a [`CollectionError::UnreadableChoice`] or a
    /// [`CollectionError::InvalidChoice`].
    pub fn resolve(self, id: &DocumentId, choose: impl Fn(&FieldConflict) -> Option<Value>) {
        self.run_hooks();
        let Some(Some(document)) = self.with_rows(|rows| rows.in_conflict(id)) else { return };
        let chosen = document.resolved(|conflict| choose(&FieldConflict::new(conflict, &document)));
        let error = match chosen.map(|edit| edit.change) {
            Ok(Change::Put(body)) => match self.change(|rows| rows.put_fields(id, body)) {
                Some(false) => CollectionError::UnreadableChoice,
                _ => return self.write_soon(),
            },
            Ok(Change::Delete) => return,
            Err(error) => CollectionError::InvalidChoice(error),
        };
        self.report(Some(id.clone()), error);
    }

    /// Confirms what a row shows: that it is [kept](crate::RowState::kept) although it was deleted,
    /// and that it [shows one version alone](crate::RowState::shows_one).
    pub fn keep(self, id: &DocumentId) {
        self.run_hooks();
        self.change(|rows| rows.keep(id));
        self.write_soon();
    }

    /// Applies a refused edit again, to the row as it is now. The row changes at once.
    pub fn retry_refused(self, id: &DocumentId) {
        self.run_hooks();
        if let Some(Err(error)) = self.change(|rows| rows.retry_refused(id)) {
            self.report(Some(id.clone()), CollectionError::InvalidEdit(error));
        }
        self.write_soon();
    }

    /// Discards a refused edit. A row that shows nothing but that edit is removed.
    pub fn discard_refused(self, id: &DocumentId) {
        self.run_hooks();
        self.change(|rows| rows.discard_refused(id));
        self.write_soon();
    }
}

impl<T: Model> Rows<T> {
    /// The document of a row with open conflicts, unless the row was edited since.
    fn in_conflict(&self, id: &DocumentId) -> Option<Document> {
        let entry = self.visible(id)?;
        let is_open = entry.state.with_untracked(|state| !state.conflicts.is_empty());
        entry.record.as_ref().filter(|_| is_open)?.document()
    }

    fn keep(&mut self, id: &DocumentId) {
        let is_open = |state: &crate::RowState| state.kept.is_some() || state.shows_one;
        if self.visible(id).is_some_and(|entry| entry.state.with_untracked(is_open)) {
            self.queue(id, Intent::Put);
        }
    }

    fn refused_record(&self, id: &DocumentId) -> Option<Arc<Record>> {
        let entry = self.visible(id)?;
        let is_refused = entry.state.with_untracked(|state| state.refused.is_some());
        entry.record.clone().filter(|_| is_refused)
    }

    fn retry_refused(&mut self, id: &DocumentId) -> Result<(), BodyError> {
        let Some(record) = self.refused_record(id) else { return Ok(()) };
        let Some(refused) = &record.refused else { return Ok(()) };
        let shows_refused = self.visible(id).is_some_and(|entry| entry.shows_refused);
        if refused.deleted {
            self.remove_unrecorded(id);
        } else if let Some(body) = &refused.body
            && let Some(current) = self.body(id)?
            && !shows_refused
        {
            let fields = rebase(&refused.base(&record), body, &current);
            if !self.put_fields(id, Body::new(fields)?) {
                return Ok(());
            }
        } else {
            self.queue(id, Intent::Put);
        }
        if let Some(entry) = self.entries.get_mut(id) {
            entry.discards = Some(refused.revision);
            entry.state.update(|state| state.refused = None);
        }
        Ok(())
    }

    fn discard_refused(&mut self, id: &DocumentId) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        self.discarded.extend(entry.refused().map(|refused| (id.clone(), refused)));
        entry.state.maybe_update(|state| state.refused.take().is_some());
        if entry.shows_refused && entry.intent.is_none() && !self.in_flight.contains(id) {
            self.drop_entry(id);
        }
    }
}
