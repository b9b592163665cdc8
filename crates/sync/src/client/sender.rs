//! What goes to the server on a channel: pending documents, in batches and offers.

use std::{collections::HashSet, sync::Arc};

use settee_store::{DocumentId, Record, replication::ReplicatedDocument};

use super::replica::SentDocument;
use crate::{
    flight::{Flight, Packer},
    limits::{Limits, OFFERED_LIMIT},
    message::{Changes, Channel, Lacking, Offer, WireDocument},
    offer::Offers,
    time::Time,
};

/// It begins anew with each channel.
#[derive(Debug, Default)]
pub(super) struct Sender {
    pub flight: Flight<Vec<SentDocument>>,
    /// Documents under way, or being settled: not to be sent again meanwhile.
    busy: HashSet<DocumentId>,
    is_reading: bool,
    /// What was pending when the channel was opened is sent. Before, the server may have it already.
    pub has_caught_up: bool,
    offers: Offers,
    /// Documents that were read and wait until they can be offered.
    held: usize,
}

impl Sender {
    /// How many of so many pending documents to read, if there is cause and credit.
    pub fn next_read(&mut self, pending: usize, limits: &Limits) -> Option<usize> {
        let is_due = !self.is_reading
            && self.flight.has_credit(limits)
            && pending > self.busy.len() + self.held;
        is_due.then(|| {
            self.is_reading = true;
            self.busy.len() + limits.batch_documents
        })
    }

    /// Since when an answer is waited for.
    pub fn since(&self) -> Option<Time> {
        let offered = self.offers.since().map(|since| self.flight.moved_since(since));
        self.flight.since().into_iter().chain(offered).min()
    }

    /// The server's answer to an offer. Tells whether there was one.
    pub fn answered(&mut self, lacking: Lacking) -> bool {
        let Some(ids) = self.offers.answer(lacking) else { return false };
        self.settled(&ids);
        true
    }

    /// These may be sent again.
    pub fn settled(&mut self, ids: &[DocumentId]) {
        // Places in an offer are free again.
        self.held = 0;
        for id in ids {
            self.busy.remove(id);
        }
    }

    /// Makes batches of pending documents, as far as there is credit. With `offers`, large ones
    /// that the server may have are offered first.
    pub fn batches(
        &mut self,
        now: Time,
        channel: Channel,
        records: &[Arc<Record>],
        offers: bool,
        limits: &Limits,
    ) -> (Vec<Changes>, Option<Offer>) {
        self.is_reading = false;
        let waiting: Vec<ReplicatedDocument> = records
            .iter()
            .filter(|record| !self.busy.contains(&record.id))
            .filter_map(|record| record.outgoing_pending())
            .collect();
        // What was answered may be settled meanwhile in another way.
        self.offers.keep_answers(&waiting);
        let is_offered = offers && !self.has_caught_up;
        let (due, ready): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|document| is_offered && self.offers.is_due(document, limits.offer));
        let batches = self.launch_all(now, channel, ready, limits);
        // What finds no place in this offer is read again after it.
        let is_possible = !due.is_empty() && self.offers.is_free();
        self.held = due.len();
        let offer = is_possible.then(|| {
            self.held = 0;
            let offered = &due[..due.len().min(OFFERED_LIMIT)];
            self.busy.extend(offered.iter().map(|document| document.id.clone()));
            self.offers.make(now, channel, offered)
        });
        (batches, offer)
    }

    /// Sends as much as there is credit for, without what the server has said it has.
    fn launch_all(
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
            let document = document.without_known(|revision| self.offers.has(&id, revision));
            if let Some(document) = packer.add(document, limits) {
                batches.push(self.launch(now, channel, &std::mem::take(&mut packer)));
                if !self.flight.has_credit(limits) {
                    return batches;
                }
                packer.add(document, limits);
            }
        }
        if !packer.documents.is_empty() {
            batches.push(self.launch(now, channel, &packer));
        }
        batches
    }

    fn launch(&mut self, now: Time, channel: Channel, packer: &Packer) -> Changes {
        let sent: Vec<SentDocument> = packer
            .documents
            .iter()
            .map(|document| (document.id.clone(), document.told()))
            .collect();
        for (id, _) in &sent {
            self.offers.sent(id);
            self.busy.insert(id.clone());
        }
        Changes {
            channel,
            batch: self.flight.launch(now, packer.weight, sent),
            seq: None,
            documents: packer.documents.iter().map(WireDocument::from).collect(),
            latest: None,
        }
    }
}
