//! The errors of a collection, as state.

use settee_store::{
    BackendError, DocumentId, OperationError, body::BodyError, document_id::IdError,
};
use thiserror::Error;

/// Maximum number of problems that a collection keeps. The oldest are dropped first.
const PROBLEM_LIMIT: usize = 20;

/// An error, and the document that it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The document concerned. Its problems are removed when a later edit of it is saved. `None` if
    /// the error concerns the whole collection.
    pub id: Option<DocumentId>,
    /// What failed, and why.
    pub error: CollectionError,
}

/// What a collection could not do. An app chooses the words for it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CollectionError {
    /// The database can't be read any more, and so isn't followed.
    #[error("the database can't be read: {0}")]
    Read(#[source] BackendError),
    /// The database could not write a commit.
    #[error("changes can't be written: {0}")]
    Write(#[source] BackendError),
    /// The database has rejected an edit of one document.
    #[error("an edit was rejected: {0}")]
    Edit(#[source] OperationError),
    /// An edited row is not a valid document.
    #[error("an edit makes no valid document: {0}")]
    InvalidEdit(#[source] BodyError),
    /// The model can't read a value that was passed to
    /// [`Collection::resolve`](crate::Collection::resolve).
    #[error("the model can't read the chosen value")]
    UnreadableChoice,
    /// The values that were passed to [`Collection::resolve`](crate::Collection::resolve) make no
    /// valid document.
    #[error("the chosen values make no valid document: {0}")]
    InvalidChoice(#[source] BodyError),
    /// The key of an item makes no valid document id: see [`mod@crate::retrofit`].
    #[error("the key of an item makes no document id: {0}")]
    InvalidKey(#[source] IdError),
    /// Several items have the key of this document, and only the first of them is saved: see
    /// [`mod@crate::retrofit`].
    #[error("several items have the key of “{0}”")]
    DuplicateKey(DocumentId),
}

/// Whether the rows of a collection and its database agree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Health {
    /// Everything that the rows show is in the database, or is being written to it.
    #[default]
    Healthy,
    /// The rows show changes that could not be saved, because of a [`CollectionError::Write`].
    /// Every later change tries to save them as well, and so does
    /// [`Collection::retry`](crate::Collection::retry).
    Unsaved(CollectionError),
    /// The database doesn't answer any more: rows may be outdated, and changes are not saved.
    /// [`Collection::attach`](crate::Collection::attach) with this or another database ends this
    /// state.
    Closed(CollectionError),
}

impl Health {
    pub(crate) fn after_write(error: BackendError) -> Self {
        let is_closed = error == BackendError::Closed;
        let error = CollectionError::Write(error);
        if is_closed { Self::Closed(error) } else { Self::Unsaved(error) }
    }

    pub(crate) fn after_read(error: BackendError) -> Self {
        Self::Closed(CollectionError::Read(error))
    }

    /// The error, unless the collection is healthy.
    pub fn error(&self) -> Option<&CollectionError> {
        match self {
            Self::Healthy => None,
            Self::Unsaved(error) | Self::Closed(error) => Some(error),
        }
    }
}

pub(crate) fn add_problem(problems: &mut Vec<Problem>, problem: Problem) {
    problems.retain(|known| *known != problem);
    problems.push(problem);
    let surplus = problems.len().saturating_sub(PROBLEM_LIMIT);
    problems.drain(..surplus);
}
