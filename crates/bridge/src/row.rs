//! What a component reads of one document.

use leptos::prelude::*;
use serde_json::Value;
use settee_store::{Document, DocumentId, Kept, OpenConflict};

/// The signals of one document. They belong to the reactive owner that is current when
/// [`Collection::row`](crate::Collection::row) is called.
#[derive(Debug, Clone)]
pub struct Row<T: Send + Sync + 'static> {
    /// The document that the row shows.
    pub id: DocumentId,
    /// The latest value, including edits that are not saved yet. It stays readable after the row is
    /// removed.
    pub value: ReadSignal<T>,
    /// The delivery state, and everything that a user has to decide.
    pub state: ReadSignal<RowState>,
}

/// The delivery state of a document, and its open conflicts. The default value means synced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowState {
    /// The server has not acknowledged everything. It is saved on this device, or about to be.
    pub pending: bool,
    /// The server has refused an edit, for this reason.
    /// [`Collection::retry_refused`](crate::Collection::retry_refused) or
    /// [`Collection::discard_refused`](crate::Collection::discard_refused) clears this.
    pub refused: Option<String>,
    /// Fields that several users have changed to different values. The next edit of the row settles
    /// them with the values that are shown, [`Collection::resolve`](crate::Collection::resolve)
    /// with chosen values.
    pub conflicts: Vec<FieldConflict>,
    /// Several users have written versions that are too much to be merged, so the row shows one of
    /// them alone. The next edit drops the others, and so does [`Collection::keep`](crate::Collection::keep).
    pub shows_one: bool,
    /// The document was deleted and edited concurrently, and was kept. The next edit clears this,
    /// and so does [`Collection::keep`](crate::Collection::keep).
    pub kept: Option<Kept>,
}

impl RowState {
    /// Whether the server has acknowledged everything, and nothing has to be decided.
    pub fn is_synced(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an edit would drop what another user wrote and this row doesn't show.
    pub(crate) fn hides_others(&self) -> bool {
        self.shows_one || self.conflicts.iter().any(FieldConflict::hides_others)
    }
}

/// A field that several users have changed to different values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldConflict {
    /// The name of the field, after the names of the objects around it, the outermost first.
    pub path: Vec<String>,
    /// Two or more values. The row shows the first.
    pub values: Vec<FieldValue>,
}

/// One of the values of a field in conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldValue {
    /// `None` if the field is absent.
    pub value: Option<Value>,
    /// Whether the value was written in this profile.
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

    /// Whether another user's value is not shown.
    fn hides_others(&self) -> bool {
        self.values.iter().skip(1).any(|value| !value.is_own)
    }
}

/// Replaces a signal's value, and returns whether it differs: readers run again only if it does.
pub(crate) fn replace<V: PartialEq>(known: &mut V, new: V) -> bool {
    let is_new = *known != new;
    *known = new;
    is_new
}
