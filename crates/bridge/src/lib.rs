//! Typed, reactive collections over a Settee store, for Leptos.
//!
//! A [`Collection`] is a typed view of the documents of a database. Changes are synchronous: the
//! screen changes at once, the edits are then written to the store in order, and errors are state
//! that components can show. Each row has a signal of its own, so that a change to one of ten
//! thousand rows renders one row.
//!
//! The bridge doesn't depend on sync. The delivery state of a row comes from the store.
//!
//! # A short tour
//!
//! A type implements [`Model`], which says which documents belong to it and how rows are sorted. A
//! component reads the ids of the rows, and the signals of each row:
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
//!     // On the server, effects don't run: the collection stays empty and not ready.
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
//! A [`RowState`] says what the user has to decide about a row. [`Collection::resolve`],
//! [`Collection::keep`], [`Collection::retry_refused`] and [`Collection::discard_refused`] carry
//! out the decision. The state of the whole collection is in [`Collection::health`],
//! [`Collection::problems`] and [`Collection::unreadable`].
//!
//! ```
//! # use settee_leptos::{Collection, Model};
//! # use settee_store::DocumentId;
//! /// Resolves each field in conflict with the value that was written in this profile.
//! fn take_mine<T: Model>(rows: Collection<T>, id: &DocumentId) {
//!     rows.resolve(id, |conflict| {
//!         let mine = conflict.values.iter().find(|value| value.is_own);
//!         mine.unwrap_or(&conflict.values[0]).value.clone()
//!     });
//! }
//! ```
//!
//! Errors are values, such as [`CollectionError`]. An app chooses the words for them.
//!
//! # Layout
//!
//! - [`model`]: the trait of types that a collection holds.
//! - [`collection`]: the collection, and edits of its rows.
//! - [`editing`]: edits that take a while, such as an open text field.
//! - [`attachment`]: the connection to the database. [`health`]: its errors.
//! - [`row`], [`selection`]: what components read.
//! - [`settling`]: conflicts, kept documents, and refused edits. [`undo`]: undo and redo.
//! - [`following`]: reacting to anything that is watched, such as how a database is.
//! - [`position`]: texts that keep rows in an order that users choose.
//! - [`mod@retrofit`]: a database for items that an app already keeps in a signal.
//! - `rows`: the rows of a collection. `observer`: notification of their changes.
//! - `outbox`: edits on their way to the store. `history`: the steps that can be undone.

#![warn(missing_docs)]

pub mod attachment;
pub mod collection;
pub mod editing;
pub mod following;
pub mod health;
mod history;
pub mod model;
mod observer;
mod outbox;
pub mod position;
pub mod retrofit;
pub mod row;
mod rows;
pub mod selection;
pub mod settling;
pub mod undo;

pub use collection::{Batch, Collection};
pub use following::{follow, follow_each};
pub use health::{CollectionError, Health, Problem};
pub use model::Model;
pub use retrofit::retrofit;
pub use row::{FieldConflict, FieldValue, Row, RowState};
pub use selection::Selection;
