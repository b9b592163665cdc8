//! Comparing a database with that of a client which still has what this one has lost.

use std::collections::{HashSet, VecDeque};

use settee_store::DocumentId;

use crate::{
    digest::{BITS_LIMIT, Digest, Digests, DocumentDigest, buckets_by_place},
    message::{Channel, Differences},
};

/// How far a comparison has come. Until it is over, the feed is not read for the client.
#[derive(Debug)]
pub(super) enum Comparison {
    /// The client's digests are awaited.
    Awaited,
    /// This side's documents are being read.
    Digesting { buckets: Vec<Digest> },
    /// The client decides what it wants of the documents that were named to it.
    Answered { seq: u64, named: HashSet<DocumentId> },
    /// The documents that it wants are being sent.
    Sending { seq: u64, wanted: VecDeque<DocumentId> },
}

/// Reads the client's digests. `None` if they are not 2^k for an allowed k.
pub(super) fn read_buckets(bytes: &[u8]) -> Option<Vec<Digest>> {
    let (digests, rest) = bytes.as_chunks::<8>();
    let is_valid =
        rest.is_empty() && digests.len().is_power_of_two() && digests.len() <= 1 << BITS_LIMIT;
    is_valid.then(|| digests.to_vec())
}

/// The documents of this side in the buckets that differ, unless they weigh more than `limit`.
pub(super) fn differences(
    channel: Channel,
    theirs: &[Digest],
    digests: &Digests,
    limit: usize,
) -> Differences {
    assert!(theirs.len().is_power_of_two(), "the number of buckets was checked");
    let bits = theirs.len().trailing_zeros();
    let seq = digests.seq();
    let ours = buckets_by_place(digests.iter().map(|(at, known)| (at, &*known.digest)), bits);
    assert_eq!(ours.len(), theirs.len(), "both sides have the same buckets");
    let differs: Vec<bool> = ours.iter().zip(theirs).map(|(ours, theirs)| ours != theirs).collect();
    let named = || digests.iter().filter(|(place, _)| differs[place.bucket(bits)]);
    let weight: usize = named().map(|(_, known)| known.weight()).sum();
    let documents = (weight <= limit).then(|| {
        let mut documents: Vec<DocumentDigest> = named().map(|(_, known)| known.clone()).collect();
        documents.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        documents
    });
    let numbers = (0..=u16::MAX).zip(&differs).filter(|(_, differs)| **differs);
    Differences { channel, seq, buckets: numbers.map(|(number, _)| number).collect(), documents }
}
