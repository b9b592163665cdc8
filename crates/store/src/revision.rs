//! Names of revisions, and how a name is derived from a revision's contents.

use std::{fmt, str::FromStr};

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::body::Body;

/// The version of the hash's input format, which is itself part of the input.
const HASH_FORMAT: u8 = 1;

/// The highest generation that an edit makes. A document of which a leaf has it begins again: the
/// next edit is a first revision that merges all leaves. So every document can be edited and
/// deleted, whatever generation somebody has invented.
///
/// A server takes no new revision of a higher generation. That refuses no honest client, whatever
/// the server has lost, because no edit makes such a revision. A document that is edited a thousand
/// times a second gets here after 24 days.
pub const GENERATION_LIMIT: u32 = 1 << 31;

/// A revision's name, written as `generation-hash` with the hash in 32 lower-case hex digits.
///
/// Names are ordered by generation, then by the hash's bytes, as in CouchDB.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision {
    generation: u32,
    hash: [u8; 16],
}

/// Why a text or a pair is not a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RevisionError {
    /// The text has another form. Upper-case digits are refused.
    #[error("a revision is written as its generation, a dash and 32 lower-case hex digits")]
    Malformed,
    /// CouchDB uses generation 0 for local documents, which have no revisions here.
    #[error("a revision's generation begins at 1")]
    NoGeneration,
    /// The parent's generation is [`u32::MAX`].
    #[error("a document can't be edited any further: its generation is at its limit")]
    Overflow,
}

impl Revision {
    /// A name from its parts, without checking it against any contents. Fails with
    /// [`RevisionError::NoGeneration`] if the generation is 0.
    pub fn new(generation: u32, hash: [u8; 16]) -> Result<Self, RevisionError> {
        if generation == 0 {
            Err(RevisionError::NoGeneration)
        } else {
            Ok(Self { generation, hash })
        }
    }

    /// The name of the revision with these contents. The same edit of the same parent has the same
    /// name on every replica. The hash is the first half of a SHA-256; CouchDB takes an MD5 over
    /// other input, so its names differ.
    ///
    /// `merges` are the leaves that the revision closes besides its parent, in rising order. Fails
    /// with [`RevisionError::Overflow`] if the parent's generation is the last one.
    pub fn derive(
        parent: Option<Revision>,
        merges: &[Revision],
        deleted: bool,
        body: &Body,
    ) -> Result<Self, RevisionError> {
        let generation = parent.map_or(0, |parent| parent.generation);
        let hash = hash_of(parent, merges, deleted, body.as_str().as_bytes());
        Ok(Self { generation: generation.checked_add(1).ok_or(RevisionError::Overflow)?, hash })
    }

    /// The name of a first revision, which has no parent and merges nothing. `body` is canonical JSON.
    pub fn of_first(deleted: bool, body: &[u8]) -> Self {
        Self { generation: 1, hash: hash_of(None, &[], deleted, body) }
    }

    /// One more than the parent's; 1 without a parent.
    pub fn generation(self) -> u32 {
        self.generation
    }

    /// The first half of the SHA-256: see [`Revision::derive`].
    pub fn hash(self) -> [u8; 16] {
        self.hash
    }

    fn feed(self, hasher: &mut Sha256) {
        hasher.update(self.generation.to_be_bytes());
        hasher.update(self.hash);
    }
}

fn hash_of(parent: Option<Revision>, merges: &[Revision], deleted: bool, body: &[u8]) -> [u8; 16] {
    debug_assert!(merges.is_sorted(), "the hash is taken over sorted merges");
    let mut hasher = Sha256::new();
    hasher.update([HASH_FORMAT]);
    match parent {
        None => hasher.update([0]),
        Some(parent) => {
            hasher.update([1]);
            parent.feed(&mut hasher);
        }
    }
    hasher.update(u32::try_from(merges.len()).unwrap_or(u32::MAX).to_be_bytes());
    for merged in merges {
        merged.feed(&mut hasher);
    }
    hasher.update([u8::from(deleted)]);
    // The number of attachment digests; there are none yet.
    hasher.update(0u32.to_be_bytes());
    hasher.update(body);
    let mut hash = [0; 16];
    hash.copy_from_slice(&hasher.finalize()[..16]);
    hash
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-", self.generation)?;
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Revision {
    type Err = RevisionError;

    fn from_str(text: &str) -> Result<Self, RevisionError> {
        let (generation, digits) = text.split_once('-').ok_or(RevisionError::Malformed)?;
        let plain = |text: &str, ok: fn(&u8) -> bool| text.as_bytes().iter().all(ok);
        if digits.len() != 32
            || !plain(digits, |b| b.is_ascii_digit() || (b'a'..=b'f').contains(b))
            || !plain(generation, u8::is_ascii_digit)
        {
            return Err(RevisionError::Malformed);
        }
        let mut hash = [0; 16];
        for (byte, pair) in hash.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| RevisionError::Malformed)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| RevisionError::Malformed)?;
        }
        Self::new(generation.parse().map_err(|_| RevisionError::Malformed)?, hash)
    }
}

impl<C> Encode<C> for Revision {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.array(2)?.u32(self.generation)?.bytes(&self.hash)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Revision {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        if d.array()? != Some(2) {
            return Err(decode::Error::message("a revision is a pair"));
        }
        let generation = d.u32()?;
        let hash = d.bytes()?.try_into().map_err(decode::Error::custom)?;
        Self::new(generation, hash).map_err(decode::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(json: &str) -> Body {
        Body::from_canonical(json.as_bytes()).unwrap()
    }

    #[test]
    fn names_are_written_and_read() {
        let revision = Revision::derive(None, &[], false, &body("{}")).unwrap();
        assert_eq!(revision.to_string().parse(), Ok(revision));
        for bad in ["", "1", "1-", "1-00", "x-00000000000000000000000000000000"] {
            assert_eq!(bad.parse::<Revision>(), Err(RevisionError::Malformed));
        }
        let zero = "0-00000000000000000000000000000000";
        assert_eq!(zero.parse::<Revision>(), Err(RevisionError::NoGeneration));
        let upper = "1-0000000000000000000000000000000A";
        assert_eq!(upper.parse::<Revision>(), Err(RevisionError::Malformed));
        let huge = "4294967296-00000000000000000000000000000000";
        assert_eq!(huge.parse::<Revision>(), Err(RevisionError::Malformed));
    }

    /// The format of names is final: this must never change.
    #[test]
    fn the_hash_is_fixed() {
        let first = Revision::derive(None, &[], false, &body(r#"{"title":"tea"}"#)).unwrap();
        assert_eq!(first.to_string(), "1-1ba30c8b764372de0014317aa637a678");
        let merging = Revision::derive(Some(first), &[first], true, &Body::empty()).unwrap();
        assert_eq!(merging.to_string(), "2-a941fa0369b0d8453b9631f61ef3db0e");
    }

    #[test]
    fn every_part_counts() {
        let one = Revision::derive(None, &[], false, &body(r#"{"a":1}"#)).unwrap();
        let different = [
            Revision::derive(None, &[], true, &body(r#"{"a":1}"#)).unwrap(),
            Revision::derive(None, &[], false, &body(r#"{"a":2}"#)).unwrap(),
            Revision::derive(None, &[one], false, &body(r#"{"a":1}"#)).unwrap(),
            Revision::derive(Some(one), &[], false, &body(r#"{"a":1}"#)).unwrap(),
        ];
        assert!(different.iter().all(|other| *other != one));
    }

    #[test]
    fn generations_end() {
        let last = Revision::new(u32::MAX, [0; 16]).unwrap();
        assert_eq!(
            Revision::derive(Some(last), &[], false, &Body::empty()),
            Err(RevisionError::Overflow)
        );
    }
}
