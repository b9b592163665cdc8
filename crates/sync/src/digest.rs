//! Digests of databases, with which two replicas find out cheaply where they differ.
//!
//! Documents are sorted into buckets by their ids, and each bucket has one digest. If the digests of a
//! bucket differ, the two replicas compare its documents one by one.

use std::collections::HashMap;

use minicbor::{Encode, bytes::ByteArray};
use settee_store::{DocumentId, Record, Revision, read_fields};
use sha2::{Digest as _, Sha256};

/// The digest of a document or a bucket. Replicas that read the same have the same digests.
pub type Digest = [u8; 8];

/// Most bits of a bucket's number.
pub const BITS_LIMIT: u32 = 12;
/// The number of documents that a bucket should have, unless that would take too many buckets.
const BUCKET: usize = 8;
/// The beginning of what is hashed.
const LABEL: &[u8] = b"settee digest 1\0";

/// What two replicas compare of a document.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
pub struct DocumentDigest {
    /// The document's id.
    #[n(0)]
    pub id: DocumentId,
    /// The digest of its leaves and merge bases.
    #[n(1)]
    pub digest: ByteArray<8>,
    /// Set if all leaves are deleted.
    #[n(2)]
    pub deleted: Option<bool>,
}

read_fields!(Array DocumentDigest { 0 id, 1 digest, 2 deleted });

impl DocumentDigest {
    /// The digest of a record. `None` if it has no revisions, because all of them were refused.
    pub fn of(record: &Record) -> Option<Self> {
        let leaves = record.tree.leaves();
        let deleted = leaves.first()?.deleted.then_some(true);
        let leaves = leaves.iter().map(|leaf| leaf.revision).collect();
        let mut bases = record.tree.merge_bases();
        bases.retain(|base| record.tree.get(*base).is_some_and(|node| node.body.is_some()));
        let digest = digest(&record.id, leaves, bases.into_iter().collect());
        Some(Self { id: record.id.clone(), digest: digest.into(), deleted })
    }

    /// Roughly its size on the wire, in bytes.
    pub fn weight(&self) -> usize {
        self.id.as_str().len() + 14
    }
}

/// The digest of a document, from the names of all its leaves, live and deleted, and of the common
/// ancestors that they are merged over, as far as the bodies of these are known.
pub fn digest(id: &DocumentId, mut leaves: Vec<Revision>, mut bases: Vec<Revision>) -> Digest {
    leaves.sort_unstable();
    bases.sort_unstable();
    let id = id.as_str().as_bytes();
    let length = u16::try_from(id.len()).unwrap_or(u16::MAX);
    let mut hasher = Sha256::new();
    hasher.update(LABEL);
    hasher.update(length.to_be_bytes());
    hasher.update(id);
    // No revision has generation 0, so the divider is not the beginning of a name.
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

/// How many bits the buckets' numbers should have for so many documents.
pub fn bits_for(documents: usize) -> u32 {
    documents.div_ceil(BUCKET).next_power_of_two().trailing_zeros().min(BITS_LIMIT)
}

/// The number of a document's bucket: the first `bits` bits of the hash of its id.
pub fn bucket(id: &DocumentId, bits: u32) -> usize {
    place(id).bucket(bits)
}

/// A document's place among all: the first 16 bits of the hash of its id.
fn place(id: &DocumentId) -> Place {
    let hash = Sha256::digest(id.as_str());
    Place(u16::from_be_bytes([hash[0], hash[1]]))
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Place(u16);

impl Place {
    /// The number of the bucket, if it has so many bits.
    pub fn bucket(self, bits: u32) -> usize {
        usize::from(self.0) >> (u16::BITS - bits.min(BITS_LIMIT))
    }
}

/// The digest of each bucket: the XOR of the digests of its documents.
pub fn buckets<'a>(
    documents: impl IntoIterator<Item = (&'a DocumentId, &'a Digest)>,
    bits: u32,
) -> Vec<Digest> {
    buckets_by_place(documents.into_iter().map(|(id, digest)| (place(id), digest)), bits)
}

/// The same for documents whose places are known.
pub(crate) fn buckets_by_place<'a>(
    documents: impl Iterator<Item = (Place, &'a Digest)>,
    bits: u32,
) -> Vec<Digest> {
    let mut buckets = vec![[0; 8]; 1 << bits.min(BITS_LIMIT)];
    for (place, digest) in documents {
        let sum = &mut buckets[place.bucket(bits)];
        sum.iter_mut().zip(digest).for_each(|(sum, byte)| *sum ^= byte);
    }
    buckets
}

/// The digests of all documents of a database, which is read page by page while others may write to
/// it:
///
/// ```
/// # use settee_store::{BackendError, Database, Memory};
/// # use settee_sync::digest::Digests;
/// # async fn digests(database: &Database) -> Result<Digests, BackendError> {
/// let mut digests = Digests::default();
/// while digests.add_page(&database.changes(digests.seq(), 1000).await?) {}
/// # Ok(digests)
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Digests {
    /// Each with its place, because hashing the ids takes long.
    documents: HashMap<DocumentId, (Place, DocumentDigest)>,
    seq: u64,
}

impl Digests {
    /// The digests of all records of a database, in the order of their `seq`.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut digests = Self::default();
        digests.add(records);
        digests
    }

    /// Adds records that have changed after [`Digests::seq`], in the order of their `seq`.
    pub fn add<'a>(&mut self, records: impl IntoIterator<Item = &'a Record>) {
        for record in records {
            debug_assert!(self.seq < record.seq, "a changes feed is read forwards");
            self.seq = record.seq;
            if let Some(digest) = DocumentDigest::of(record) {
                self.documents.insert(record.id.clone(), (place(&record.id), digest));
            }
        }
    }

    /// Adds the next page of the changes feed after [`Digests::seq`]. False if the page is empty: then
    /// all documents are digested.
    pub fn add_page<R: AsRef<Record>>(&mut self, page: &[R]) -> bool {
        self.add(page.iter().map(AsRef::as_ref));
        !page.is_empty()
    }

    /// The update sequence up to which the database was read.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The digests, in no order.
    pub fn into_documents(self) -> Vec<DocumentDigest> {
        self.documents.into_values().map(|(_, digest)| digest).collect()
    }

    /// How many documents are digested.
    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// Whether no document is digested.
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// The digests with their places, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Place, &DocumentDigest)> {
        self.documents.values().map(|(place, digest)| (*place, digest))
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
    fn a_digest_depends_on_everything_but_the_order_of_leaves() {
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
        let ids: Vec<DocumentId> = (0..1000).map(|n| id(&format!("note/{n}"))).collect();
        let mut documents: Vec<(DocumentId, Digest)> =
            ids.iter().map(|id| (id.clone(), digest(id, vec![leaf(1)], vec![]))).collect();
        let bits = bits_for(documents.len());
        assert_eq!(bits, 7);
        let of = |documents: &[(DocumentId, Digest)]| {
            buckets(documents.iter().map(|(id, digest)| (id, digest)), bits)
        };
        let before = of(&documents);
        assert!(
            before.iter().all(|bucket| *bucket != [0; 8]),
            "documents are spread over the buckets"
        );
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
    fn the_number_of_buckets_has_a_limit() {
        assert_eq!([0, 1, 8, 9, 1 << 20].map(bits_for), [0, 0, 0, 1, BITS_LIMIT]);
        assert_eq!(bucket(&id("a"), 0), 0);
        assert!(bucket(&id("a"), BITS_LIMIT) < 1 << BITS_LIMIT);
    }
}
