//! Ties a Settee store to reactive state in Leptos.
//!
//! A [`Collection`] is a typed view of a database's documents. Changing it is synchronous: the
//! screen changes at once, the store follows in order, and what goes wrong comes back as state.
//! There is one signal for each row, so that changing one of ten thousand renders one.
//!
//! The bridge knows nothing of sync. What a row says of its delivery comes from the store.
//!
//! # A short tour
//!
//! A type says which documents are its own, and how its rows are sorted. A component asks for the
//! ids of the rows, and each row for its own signals:
//!
//! ```
//! use leptos::prelude::*;
//! use serde::{Deserialize, Serialize};
//! use settee_leptos::{Collection, Model};
//! use settee_store::{Database, DocumentId};
//!
//! #[derive(Clone, PartialEq, Serialize, Deserialize)]
//! struct Note {
//!     text: String,
//!     done: bool,
//! }
//!
//! impl Model for Note {
//!     const PREFIX: &'static str = "note/";
//!     type Order = String;
//!
//!     fn order(&self) -> String {
//!         self.text.clone()
//!     }
//! }
//!
//! #[component]
//! fn Notes(database: Database) -> impl IntoView {
//!     let notes = Collection::<Note>::new();
//!     let open = notes.select(|note| !note.done);
//!     // Rendered where there is no database, the list is empty and not ready.
//!     Effect::new(move || notes.attach(database.clone()));
//!     view! {
//!         <p>{move || open.len().get()} " to do"</p>
//!         <For
//!             each=move || open.ids().get()
//!             key=Clone::clone
//!             children=move |id| notes.row(&id).map(|row| view! { <Line id row notes /> })
//!         />
//!     }
//! }
//!
//! #[component]
//! fn Line(
//!     id: DocumentId,
//!     row: settee_leptos::Row<Note>,
//!     notes: Collection<Note>,
//! ) -> impl IntoView {
//!     view! {
//!         <button
//!             class:pending=move || row.state.with(|state| state.pending)
//!             on:click=move |_| notes.update(&id, |note| note.done = true)
//!         >
//!             {move || row.value.with(|note| note.text.clone())}
//!         </button>
//!     }
//! }
//! ```
//!
//! What wants a decision is in [`RowState`]: [`Collection::resolve`], [`Collection::keep`],
//! [`Collection::retry_refused`] and [`Collection::discard_refused`] make it. What concerns the
//! whole is in [`Collection::health`], [`Collection::problems`] and [`Collection::unreadable`].
//!
//! ```
//! # use settee_leptos::{Collection, Model};
//! # use settee_store::DocumentId;
//! /// For each field in conflict takes what was written here.
//! fn take_mine<T: Model>(rows: Collection<T>, id: &DocumentId) {
//!     rows.resolve(id, |conflict| {
//!         let mine = conflict.values.iter().find(|value| value.is_own);
//!         mine.unwrap_or(&conflict.values[0]).value.clone()
//!     });
//! }
//! ```
//!
//! [`undo`] tells what can be undone and what can't, and [`mod@retrofit`] puts a database behind a
//! list of signals that an app has already.
//!
//! # Layout
//!
//! - [`model`]: what a type has to be, to be kept in a collection.
//! - [`collection`]: the collection, and what is done to its rows.
//! - [`attachment`]: its two directions: edits out, changes in. [`health`]: what goes wrong there.
//! - [`row`], [`selection`]: what components read.
//! - [`settling`]: conflicts and refusals. [`undo`]: undo and redo. [`mod@retrofit`].
//! - `rows`, `outbox`, `history`: the rows of a collection, their edits on the way to the store,
//!   and the steps that can be undone, as plain data.

#![warn(missing_docs)]

pub mod attachment;
pub mod collection;
pub mod health;
mod history;
pub mod model;
mod outbox;
pub mod position;
pub mod retrofit;
pub mod row;
mod rows;
pub mod selection;
pub mod settling;
pub mod undo;

pub use collection::{Batch, Collection};
pub use health::{Health, Problem};
pub use model::Model;
pub use retrofit::retrofit;
pub use row::{FieldConflict, FieldValue, Row, RowState};
pub use selection::Selection;
