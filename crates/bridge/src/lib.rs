//! Ties a Settee store to reactive state in Leptos.
pub mod attachment;
pub mod collection;
pub mod health;
mod history;
pub mod model;
mod outbox;
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
