//! Undo and redo, for the user of this collection alone.
//!
//! Each batch is a step, and so is each single insert, update and removal. Undoing a step reverts,
//! field by field, what it has changed and nobody has changed since: what others do is never
//! undone. All of it works offline, and an undone step travels as the edit that it is.
//!
//! - A field is reverted where it still has the value that the step gave it. While it is in open
//!   conflict it is left alone; and so is the whole row while that would settle somebody else's
//!   edit as overruled.
//! - An inserted row is removed, unless somebody else has changed it.
//! - A removed row comes back under its id, with the fields that the model doesn't know, unless
//!   somebody else has removed it too.
//! - A row that somebody else has removed stays away.
//!
//! What is decided about conflicts and refused edits is no step. Steps are kept in memory, the
//! latest [`STEP_LIMIT`] of them.
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

use leptos::prelude::*;

pub use crate::history::STEP_LIMIT;
use crate::{
    collection::Collection,
    history::{Direction, Prospect},
    model::Model,
};

impl<T: Model> Collection<T> {
    /// Undoes the last step that was not undone. Tells whether anything has changed: others may
    /// have gone on from all of it.
    pub fn undo(self) -> bool {
        self.travel(Direction::Undo)
    }

    /// Does again what was undone last, under the same rules. A new edit ends this.
    pub fn redo(self) -> bool {
        self.travel(Direction::Redo)
    }

    /// Whether there is a step to undo.
    pub fn can_undo(self) -> Signal<bool> {
        self.prospect(|prospect| prospect.can_undo)
    }

    /// Whether there is a step to do again.
    pub fn can_redo(self) -> Signal<bool> {
        self.prospect(|prospect| prospect.can_redo)
    }

    /// The name that the step to undo was given by [`Collection::batch_named`].
    pub fn undo_label(self) -> Signal<Option<String>> {
        self.prospect(|prospect| prospect.undo_label.clone())
    }

    /// The name of the step to do again, if it was given one.
    pub fn redo_label(self) -> Signal<Option<String>> {
        self.prospect(|prospect| prospect.redo_label.clone())
    }

    fn travel(self, direction: Direction) -> bool {
        self.run_hooks();
        let is_changed = self.change(|rows| rows.travel(direction)).unwrap_or_default();
        self.write_soon();
        is_changed
    }

    fn prospect<R>(self, part: fn(&Prospect) -> R) -> Signal<R>
    where
        R: PartialEq + Send + Sync + 'static,
    {
        Memo::new(move |_| self.prospect.with(part)).into()
    }
}
