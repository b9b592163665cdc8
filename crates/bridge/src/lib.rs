//! Ties a Settee store to reactive state in Leptos.
//!
//! A [`Collection`] is a typed view of a database's documents. Changing it is synchronous: the
//! screen changes at once, the store follows in order, and what goes wrong comes back as state.
//! There is one signal for each row, so that changing one of ten thousand renders one.
//!
//! The bridge knows nothing of sync. What a row says of its delivery comes from the store.
//!
//! # Layout
//!
//! - [`model`]: what a type has to be, to be kept in a collection.
//! - [`collection`]: the collection, and its two directions: edits out, changes in.
//! - [`row`], [`selection`]: what components read.
//! - `rows`: the rows of a collection with their edits, as plain data.

pub mod collection;
pub mod model;
pub mod row;
mod rows;
pub mod selection;

pub use collection::{Batch, Collection, Problem};
pub use model::Model;
pub use row::{Row, RowState};
pub use selection::Selection;
