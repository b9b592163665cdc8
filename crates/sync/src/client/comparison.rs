//! Comparing a database with that of a server which has lost something.

use std::collections::HashMap;

use settee_store::DocumentId;

use crate::{
    digest::{Digest, DocumentDigest, bits_for, bucket, buckets},
    message::Differences,
    time::Time,
};

/// How far a comparison has come.
#[derive(Debug)]
pub(super) enum Comparison {
    /// This side's documents are being read.
    Digesting,
    /// The server compares.
    Asked { since: Time, known: Known },
    /// What the server lacks is being marked; then these are asked for. `None` is everything,
    /// which comes unasked.
    Marking { want: Option<Vec<DocumentId>> },
    /// The server sends what is lacking here.
    Receiving,
}

/// This side's documents.
#[derive(Debug)]
pub(super) struct Known {
    documents: HashMap<DocumentId, Digest>,
    bits: u32,
}

/// What follows from a comparison.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Findings {
    /// Documents that the server lacks, or has otherwise.
    pub resend: Vec<DocumentId>,
    pub want: Option<Vec<DocumentId>>,
}

impl Known {
    pub fn new(documents: Vec<DocumentDigest>) -> Self {
        let bits = bits_for(documents.len());
        let documents = documents.into_iter().map(|known| (known.id, *known.digest)).collect();
        Self { documents, bits }
    }

    /// What the server is to compare.
    pub fn buckets(&self) -> Vec<u8> {
        buckets(&self.documents, self.bits).into_flattened()
    }

    pub fn findings(mut self, differences: Differences) -> Findings {
        let Differences { buckets, documents, .. } = differences;
        let Some(documents) = documents else {
            let mut resend: Vec<DocumentId> = self.documents.into_keys().collect();
            resend.sort_unstable();
            return Findings { resend, want: None };
        };
        let mut want = Vec::new();
        let mut resend = Vec::new();
        for DocumentDigest { id, digest, deleted } in documents {
            match self.documents.remove(&id) {
                Some(known) if known == *digest => {}
                Some(_) => {
                    resend.push(id.clone());
                    want.push(id);
                }
                // Who began empty has no deleted documents.
                None if deleted == Some(true) => {}
                None => want.push(id),
            }
        }
        let differs = |id: &DocumentId| {
            let bucket = u16::try_from(bucket(id, self.bits));
            bucket.is_ok_and(|bucket| buckets.binary_search(&bucket).is_ok())
        };
        resend.extend(self.documents.into_keys().filter(differs));
        resend.sort_unstable();
        Findings { resend, want: Some(want) }
    }
}

#[cfg(test)]
mod tests {
    use settee_store::Revision;

    use super::*;
    use crate::digest::digest;

    fn document(name: &str, leaf: u8, deleted: bool) -> DocumentDigest {
        let id = DocumentId::new(name).unwrap();
        let digest = digest(&id, vec![Revision::new(1, [leaf; 16]).unwrap()], vec![]).into();
        DocumentDigest { id, digest, deleted: deleted.then_some(true) }
    }

    #[test]
    fn each_side_gets_what_it_lacks() {
        let here = vec![
            document("same", 1, false),
            document("otherwise", 1, false),
            document("only here", 1, false),
            document("dead here", 2, true),
        ];
        let there = vec![
            document("same", 1, false),
            document("otherwise", 2, true),
            document("only there", 1, false),
            document("dead there", 2, true),
        ];
        let known = Known::new(here);
        assert_eq!(known.buckets().len(), 8);
        let differences =
            Differences { channel: 0, seq: 7, buckets: vec![0], documents: Some(there) };
        let Findings { resend, want } = known.findings(differences);
        let names =
            |ids: &[DocumentId]| -> Vec<String> { ids.iter().map(ToString::to_string).collect() };
        assert_eq!(names(&resend), ["dead here", "only here", "otherwise"]);
        assert_eq!(names(&want.unwrap()), ["otherwise", "only there"]);
    }

    #[test]
    fn what_lies_in_buckets_that_agree_stays_where_it_is() {
        let here: Vec<_> = (0..100).map(|n| document(&n.to_string(), 1, false)).collect();
        let gone = here[17].id.clone();
        let known = Known::new(here);
        let bucket = u16::try_from(bucket(&gone, 4)).unwrap();
        let differences =
            Differences { channel: 0, seq: 7, buckets: vec![bucket], documents: Some(vec![]) };
        let Findings { resend, want } = known.findings(differences);
        assert!(resend.contains(&gone) && resend.len() < 30, "{resend:?}");
        assert_eq!(want, Some(vec![]));
    }
}
