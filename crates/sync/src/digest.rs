//! Digests of databases, by which two replicas find out cheaply where they differ.
//!
//! Documents are sorted into buckets by their ids, and each bucket has one digest. Where those of
//! two replicas differ, they compare the documents of that bucket one by one.

use std::collections::HashMap;

use minicbor::{Decode, Encode, bytes::ByteArray};
use settee_store::{DocumentId, Record, Revision};
use sha2::{Digest as _, Sha256};

/// What a document comes to: replicas that read the same of it have the same.
pub type Digest = [u8; 8];

/// Most digits of a bucket's number, in binary.
pub const BITS_LIMIT: u32 = 12;
/// How many documents a bucket is to have, if there are not too many for that.
const BUCKET: usize = 8;
/// What is digested begins with this, and ends with a zero byte.
const LABEL: &[u8] = b"settee digest 1\0";

/// A document, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct DocumentDigest {
    #[n(0)]
    pub id: DocumentId,
    #[n(1)]
    pub digest: ByteArray<8>,
    /// Set where all leaves are deleted.
    #[n(2)]
    pub deleted: Option<bool>,
}

impl DocumentDigest {
    /// `None` of a record without revisions: all of them were refused.
    pub fn of(record: &Record) -> Option<Self> {
        let leaves = record.tree.leaves();
        let deleted = leaves.first()?.deleted.then_some(true);
        let leaves = leaves.iter().map(|leaf| leaf.revision).collect();
        let mut bases = record.tree.merge_bases();
        bases.retain(|base| record.tree.get(*base).is_some_and(|node| node.body.is_some()));
        let digest = digest(&record.id, leaves, bases.into_iter().collect());
        Some(Self { id: record.id.clone(), digest: digest.into(), deleted })
    }

    /// Roughly what it costs on the wire, in bytes.
    pub fn weight(&self) -> usize {
        self.id.as_str().len() + 14
    }
}

/// The digest of a document, from the names of all its leaves, live and deleted, and of what they
/// are merged over, as far as the bodies of that are known.
pub fn digest(id: &DocumentId, mut leaves: Vec<Revision>, mut bases: Vec<Revision>) -> Digest {
    leaves.sort_unstable();
    bases.sort_unstable();
    let id = id.as_str().as_bytes();
    let length = u16::try_from(id.len()).unwrap_or(u16::MAX);
    let mut hasher = Sha256::new();
    hasher.update(LABEL);
    hasher.update(length.to_be_bytes());
    hasher.update(id);
    // No revision is of generation 0, so where the bases begin can't be taken for a leaf.
    let divider: &[u8] = if bases.is_empty() { &[] } else { &[0; 4] };
    for (divider, names) in [(&[][..], leaves), (divider, bases)] {
        hasher.update(divider);
        for name in names {
            hasher.update(name.generation().to_be_bytes());
            hasher.update(name.hash());
        }
    }
    let mut digest = [0; 8];
    digest.copy_from_slice(&hasher.finalize()[..8]);
    digest
}

/// How many digits the buckets of so many documents should have.
pub fn bits_for(documents: usize) -> u32 {
    documents.div_ceil(BUCKET).next_power_of_two().trailing_zeros().min(BITS_LIMIT)
}

/// The bucket of a document: the first so many bits of the hash of its id.
pub fn bucket(id: &DocumentId, bits: u32) -> usize {
    let hash = Sha256::digest(id.as_str());
    let first = usize::from(u16::from_be_bytes([hash[0], hash[1]]));
    first >> (u16::BITS - bits.min(BITS_LIMIT))
}

/// The digest of each bucket: those of its documents, added up bit by bit without carry.
pub fn buckets<'a>(
    documents: impl IntoIterator<Item = (&'a DocumentId, &'a Digest)>,
    bits: u32,
) -> Vec<Digest> {
    let mut buckets = vec![[0; 8]; 1 << bits.min(BITS_LIMIT)];
    for (id, digest) in documents {
        let sum = &mut buckets[bucket(id, bits)];
        sum.iter_mut().zip(digest).for_each(|(sum, byte)| *sum ^= byte);
    }
    buckets
}

/// All documents of a database, read page by page while others may write to it.
#[derive(Debug, Default)]
pub struct Digests {
    documents: HashMap<DocumentId, DocumentDigest>,
    seq: u64,
}

impl Digests {
    /// Of all records of a database, in the order of their `seq`.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut digests = Self::default();
        digests.add(records);
        digests
    }

    /// Adds the changes after [`Digests::seq`], in their order. Once there are none, it is whole.
    pub fn add<'a>(&mut self, records: impl IntoIterator<Item = &'a Record>) {
        for record in records {
            self.seq = record.seq;
            if let Some(digest) = DocumentDigest::of(record) {
                self.documents.insert(record.id.clone(), digest);
            }
        }
    }

    /// The update sequence that it is of.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    pub fn into_documents(self) -> Vec<DocumentDigest> {
        self.documents.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> DocumentId {
        DocumentId::new(text).unwrap()
    }

    fn leaf(n: u8) -> Revision {
        Revision::new(u32::from(n), [n; 16]).unwrap()
    }

    #[test]
    fn the_order_of_leaves_makes_no_difference_and_everything_else_does() {
        let one = digest(&id("a"), vec![leaf(1), leaf(2)], vec![]);
        assert_eq!(one, digest(&id("a"), vec![leaf(2), leaf(1)], vec![]));
        for other in [
            digest(&id("b"), vec![leaf(1), leaf(2)], vec![]),
            digest(&id("a"), vec![leaf(1)], vec![]),
            digest(&id("a"), vec![leaf(1), leaf(3)], vec![]),
            digest(&id("a"), vec![leaf(1), leaf(2)], vec![leaf(3)]),
            digest(&id("a"), vec![leaf(1)], vec![leaf(2)]),
            digest(&id("a"), vec![], vec![]),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn buckets_differ_where_documents_do() {
        let ids: Vec<DocumentId> = (0..1000).map(|n| id(&format!("todo/{n}"))).collect();
        let mut documents: Vec<(DocumentId, Digest)> =
            ids.iter().map(|id| (id.clone(), digest(id, vec![leaf(1)], vec![]))).collect();
        let bits = bits_for(documents.len());
        assert_eq!(bits, 7);
        let of = |documents: &[(DocumentId, Digest)]| {
            buckets(documents.iter().map(|(id, digest)| (id, digest)), bits)
        };
        let before = of(&documents);
        assert!(before.iter().all(|bucket| *bucket != [0; 8]), "documents are spread");
        documents[17].1 = digest(&ids[17], vec![leaf(2)], vec![]);
        documents.remove(400);
        let after = of(&documents);
        let mut differing: Vec<usize> =
            (0..before.len()).filter(|at| before[*at] != after[*at]).collect();
        let mut expected = vec![bucket(&ids[17], bits), bucket(&ids[400], bits)];
        differing.sort_unstable();
        expected.sort_unstable();
        assert_eq!(differing, expected);
    }

    #[test]
    fn there_are_not_too_many_buckets() {
        assert_eq!([0, 1, 8, 9, 1 << 20].map(bits_for), [0, 0, 0, 1, BITS_LIMIT]);
        assert_eq!(bucket(&id("a"), 0), 0);
        assert!(bucket(&id("a"), BITS_LIMIT) < 1 << BITS_LIMIT);
    }
}
