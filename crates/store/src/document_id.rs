//! The name of a document within its database.

use std::{borrow::Borrow, fmt, sync::Arc};

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use thiserror::Error;

/// The maximum length of an id, in bytes of UTF-8.
pub const ID_LIMIT: usize = 512;

/// A document's id: 1 to [`ID_LIMIT`] bytes, without NUL, and without a leading `_` (CouchDB
/// reserves such ids for the database).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentId(Arc<str>);

/// Why a text is not a document id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IdError {
    /// The store doesn't generate ids; the program has to.
    #[error("a document id can't be empty")]
    Empty,
    /// It has more than [`ID_LIMIT`] bytes.
    #[error("a document id has at most {ID_LIMIT} bytes")]
    TooLong,
    /// CouchDB refuses all ids with a leading underscore except `_design/` and `_local/`; here
    /// these are refused, too.
    #[error("a document id can't begin with an underscore")]
    Reserved,
    /// Other control characters are allowed.
    #[error("a document id can't contain a NUL character")]
    Nul,
}

impl DocumentId {
    /// An id of this text, byte for byte: nothing is normalised. Fails with an [`IdError`].
    pub fn new(id: &str) -> Result<Self, IdError> {
        if id.is_empty() {
            Err(IdError::Empty)
        } else if id.len() > ID_LIMIT {
            Err(IdError::TooLong)
        } else if id.starts_with('_') {
            Err(IdError::Reserved)
        } else if id.contains('\0') {
            Err(IdError::Nul)
        } else {
            Ok(Self(id.into()))
        }
    }

    /// The id's text. Ids are ordered by its bytes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for DocumentId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<C> Encode<C> for DocumentId {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.str(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for DocumentId {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        Self::new(d.str()?).map_err(decode::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_limits() {
        assert_eq!(DocumentId::new(""), Err(IdError::Empty));
        assert_eq!(DocumentId::new("_design/x"), Err(IdError::Reserved));
        assert_eq!(DocumentId::new("a\0b"), Err(IdError::Nul));
        assert!(DocumentId::new(&"a".repeat(512)).is_ok());
        assert_eq!(DocumentId::new(&"a".repeat(513)), Err(IdError::TooLong));
        assert_eq!(DocumentId::new("note/ü").map(|id| id.to_string()), Ok("note/ü".into()));
    }
}
