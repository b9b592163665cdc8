//! Notification of changes to rows.

use settee_store::DocumentId;

use crate::model::Model;

/// Is notified of every change to a row.
pub(crate) trait Observer<T: Model> {
    /// A row has changed: `before` is `None` for a new row, `after` for a removed one. Both are
    /// `None` if a document was deleted that had no row.
    fn put(&mut self, id: &DocumentId, before: Option<&T>, after: Option<&T>);
    /// The changes of one batch are complete. `is_loaded` says whether the documents of the
    /// database have been loaded.
    fn publish(&mut self, is_loaded: bool);
    /// Whether nobody reads the results any more, so that the observer can be dropped.
    fn is_disposed(&self) -> bool;
}
