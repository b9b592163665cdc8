//! What a replica sends to the server on a channel: pending documents, in batches and offers.

use std::{collections::HashSet, sync::Arc};

use settee_store::{DocumentId, Record, Revision, replication::ReplicatedDocument};

use crate::{
    in_flight::{InFlight, Packer},
    limits::{Limits, OFFERED_LIMIT},
    message::{Changes, Channel, Lacking, Offer, WireDocument},
    offer::Offers,
    time::Time,
};

/// A document that was sent: its id, and the revisions that the server has to acknowledge or refuse.
pub type SentDocument = (DocumentId, Vec<Revision>);

/// Each channel begins with a new one.
#[derive(Debug, Default)]
pub(super) struct Sender {
    pub in_flight: InFlight<Vec<SentDocument>>,
    /// Documents that are in flight, offered, or being settled. They must not be sent again.
    busy: HashSet<DocumentId>,
    /// Pending documents are being read. There is one reader at a time.
    is_reading: bool,
    /// Everything is sent that was pending when the channel was opened. Until then, the server may
    /// have some of it already.
    pub has_caught_up: bool,
    offers: Offers,
    /// Documents that were read, and wait until another offer can be made.
    waiting_for_offer: usize,
}

impl Sender {
    /// How many pending documents to read next, if there are any to send and there is credit.
    pub fn next_read(&mut self, pending: usize, limits: &Limits) -> Option<usize> {
        let is_due = !self.is_reading
            && self.in_flight.has_credit(limits)
            && pending > self.busy.len() + self.waiting_for_offer;
        is_due.then(|| {
            self.is_reading = true;
            self.busy.len() + limits.batch_documents
        })
    }

    /// The time since which an answer is awaited.
    pub fn waiting_since(&self) -> Option<Time> {
        let offered = self.offers.waiting_since();
        let offered = offered.map(|since| self.in_flight.acknowledged_since(since));
        self.in_flight.waiting_since().into_iter().chain(offered).min()
    }

    /// Takes the server's answer to an offer. False if no such offer was made.
    pub fn offer_answered(&mut self, lacking: Lacking) -> bool {
        let Some(ids) = self.offers.answer(lacking) else { return false };
        self.settled(&ids);
        true
    }

    /// These documents may be sent again.
    pub fn settled(&mut self, ids: &[DocumentId]) {
        // There may be room in an offer now for the documents that wait for one.
        self.waiting_for_offer = 0;
        for id in ids {
            self.busy.remove(id);
        }
    }

    /// Makes batches of pending documents, as far as there is credit. With `offers`, large documents
    /// that the server may have are offered first.
    pub fn batches(
        &mut self,
        now: Time,
        channel: Channel,
        records: &[Arc<Record>],
        offers: bool,
        limits: &Limits,
    ) -> (Vec<Changes>, Option<Offer>) {
        debug_assert!(self.is_reading, "only what was asked for is handed over");
        self.is_reading = false;
        let pending: Vec<ReplicatedDocument> = records
            .iter()
            .filter(|record| !self.busy.contains(&record.id))
            .filter_map(|record| record.outgoing_pending())
            .collect();
        // Documents that were answered may not be pending any more.
        self.offers.keep_answers(&pending);
        let is_offering = offers && !self.has_caught_up;
        let (to_offer, to_send): (Vec<_>, Vec<_>) = pending
            .into_iter()
            .partition(|document| is_offering && self.offers.is_due(document, limits.offer));
        let batches = self.push_all(now, channel, to_send, limits);
        // Documents that have no room in this offer are read again after it.
        let can_offer = !to_offer.is_empty() && self.offers.is_free();
        self.waiting_for_offer = to_offer.len();
        let offer = can_offer.then(|| {
            self.waiting_for_offer = 0;
            let offered = &to_offer[..to_offer.len().min(OFFERED_LIMIT)];
            self.busy.extend(offered.iter().map(|document| document.id.clone()));
            self.offers.make(now, channel, offered)
        });
        (batches, offer)
    }

    /// Sends as much as there is credit for, without the bodies that the server has.
    fn push_all(
        &mut self,
        now: Time,
        channel: Channel,
        documents: Vec<ReplicatedDocument>,
        limits: &Limits,
    ) -> Vec<Changes> {
        let mut batches = Vec::new();
        let mut packer = Packer::default();
        for document in documents {
            let id = document.id.clone();
            let document = document.without_known(|revision| self.offers.is_known(&id, revision));
            if let Some(document) = packer.add(document, limits) {
                batches.push(self.push(now, channel, &std::mem::take(&mut packer)));
                if !self.in_flight.has_credit(limits) {
                    return batches;
                }
                packer.add(document, limits);
            }
        }
        if !packer.documents.is_empty() {
            batches.push(self.push(now, channel, &packer));
        }
        batches
    }

    fn push(&mut self, now: Time, channel: Channel, packer: &Packer) -> Changes {
        let sent: Vec<SentDocument> = packer
            .documents
            .iter()
            .map(|document| (document.id.clone(), document.told()))
            .collect();
        for (id, _) in &sent {
            self.offers.done(id);
            let is_idle = self.busy.insert(id.clone());
            debug_assert!(is_idle, "a document in flight is not sent again");
        }
        Changes {
            channel,
            batch: self.in_flight.push(now, packer.weight, sent),
            seq: None,
            documents: packer.documents.iter().map(WireDocument::from).collect(),
            latest: None,
        }
    }
}
