//! What a component reads of one document.

use leptos::prelude::*;
use serde_json::Value;
use settee_store::{Document, DocumentId, Kept, OpenConflict};

/// One document's signals. They belong to the owner in whose scope the row was asked for.
#[derive(Debug, Clone)]
pub struct Row<T: Send + Sync + 'static> {
    /// The document that the row shows.
    pub id: DocumentId,
    /// The latest value, own edits included that are not saved yet. It stays when the row goes.
    pub value: Signal<T>,
    /// What waits, what was refused, and what is to be decided.
    pub state: Signal<RowState>,
}

/// How a document stands with the server, and with what others have made of it. A row that is
/// nothing of all this is synced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowState {
    /// The server has not acknowledged everything. On this device it is saved, or about to be.
    pub pending: bool,
    /// The server has refused an edit, for this reason.
    /// [`Collection::retry_refused`](crate::Collection::retry_refused) or
    /// [`Collection::discard_refused`](crate::Collection::discard_refused) ends this.
    pub refused: Option<String>,
    /// Fields that several people have changed differently. The next edit of the row settles
    /// them as they are shown, [`Collection::resolve`](crate::Collection::resolve) as one likes.
    pub conflicts: Vec<FieldConflict>,
    /// Somebody has deleted the document while somebody else edited it, so it was kept. The next
    /// edit settles that, and so does [`Collection::keep`](crate::Collection::keep).
    pub kept: Option<Kept>,
}

impl RowState {
    /// Everything is with the server, and nothing is to be decided.
    pub fn is_synced(&self) -> bool {
        *self == Self::default()
    }
}

/// A field that several people have changed differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldConflict {
    /// The names of the objects that hold the field, the outermost first, and its own.
    pub path: Vec<String>,
    /// Two or more; the row shows the first.
    pub values: Vec<FieldValue>,
}

/// What some people say a field is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldValue {
    /// `None` where the field is absent.
    pub value: Option<Value>,
    /// Whether somebody in this profile says so.
    pub is_own: bool,
}

impl FieldConflict {
    pub(crate) fn new(conflict: &OpenConflict, document: &Document) -> Self {
        let values = conflict.values.iter().map(|value| FieldValue {
            value: value.value.clone(),
            is_own: value.leaves.iter().any(|leaf| document.own_leaves.contains(leaf)),
        });
        Self { path: conflict.path.clone(), values: values.collect() }
    }

    /// Whether showing the first value leaves out what somebody else says.
    pub(crate) fn hides_others(&self) -> bool {
        self.values.iter().skip(1).any(|value| !value.is_own)
    }
}

/// Puts something new in a signal's place, and says whether it is: those who read a signal run again
/// only then.
pub(crate) fn renew<V: PartialEq>(known: &mut V, new: V) -> bool {
    let is_new = *known != new;
    *known = new;
    is_new
}
