//! Comparing a database with that of a server which has lost something.

use std::collections::HashMap;

use settee_store::DocumentId;

use super::ClientReplica;
use crate::{
    digest::{Digest, DocumentDigest, bits_for, bucket, buckets},
    message::{Compare, Differences, Want},
    time::Time,
};

/// How far a comparison has come.
#[derive(Debug)]
pub(super) enum Comparison {
    /// The local documents are being read.
    Digesting,
    /// The server compares.
    Asked { since: Time, known: Known },
    /// Documents that the server lacks are being marked as pending. Then these are requested; `None`
    /// stands for all, which the server sends without a request.
    Marking { want: Option<Vec<DocumentId>> },
    /// The server sends what is lacking here.
    Receiving,
}

/// The digests of the local documents.
#[derive(Debug)]
pub(super) struct Known {
    documents: HashMap<DocumentId, Digest>,
    bits: u32,
}

/// What has to be sent in either direction.
#[derive(Debug, PartialEq, Eq)]
struct Findings {
    /// Documents that the server lacks or has other revisions of.
    resend: Vec<DocumentId>,
    /// Documents to request; `None` stands for all, which the server sends without a request.
    want: Option<Vec<DocumentId>>,
}

impl ClientReplica {
    /// Takes the digests of the local documents, and returns the request to compare them.
    pub fn digested(&mut self, now: Time, documents: Vec<DocumentDigest>) -> Option<Compare> {
        let channel = self.channel()?;
        let Some(Comparison::Digesting) = self.comparison else { return None };
        let known = Known::new(documents);
        let buckets = known.buckets();
        self.comparison = Some(Comparison::Asked { since: now, known });
        Some(Compare { channel, buckets })
    }

    /// Takes what differs, and returns the documents to mark as pending, because the server lacks
    /// them or has other revisions of them. `None` if no comparison was requested.
    pub fn compared(&mut self, differences: Differences) -> Option<Vec<DocumentId>> {
        match self.comparison.take() {
            Some(Comparison::Asked { known, .. }) => {
                self.latest = self.latest.max(differences.seq);
                let Findings { mut resend, want } = known.findings(differences);
                self.comparison = Some(Comparison::Marking { want });
                // The server may have some of what is about to be marked.
                self.sender.has_caught_up = false;
                let lacking = resend.len();
                resend.retain(|id| self.role.is_some_and(|role| role.can_bring_back(id)));
                self.owes_server = resend.len() < lacking;
                Some(resend)
            }
            other => {
                self.comparison = other;
                None
            }
        }
    }

    /// The documents are marked as pending. Now the server may send what is lacking here.
    pub fn marked(&mut self) -> Option<Want> {
        let channel = self.channel()?;
        let Some(Comparison::Marking { want }) = &mut self.comparison else { return None };
        let want = want.take();
        self.comparison = Some(Comparison::Receiving);
        want.map(|ids| Want { channel, ids })
    }
}

impl Known {
    fn new(documents: Vec<DocumentDigest>) -> Self {
        let bits = bits_for(documents.len());
        let documents = documents.into_iter().map(|known| (known.id, *known.digest)).collect();
        Self { documents, bits }
    }

    /// The digests of the buckets, one after the other, as they are sent.
    fn buckets(&self) -> Vec<u8> {
        buckets(&self.documents, self.bits).into_flattened()
    }

    fn findings(mut self, differences: Differences) -> Findings {
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
                // A client that began empty lacks documents that were deleted before, and may.
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
    fn documents_in_buckets_that_agree_are_not_sent() {
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
