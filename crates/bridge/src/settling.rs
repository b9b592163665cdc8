//! What the user decides about a row: conflicts, what was kept, and what was refused.

use std::sync::Arc;

use leptos::prelude::*;
use serde_json::Value;
use settee_store::{Body, Change, Document, DocumentId, Record, body::BodyError, view::rebase};

use crate::{
    collection::Collection,
    model::Model,
    row::FieldConflict,
    rows::{Intent, Rows},
};

impl<T: Model> Collection<T> {
    /// Settles all open conflicts of a row at once. `choose` is given each and says what the field
    /// is to be from now on: one of the [values](FieldConflict::values), or anything else; `None`
    /// removes the field. The row shows it at once.
    ///
    /// What the model can't read, or no document can hold, changes nothing and is a
    /// [problem](Self::problems).
    pub fn resolve(self, id: &DocumentId, choose: impl Fn(&FieldConflict) -> Option<Value>) {
        self.run_hooks();
        let Some(Some(document)) = self.with_rows(|rows| rows.disputed(id)) else { return };
        let chosen = document.resolved(|conflict| choose(&FieldConflict::new(conflict, &document)));
        let text = match chosen.map(|edit| edit.change) {
            Ok(Change::Put(body)) => match self.change(|rows| rows.put_fields(id, body)) {
                Some(false) => {
                    "A choice was not saved: this field has to be something else.".to_owned()
                }
                _ => return self.write_soon(),
            },
            Ok(Change::Delete) => return,
            Err(error) => format!("A choice was not saved: {error}."),
        };
        self.report(Some(id.clone()), text);
    }

    /// Settles that a row which somebody has deleted is [kept](crate::RowState::kept).
    pub fn keep(self, id: &DocumentId) {
        self.run_hooks();
        self.change(|rows| rows.keep(id));
        self.write_soon();
    }

    /// Makes an edit that the server has refused again, on the row as it is now. The row shows
    /// it at once.
    pub fn retry_refused(self, id: &DocumentId) {
        self.run_hooks();
        if let Some(Err(error)) = self.change(|rows| rows.retry_refused(id)) {
            self.report(Some(id.clone()), format!("A change was not saved: {error}."));
        }
        self.write_soon();
    }

    /// Gives up an edit that the server has refused. A row of which there is nothing else goes.
    pub fn discard_refused(self, id: &DocumentId) {
        self.run_hooks();
        self.change(|rows| rows.discard_refused(id));
        self.write_soon();
    }
}

impl<T: Model> Rows<T> {
    /// The document of a row with open conflicts, to which nothing was done since.
    fn disputed(&self, id: &DocumentId) -> Option<Document> {
        let entry = self.visible(id)?;
        let is_open = entry.state.with_untracked(|state| !state.conflicts.is_empty());
        entry.record.as_ref().filter(|_| is_open)?.document()
    }

    fn keep(&mut self, id: &DocumentId) {
        let is_kept = |state: &crate::RowState| state.kept.is_some();
        if self.visible(id).is_some_and(|entry| entry.state.with_untracked(is_kept)) {
            self.intend(id, Intent::Put);
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
            self.take_away(id);
        } else if let Some(body) = &refused.body
            && let Some(current) = self.body(id)?
            && !shows_refused
        {
            let fields = rebase(&refused.base(&record), body, &current);
            if !self.put_fields(id, Body::new(fields)?) {
                return Ok(());
            }
        } else {
            self.intend(id, Intent::Put);
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
            self.lose(id);
        }
    }
}
