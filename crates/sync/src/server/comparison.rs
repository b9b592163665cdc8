//! Comparing a database with that of a client which remembers what this one has lost.

use std::collections::{HashSet, VecDeque};

use settee_store::DocumentId;

use crate::{
    digest::{BITS_LIMIT, Digest, Digests, bucket, buckets},
    message::{Channel, Differences},
};

/// How far a comparison has come. Until it is over nothing else is read for the client.
#[derive(Debug)]
pub(super) enum Comparison {
    /// The client digests its documents.
    Awaited,
    /// This side's documents are being read.
    Digesting { buckets: Vec<Digest> },
    /// The client looks what it wants.
    Answered { seq: u64, named: HashSet<DocumentId> },
    /// What it wants is being sent.
    Sending { seq: u64, wanted: VecDeque<DocumentId> },
}

/// Takes apart what a client sends to be compared: 2^k digests.
pub(super) fn read_buckets(bytes: &[u8]) -> Option<Vec<Digest>> {
    let (digests, rest) = bytes.as_chunks::<8>();
    let is_valid =
        rest.is_empty() && digests.len().is_power_of_two() && digests.len() <= 1 << BITS_LIMIT;
    is_valid.then(|| digests.to_vec())
}

/// What this side has in the buckets that differ, if that is no more than so many bytes.
pub(super) fn differences(
    channel: Channel,
    theirs: &[Digest],
    digests: Digests,
    limit: usize,
) -> Differences {
    let bits = theirs.len().trailing_zeros();
    let seq = digests.seq();
    let documents = digests.into_documents();
    let ours = buckets(documents.iter().map(|known| (&known.id, &*known.digest)), bits);
    let differs: Vec<bool> = ours.iter().zip(theirs).map(|(ours, theirs)| ours != theirs).collect();
    let mut documents = documents;
    documents.retain(|known| differs[bucket(&known.id, bits)]);
    documents.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    let weight: usize = documents.iter().map(crate::digest::DocumentDigest::weight).sum();
    let numbers = (0..=u16::MAX).zip(differs).filter(|(_, differs)| *differs);
    Differences {
        channel,
        seq,
        buckets: numbers.map(|(number, _)| number).collect(),
        documents: (weight <= limit).then_some(documents),
    }
}
