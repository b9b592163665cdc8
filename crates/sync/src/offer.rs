//! Offers: a large document that the other side may have is named before it is sent.
//!
//! A side that catches up on a channel may send what the other side has already, because an
//! acknowledgement was lost, a profile was restored, or a checkpoint is void. Small documents are
//! sent at once, because naming them costs as much. Large ones are offered first, and the other side
//! answers which bodies it lacks.

use std::collections::{HashMap, HashSet};

use settee_store::{DocumentId, Record, Revision, replication::ReplicatedDocument};

use crate::{
    limits::OFFERED_LIMIT,
    message::{BatchNumber, Channel, Lacking, Offer, Offered},
    time::Time,
};

/// The offers that one side makes on a channel.
#[derive(Debug, Default)]
pub struct Offers {
    /// The offer that waits for its answer, and when it was made.
    open: Option<(Time, Vec<Offered>)>,
    /// The number of the next offer.
    next: BatchNumber,
    /// The documents that were answered and are not sent yet, with the revisions whose bodies the
    /// other side has.
    answered: HashMap<DocumentId, HashSet<Revision>>,
}

impl Offers {
    /// Whether a document has to be offered before it is sent.
    pub fn is_due(&self, document: &ReplicatedDocument, limit: usize) -> bool {
        document.weight() >= limit && !self.answered.contains_key(&document.id)
    }

    /// Whether all documents of the previous offer are answered and sent.
    pub fn is_free(&self) -> bool {
        self.open.is_none() && self.answered.is_empty()
    }

    /// When the offer was made that waits for its answer.
    pub fn waiting_since(&self) -> Option<Time> {
        self.open.as_ref().map(|(since, _)| *since)
    }

    /// Makes an offer of these documents.
    pub fn make(&mut self, now: Time, channel: Channel, documents: &[ReplicatedDocument]) -> Offer {
        assert!(self.open.is_none(), "one offer at a time waits for its answer");
        assert!(
            !documents.is_empty() && documents.len() <= OFFERED_LIMIT,
            "an offer has some documents and keeps to the limit"
        );
        let documents: Vec<Offered> = documents.iter().map(Offered::of).collect();
        self.open = Some((now, documents.clone()));
        let offer = self.next;
        self.next = self.next.wrapping_add(1);
        Offer { channel, offer, documents }
    }

    /// Takes the answer, and returns the ids of the offered documents. `None` if it answers no open
    /// offer or names a document that wasn't offered.
    pub fn answer(&mut self, answer: Lacking) -> Option<Vec<DocumentId>> {
        let (_, offered) = self.open.take_if(|_| answer.offer.wrapping_add(1) == self.next)?;
        let mut lacking: HashSet<DocumentId> = answer.ids.into_iter().collect();
        let ids = offered.iter().map(|document| document.id.clone()).collect();
        for Offered { id, revisions } in offered {
            let is_known = !lacking.remove(&id);
            self.answered.insert(id, revisions.into_iter().filter(|_| is_known).collect());
        }
        lacking.is_empty().then_some(ids)
    }

    /// The revisions whose bodies the other side has, according to its answer.
    pub fn known(&self, id: &DocumentId) -> Vec<Revision> {
        self.answered.get(id).into_iter().flatten().copied().collect()
    }

    /// Whether the other side has the revision's body, according to its answer.
    pub fn is_known(&self, id: &DocumentId, revision: Revision) -> bool {
        self.answered.get(id).is_some_and(|known| known.contains(&revision))
    }

    /// The document was sent, or need not be sent any more.
    pub fn done(&mut self, id: &DocumentId) {
        self.answered.remove(id);
    }

    /// Forgets the answers about all documents except these.
    pub fn keep_answers(&mut self, documents: &[ReplicatedDocument]) {
        if !self.answered.is_empty() {
            let kept: HashSet<&DocumentId> = documents.iter().map(|known| &known.id).collect();
            self.answered.retain(|id, _| kept.contains(id));
        }
    }
}

impl Offered {
    fn of(document: &ReplicatedDocument) -> Self {
        let has_body = document.revisions.iter().filter(|revision| revision.body.is_some());
        let revisions = has_body.map(|revision| revision.revision).collect();
        Self { id: document.id.clone(), revisions }
    }

    /// Whether all offered bodies are in this record.
    fn is_in(&self, record: &Record) -> bool {
        self.revisions.iter().all(|revision| record.has_body(*revision))
    }
}

/// Compares an offer with the records that were found for it, in the same order. Returns the
/// documents whose offered bodies are all here, and the answer, which names the others. `None`
/// means that nothing could be read: then the answer names all documents.
pub fn compare<R: AsRef<Record>>(
    offer: Offer,
    found: Option<&[Option<R>]>,
) -> (Vec<Offered>, Lacking) {
    let Offer { channel, offer, documents } = offer;
    let mut known = Vec::new();
    let mut lacking = Vec::new();
    for (at, offered) in documents.into_iter().enumerate() {
        let record = found.and_then(|found| found.get(at)?.as_ref());
        if record.is_some_and(|record| offered.is_in(record.as_ref())) {
            known.push(offered);
        } else {
            lacking.push(offered.id);
        }
    }
    (known, Lacking { channel, offer, ids: lacking })
}
