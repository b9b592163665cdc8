//! What a life ends with if an invariant doesn't hold.

use thiserror::Error;

/// An invariant that doesn't hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Violation(pub String);

pub fn violation<T>(what: String) -> Result<T, Violation> {
    Err(Violation(what))
}
