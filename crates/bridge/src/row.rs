//! What a component reads of one document.

use leptos::prelude::*;
use settee_store::DocumentId;

/// One document's signals. They belong to the owner in whose scope the row was asked for.
#[derive(Debug, Clone)]
pub struct Row<T: Send + Sync + 'static> {
    pub id: DocumentId,
    pub value: Signal<T>,
    pub state: Signal<RowState>,
}

/// How a document stands with the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowState {
    /// The server has not acknowledged everything. On this device it is saved, or about to be.
    pub pending: bool,
    /// The server has refused an edit, for this reason.
    pub refused: Option<String>,
    /// Fields that several people have changed differently.
    pub conflicts: usize,
}
