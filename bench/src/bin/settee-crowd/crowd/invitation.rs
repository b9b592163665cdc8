//! Which list, and what opens it.

use settee::keys::{DatabaseId, Token};
use settee_todo::document::LINKS;

/// A link that opens a list.
#[derive(Debug, PartialEq, Eq)]
pub struct Invitation {
    pub list: DatabaseId,
    pub token: Token,
}

impl Invitation {
    /// Reads an address as a browser has it, with its secret.
    pub fn read(text: &str) -> Option<Self> {
        LINKS.read_link(text).map(|(list, token)| Self { list, token })
    }
}
