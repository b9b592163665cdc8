//! What goes wrong, as state.

use settee_store::{BackendError, DocumentId};

/// Most problems that are remembered; the oldest are forgotten first.
const PROBLEM_LIMIT: usize = 20;

/// Something that was not saved, or can't be read, and why. One that concerns a document goes away
/// when a later edit of the document is saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The document concerned, or all.
    pub id: Option<DocumentId>,
    /// A sentence for people.
    pub text: String,
}

/// Whether a collection and its database are of one mind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Health {
    /// What is shown is in the database, or is being written to it.
    #[default]
    Healthy,
    /// Changes are shown that are not in the database. Every later change tries to save them
    /// too, and so does [`Collection::retry`](crate::Collection::retry).
    Unsaved {
        /// A sentence for people.
        text: String,
    },
    /// The database doesn't answer any more: what is shown may be old, and changes are not
    /// saved. [`Collection::attach`](crate::Collection::attach) takes it, or another, anew.
    Closed {
        /// A sentence for people.
        text: String,
    },
}

impl Health {
    pub(crate) fn of_write(error: &BackendError) -> Self {
        let text = format!("Changes are not saved on this device: {error}.");
        match error {
            BackendError::Closed => Self::Closed { text },
            _ => Self::Unsaved { text },
        }
    }

    pub(crate) fn of_read(error: &BackendError) -> Self {
        Self::Closed { text: format!("The list can't be read any more: {error}.") }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Healthy => None,
            Self::Unsaved { text } | Self::Closed { text } => Some(text),
        }
    }
}

pub(crate) fn add_problem(problems: &mut Vec<Problem>, problem: Problem) {
    problems.retain(|known| *known != problem);
    problems.push(problem);
    let surplus = problems.len().saturating_sub(PROBLEM_LIMIT);
    problems.drain(..surplus);
}
