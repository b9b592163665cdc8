//! Ids that prove their owner.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::BASE32;

/// A database's id: 26 characters of Crockford's base 32, which follow from its owner's token. It is
/// no secret, and serves as the database's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatabaseId(String);

/// The text is no database's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a database's id is 26 characters of base 32")]
pub struct DatabaseIdError;

impl DatabaseId {
    pub(crate) fn from_hash(hash: [u8; 32]) -> Self {
        Self(BASE32.encode(&hash[..16]))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DatabaseId {
    type Err = DatabaseIdError;

    fn from_str(text: &str) -> Result<Self, DatabaseIdError> {
        match BASE32.decode(text) {
            Some(bytes) if bytes.len() == 16 => Ok(Self(text.to_owned())),
            _ => Err(DatabaseIdError),
        }
    }
}

impl TryFrom<String> for DatabaseId {
    type Error = DatabaseIdError;

    fn try_from(text: String) -> Result<Self, DatabaseIdError> {
        text.parse()
    }
}

impl From<DatabaseId> for String {
    fn from(id: DatabaseId) -> Self {
        id.0
    }
}

impl fmt::Display for DatabaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
