//! Undo and redo of the edits that were made through one collection.
//!
//! Each batch is a step, and so is each insert, update and removal outside a batch. Undoing a step
//! reverts its changes field by field, except those that somebody has changed since: other users'
//! changes are never undone. Undo works offline. It makes ordinary edits, which sync as such.
//!
//! - A field is reverted if it still has the value that the step gave it and is not in conflict.
//!   The whole row is left alone while an edit would discard another user's value in a conflict.
//! - An inserted row is removed, unless somebody else has changed it.
//! - A removed row is inserted again under its id, including the fields that the model doesn't
//!   know, unless somebody else has removed it too.
//! - A row that somebody else has removed stays removed.
//!
//! Resolving a conflict, and retrying or discarding a refused edit, are not steps. Steps are kept
//! in memory only, up to [`STEP_LIMIT`].
//!
//! ```
//! # use leptos::prelude::*;
//! use settee_leptos::Collection;
//! # use settee_leptos::Model;
//!
//! fn undo_button<T: Model>(rows: Collection<T>) -> impl IntoView {
//!     let label = move || match rows.undo_label().get() {
//!         Some(label) => format!("Undo: {label}"),
//!         None => "Undo".to_owned(),
//!     };
//!     let can_undo = rows.can_undo();
//!     view! {
//!         <button disabled=move || !can_undo.get() on:click=move |_| drop(rows.undo())>
//!             {label}
//!         </button>
//!     }
//! }
//! ```

use std::collections::HashMap;

use leptos::prelude::*;
use settee_store::{Body, DocumentId};

pub use crate::history::STEP_LIMIT;
use crate::{
    collection::Collection,
    history::{Delta, Direction, FieldChanges, Step, UndoState},
    model::Model,
    rows::Rows,
};

impl<T: Model> Collection<T> {
    /// Undoes the latest step. Returns whether anything has changed: others may have changed
    /// everything that the step did.
    pub fn undo(self) -> bool {
        self.apply_step(Direction::Undo)
    }

    /// Redoes the step that was undone last, under the same rules. A new edit clears the steps to
    /// redo.
    pub fn redo(self) -> bool {
        self.apply_step(Direction::Redo)
    }

    /// Whether there is a step to undo.
    pub fn can_undo(self) -> Memo<bool> {
        self.undo_signal(|state| state.can_undo)
    }

    /// Whether there is a step to redo.
    pub fn can_redo(self) -> Memo<bool> {
        self.undo_signal(|state| state.can_redo)
    }

    /// The label of the step to undo, if [`Collection::batch_named`] gave it one.
    pub fn undo_label(self) -> Memo<Option<String>> {
        self.undo_signal(|state| state.undo_label.clone())
    }

    /// The label of the step to redo, if [`Collection::batch_named`] gave it one.
    pub fn redo_label(self) -> Memo<Option<String>> {
        self.undo_signal(|state| state.redo_label.clone())
    }

    fn apply_step(self, direction: Direction) -> bool {
        self.run_hooks();
        let is_changed = self.change(|rows| rows.apply_step(direction)).unwrap_or_default();
        self.write_soon();
        is_changed
    }

    fn undo_signal<R>(self, part: fn(&UndoState) -> R) -> Memo<R>
    where
        R: PartialEq + Send + Sync + 'static,
    {
        Memo::new(move |_| self.undo_state.with(part))
    }
}

impl<T: Model> Rows<T> {
    /// Undoes or redoes the next step. Returns whether anything has changed.
    fn apply_step(&mut self, direction: Direction) -> bool {
        let Some(Step { label, changes }) = self.history.pop(direction) else { return false };
        let applied: HashMap<DocumentId, Delta> = changes
            .into_iter()
            .filter_map(|(id, delta)| {
                let applied = self.apply_delta(&id, delta, direction)?;
                Some((id, applied))
            })
            .collect();
        let is_changed = !applied.is_empty();
        if is_changed {
            self.history.push_applied(direction, Step { label, changes: applied });
        }
        is_changed
    }

    /// Undoes or redoes the change to one row. Returns the part of it that was applied.
    fn apply_delta(&mut self, id: &DocumentId, delta: Delta, to: Direction) -> Option<Delta> {
        match delta {
            Delta::Whole { body, is_inserted } if is_inserted == (to == Direction::Redo) => {
                let is_applied = self.visible(id).is_none() && self.put_fields(id, body.clone());
                is_applied.then_some(Delta::Whole { body, is_inserted })
            }
            Delta::Whole { body, is_inserted } => {
                let has_others = self
                    .visible(id)?
                    .state
                    .with_untracked(|state| state.shows_one || !state.conflicts.is_empty());
                if has_others || self.body(id) != Ok(Some(body.clone())) {
                    return None;
                }
                self.remove_unrecorded(id);
                Some(Delta::Whole { body, is_inserted })
            }
            Delta::Fields(changes) => self.apply_fields(id, changes, to).map(Delta::Fields),
        }
    }

    fn apply_fields(
        &mut self,
        id: &DocumentId,
        changes: FieldChanges,
        to: Direction,
    ) -> Option<FieldChanges> {
        let state = self.visible(id)?.state.get_untracked();
        // An edit settles all conflicts of its document with the values that are shown.
        if state.hides_others() {
            return None;
        }
        let conflicts = state.conflicts;
        let mut fields = self.body(id).ok()??.fields();
        let mut applied = Vec::new();
        for (name, (before, after)) in changes {
            let (from, wanted) = match to {
                Direction::Undo => (&after, &before),
                Direction::Redo => (&before, &after),
            };
            let is_in_conflict =
                conflicts.iter().any(|conflict| conflict.path.first() == Some(&name));
            if is_in_conflict || fields.get(&name) != from.as_ref() {
                continue;
            }
            match wanted {
                Some(value) => drop(fields.insert(name.clone(), value.clone())),
                None => drop(fields.remove(&name)),
            }
            applied.push((name, (before, after)));
        }
        let is_applied = !applied.is_empty() && self.put_fields(id, Body::new(fields).ok()?);
        is_applied.then_some(applied)
    }
}
