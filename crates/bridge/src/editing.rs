//! Edits that take a while, such as a text field that is open.
//!
//! Such an edit is of what its editor saw when it began. If somebody else has changed the same field
//! meanwhile, the edit becomes a version of its own beside theirs, and both are an open conflict. So
//! it never overwrites what its editor didn't see.
//!
//! ```
//! # use settee_leptos::{Collection, Model};
//! # use settee_store::DocumentId;
//! fn rename<T: Model>(rows: Collection<T>, id: &DocumentId, text: &str, set: fn(&mut T, &str)) {
//!     rows.begin_edit(id);
//!     // … the person types, and others change the row …
//!     rows.save_edit(id, |row| set(row, text));
//! }
//! ```

use leptos::prelude::*;
use settee_store::{Body, DocumentId, Revision, body::BodyError, view::rebase};

use crate::{
    collection::Collection,
    health::CollectionError,
    model::{Model, overlaid},
    row::RowState,
    rows::Rows,
};

/// A row as its editor saw it when the edit began.
pub(crate) struct Base<T> {
    value: T,
    body: Body,
    /// Empty as long as the row itself is not in the store.
    pub leaves: Vec<Revision>,
    /// The row's signals, should it be removed and come back: its component stays meanwhile.
    pub signals: (ArcRwSignal<T>, ArcRwSignal<RowState>),
}

impl<T: Model> Collection<T> {
    /// Somebody begins to edit a row: what [`Collection::save_edit`] saves is based on the row as
    /// it is now. An edit of the row that has begun before is forgotten.
    pub fn begin_edit(self, id: &DocumentId) {
        self.inner.try_update_value(|inner| inner.rows.begin_edit(id));
    }

    /// Saves an edit that has begun, and ends it. `change` gets the row as it was at the beginning.
    ///
    /// Others' changes of other fields stay. If others have changed the same field, there is a
    /// conflict; if they have removed the row, it is [kept](crate::RowState::kept). Without an edit
    /// that has begun, nothing happens.
    pub fn save_edit(self, id: &DocumentId, change: impl FnOnce(&mut T)) {
        self.run_hooks();
        let saved = self.change(|rows| {
            let saved = rows.save_edit(id, change);
            rows.finish_step(None);
            saved
        });
        if let Some(Err(error)) = saved {
            self.report(Some(id.clone()), CollectionError::InvalidEdit(error));
        }
        self.write_soon();
    }

    /// Removes a row that was being edited, and ends the edit. If others have changed the row since
    /// the edit began, it is [kept](crate::RowState::kept) with their changes.
    pub fn remove_edited(self, id: &DocumentId) {
        self.run_hooks();
        self.change(|rows| {
            rows.remove_edited(id);
            rows.finish_step(None);
        });
        self.write_soon();
    }

    /// Ends an edit that has begun, without saving anything.
    pub fn end_edit(self, id: &DocumentId) {
        self.inner.try_update_value(|inner| inner.rows.bases.remove(id));
    }
}

impl<T: Model> Rows<T> {
    fn begin_edit(&mut self, id: &DocumentId) {
        let Some(entry) = self.visible(id) else { return };
        let Ok(Some(body)) = self.body(id) else { return };
        let base = Base {
            value: entry.value.get_untracked(),
            body,
            leaves: entry.leaves.clone(),
            signals: (entry.value.clone(), entry.state.clone()),
        };
        self.bases.insert(id.clone(), base);
    }

    fn save_edit(&mut self, id: &DocumentId, change: impl FnOnce(&mut T)) -> Result<(), BodyError> {
        let saved = self.save_based(id, change);
        self.bases.remove(id);
        saved
    }

    fn save_based(
        &mut self,
        id: &DocumentId,
        change: impl FnOnce(&mut T),
    ) -> Result<(), BodyError> {
        let Some(base) = self.bases.get(id) else { return Ok(()) };
        let (mut value, before, leaves) =
            (base.value.clone(), base.body.clone(), base.leaves.clone());
        change(&mut value);
        let edited = Body::new(overlaid(&value, &before))?;
        if edited == before {
            return Ok(());
        }
        self.record_before(id);
        match self.body(id)? {
            Some(now) if leaves.is_empty() || !is_overtaken(&before, &edited, &now) => {
                self.put_fields(id, Body::new(rebase(&before, &edited, &now))?);
            }
            _ => self.branch(id, edited, leaves),
        }
        Ok(())
    }

    fn remove_edited(&mut self, id: &DocumentId) {
        let Some(Base { body, leaves, .. }) = self.bases.remove(id) else { return };
        if self.visible(id).is_none() {
            return;
        }
        let is_overtaken = !leaves.is_empty() && self.body(id) != Ok(Some(body));
        if is_overtaken {
            self.set_out(id);
        }
        self.remove(id);
        if is_overtaken && let Some(entry) = self.entries.get_mut(id) {
            entry.leaves = leaves;
            entry.is_branch = true;
        }
    }

    /// Puts fields beside those that the row has now, as an edit of these leaves.
    fn branch(&mut self, id: &DocumentId, body: Body, leaves: Vec<Revision>) {
        // An edit that waits is of other leaves.
        self.set_out(id);
        if self.put_fields(id, body)
            && let Some(entry) = self.entries.get_mut(id)
        {
            entry.leaves = leaves;
            entry.is_branch = true;
        }
    }
}

/// Whether a field that the edit changes has got another value since the edit began.
fn is_overtaken(before: &Body, edited: &Body, now: &Body) -> bool {
    let (before, edited, now) = (before.fields(), edited.fields(), now.fields());
    let mut names = before.keys().chain(edited.keys());
    names.any(|name| {
        let (old, new, shown) = (before.get(name), edited.get(name), now.get(name));
        old != new && shown != old && shown != new
    })
}
