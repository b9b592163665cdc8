//! The names of a document's revisions that were dropped.
//!
//! Each of them is closed by a revision that is kept. The names tell other replicas that these
//! revisions are closed, and a replica that sends one again doesn't make it a leaf.

use minicbor::{Decode, Decoder, Encode, Encoder, bytes::ByteSlice, decode, encode};

use crate::revision::Revision;

/// Most names of forgotten revisions that are kept for a document; those of the lowest generations
/// are dropped first. A replica that has missed more edits than that shows its own version as a
/// conflict.
pub const FORGOTTEN_LIMIT: usize = 200;
/// The size of a shortened name in bytes: the generation, and enough of the hash to distinguish the
/// revisions of one document.
const MARK: usize = 4 + 8;

/// Shortened names of a document's forgotten revisions, in rising order, at most
/// [`FORGOTTEN_LIMIT`]. On disk and on the wire they are one byte string, with 12 bytes for each
/// name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forgotten {
    marks: Vec<[u8; MARK]>,
}

impl Forgotten {
    /// Whether there are no names.
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// How many names there are, at most [`FORGOTTEN_LIMIT`].
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    /// Whether the revision is one of them, by its generation and the first 8 bytes of its hash.
    pub fn contains(&self, revision: Revision) -> bool {
        !self.marks.is_empty() && self.marks.binary_search(&mark(revision)).is_ok()
    }

    pub(crate) fn insert(&mut self, revision: Revision) {
        self.add(mark(revision));
    }

    /// Removes a name. Returns whether it was there.
    pub(crate) fn remove(&mut self, revision: Revision) -> bool {
        let at = self.marks.binary_search(&mark(revision));
        at.is_ok_and(|at| {
            self.marks.remove(at);
            true
        })
    }

    fn add(&mut self, mark: [u8; MARK]) {
        if let Err(at) = self.marks.binary_search(&mark) {
            self.marks.insert(at, mark);
            let surplus = self.marks.len().saturating_sub(FORGOTTEN_LIMIT);
            self.marks.drain(..surplus);
        }
        assert!(self.marks.len() <= FORGOTTEN_LIMIT, "decoding refuses more names");
        debug_assert!(self.marks.is_sorted_by(|a, b| a < b), "names are found by binary search");
    }
}

fn mark(revision: Revision) -> [u8; MARK] {
    let mut mark = [0; MARK];
    mark[..4].copy_from_slice(&revision.generation().to_be_bytes());
    mark[4..].copy_from_slice(&revision.hash()[..8]);
    mark
}

impl<C> Encode<C> for Forgotten {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.bytes(self.marks.as_flattened())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Forgotten {
    fn decode(d: &mut Decoder<'b>, c: &mut C) -> Result<Self, decode::Error> {
        let bytes: &ByteSlice = Decode::decode(d, c)?;
        let (marks, rest) = bytes.as_chunks::<MARK>();
        if rest.is_empty() && marks.len() <= FORGOTTEN_LIMIT && marks.is_sorted_by(|a, b| a < b) {
            Ok(Self { marks: marks.to_vec() })
        } else {
            Err(decode::Error::message(
                "names of forgotten revisions are cut off, out of order or too many",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(generation: u32) -> Revision {
        Revision::new(generation, [7; 16]).unwrap()
    }

    #[test]
    fn the_latest_names_are_kept() {
        let mut forgotten = Forgotten::default();
        for generation in (1..=300).rev() {
            forgotten.insert(revision(generation));
            forgotten.insert(revision(generation));
        }
        assert_eq!(forgotten.len(), FORGOTTEN_LIMIT);
        assert!(forgotten.contains(revision(300)) && forgotten.contains(revision(101)));
        assert!(!forgotten.contains(revision(100)));
        let bytes = minicbor::to_vec(&forgotten).unwrap();
        assert_eq!(minicbor::decode::<Forgotten>(&bytes).unwrap(), forgotten);
    }

    #[test]
    fn damaged_names_are_refused() {
        let decode = |bytes: &[u8]| {
            let cbor = minicbor::to_vec(<&ByteSlice>::from(bytes)).unwrap();
            minicbor::decode::<Forgotten>(&cbor).is_ok()
        };
        assert!(decode(&[]) && decode(&[1; MARK]));
        assert!(!decode(&[1; MARK + 1]) && !decode(&[1; 2 * MARK]));
        assert!(!decode(&vec![1; MARK * (FORGOTTEN_LIMIT + 1)]));
    }
}
