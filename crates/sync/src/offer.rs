//! Offers: a large document that the other side may have is named before it is sent.
//!
//! Who catches up on a channel sends what the other side may have had already, as far as it knows:
//! an acknowledgement was lost, a profile was restored, a checkpoint was void. Small documents go
//! all the same, for naming them costs as much. Of large ones the bodies stay where they are known.

use std::collections::{HashMap, HashSet};

use settee_store::{DocumentId, Record, Revision, replication::ReplicatedDocument};

use crate::{
    message::{BatchNumber, Channel, Lacking, Offer, Offered},
    time::Time,
};

/// What is offered on a channel in one direction.
#[derive(Debug, Default)]
pub struct Offers {
    /// What waits for its answer, and since when.
    open: Option<(Time, Vec<Offered>)>,
    /// How many offers there were, that one included.
    count: BatchNumber,
    /// What was answered and is not sent yet, with the revisions whose bodies the other side has.
    answered: HashMap<DocumentId, HashSet<Revision>>,
}

impl Offers {
    /// Whether a document has to be offered first.
    pub fn is_due(&self, document: &ReplicatedDocument, limit: usize) -> bool {
        document.weight() >= limit && !self.answered.contains_key(&document.id)
    }

    /// Whether another offer may be made: nothing is left of the one before.
    pub fn is_free(&self) -> bool {
        self.open.is_none() && self.answered.is_empty()
    }

    /// When the offer was made that waits for its answer.
    pub fn since(&self) -> Option<Time> {
        self.open.as_ref().map(|(since, _)| *since)
    }

    /// Offers documents, and returns what is to be sent.
    pub fn make(&mut self, now: Time, channel: Channel, documents: &[ReplicatedDocument]) -> Offer {
        let documents: Vec<Offered> = documents.iter().map(Offered::of).collect();
        self.open = Some((now, documents.clone()));
        let offer = self.count;
        self.count = self.count.wrapping_add(1);
        Offer { channel, offer, documents }
    }

    /// Takes the answer, and returns the ids of what was offered; `None` when it answers something
    /// else, or names what wasn't offered.
    pub fn answer(&mut self, answer: Lacking) -> Option<Vec<DocumentId>> {
        let (_, offered) = self.open.take_if(|_| answer.offer.wrapping_add(1) == self.count)?;
        let mut lacking: HashSet<DocumentId> = answer.ids.into_iter().collect();
        let ids = offered.iter().map(|document| document.id.clone()).collect();
        for Offered { id, revisions } in offered {
            let is_known = !lacking.remove(&id);
            self.answered.insert(id, revisions.into_iter().filter(|_| is_known).collect());
        }
        lacking.is_empty().then_some(ids)
    }

    /// The revisions whose bodies the other side has said that it has.
    pub fn known(&self, id: &DocumentId) -> Vec<Revision> {
        self.answered.get(id).into_iter().flatten().copied().collect()
    }

    /// Whether the other side has said that it has the revision's body.
    pub fn has(&self, id: &DocumentId, revision: Revision) -> bool {
        self.answered.get(id).is_some_and(|known| known.contains(&revision))
    }

    /// The document is sent, or needs not be.
    pub fn sent(&mut self, id: &DocumentId) {
        self.answered.remove(id);
    }

    /// Forgets the answers about other documents than these.
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

    /// Whether nothing of it is lacking here.
    fn is_known(&self, record: &Record) -> bool {
        self.revisions.iter().all(|revision| record.has_body(*revision))
    }
}

/// Splits what is offered by what was found of it, in the same order: what is here, and the answer,
/// which names what something is lacking of. Without findings that is everything.
pub fn compare<R: AsRef<Record>>(
    offer: Offer,
    found: Option<&[Option<R>]>,
) -> (Vec<Offered>, Lacking) {
    let Offer { channel, offer, documents } = offer;
    let mut known = Vec::new();
    let mut lacking = Vec::new();
    for (at, offered) in documents.into_iter().enumerate() {
        let record = found.and_then(|found| found.get(at)?.as_ref());
        if record.is_some_and(|record| offered.is_known(record.as_ref())) {
            known.push(offered);
        } else {
            lacking.push(offered.id);
        }
    }
    (known, Lacking { channel, offer, ids: lacking })
}
