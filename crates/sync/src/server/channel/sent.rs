//! What is read for a client, and sent to it on a channel.

use std::sync::Arc;

use settee_store::{
    DocumentId, Page, Record, Revision,
    replication::{Known, ReplicatedDocument},
};

use super::{Reading, ServerChannel};
use crate::{
    in_flight::Packer,
    limits::{Limits, OFFERED_LIMIT},
    message::{Changes, Channel, Lacking, Message, Offer, WireDocument},
    offer,
    server::comparison::Comparison,
    time::Time,
};

/// Most documents that are read at once of those that a client wants.
const FIND_LIMIT: usize = 32;
/// Documents that a client may send before the feed is read for it. With more of them the feed is read
/// although the client goes on sending, so that the memory of what it has sent can be cleared.
const RECEIVED_LIMIT: usize = 4096;

impl ServerChannel {
    /// The next changes to read, as a sequence and a limit, if there are any and there is credit.
    pub fn next_read(&mut self, limits: &Limits) -> Option<(u64, usize)> {
        let is_free = self.offers.as_ref().is_none_or(|offers| offers.waiting_since().is_none());
        let is_possible = self.role.is_some()
            && self.reading.is_none()
            && is_free
            && self.comparison.is_none()
            && !self.is_receiving()
            && self.in_flight.has_credit(limits);
        if !is_possible {
            return None;
        }
        if let Some((id, seq)) = self.next_unconfirmed() {
            let since = seq.saturating_sub(1);
            let reading = Reading::Unconfirmed(id.clone());
            self.start_reading(reading);
            return Some((since, 1));
        }
        let is_due = self.cursor < self.latest || self.caught_up != Some(self.cursor);
        is_due.then(|| {
            self.start_reading(Reading::Feed(self.latest));
            (self.cursor, limits.batch_documents)
        })
    }

    /// Whether the client sends documents, which are still to be remembered.
    fn is_receiving(&self) -> bool {
        !self.uncommitted.is_empty() && self.received.len() < RECEIVED_LIMIT
    }

    /// An unconfirmed document that the cursor has passed.
    pub(super) fn next_unconfirmed(&self) -> Option<(&DocumentId, u64)> {
        let mut unconfirmed = self.unconfirmed.iter().map(|(id, seq)| (id, *seq));
        unconfirmed.find(|(_, seq)| *seq <= self.cursor)
    }

    /// Takes the changes that were read, and makes a batch of them. The batch ends before the first
    /// large document that the client may have: such documents are offered first.
    pub fn changes(
        &mut self,
        now: Time,
        number: Channel,
        page: &Page,
        limits: &Limits,
    ) -> (Option<Changes>, Option<Offer>) {
        match self.reading.take() {
            Some(Reading::Unconfirmed(id)) => (self.confirm(now, number, &id, &page.records), None),
            Some(Reading::Feed(at)) => self.feed(now, number, page, at, limits),
            other => {
                self.reading = other;
                (None, None)
            }
        }
    }

    /// Takes a page of the feed of a database that was at the update sequence `at` before it was read.
    fn feed(
        &mut self,
        now: Time,
        number: Channel,
        page: &Page,
        at: u64,
        limits: &Limits,
    ) -> (Option<Changes>, Option<Offer>) {
        let mut packer = Packer::default();
        let mut offered = Vec::new();
        for record in &page.records {
            let (document, known) = self.outgoing(record);
            if let Some(document) = &document
                && known == Known::Unsure
                && self.offers.as_ref().is_some_and(|it| it.is_due(document, limits.offer))
            {
                offered.push(document.clone());
            }
            if offered.len() == OFFERED_LIMIT {
                break;
            }
            if !offered.is_empty() {
                continue;
            }
            if document.is_some_and(|document| packer.add(document, limits).is_some()) {
                break;
            }
            if let Some(offers) = &mut self.offers {
                offers.done(&record.id);
            }
            debug_assert!(self.cursor < record.seq, "the feed is read forwards");
            self.cursor = record.seq;
            self.unconfirmed.remove(&record.id);
        }
        let is_read = page.records.last().is_none_or(|last| last.seq <= self.cursor);
        if page.is_last && is_read && !self.is_receiving() {
            self.reach_end(self.cursor.max(at));
        }
        let batch = (!packer.documents.is_empty()).then(|| {
            self.announced = self.cursor;
            self.batch(now, number, &packer, Some(self.cursor))
        });
        let offers = self.offers.as_mut().filter(|_| !offered.is_empty());
        let offer = offers.map(|offers| offers.make(now, number, &offered));
        (batch, offer)
    }

    /// What the client has to be sent of a record, if anything, and what it may have of it.
    fn outgoing(&self, record: &Record) -> (Option<ReplicatedDocument>, Known) {
        let known = if self.unconfirmed.contains_key(&record.id) {
            Known::Unsure
        } else if record.seq <= self.empty_until {
            Known::Nothing
        } else {
            self.caught_up.map_or(Known::Unsure, Known::Until)
        };
        let skip = |revision| self.has_received(&record.id, revision);
        (record.outgoing_since(known, skip), known)
    }

    /// Whether the client has sent the revision.
    fn has_received(&self, id: &DocumentId, revision: Revision) -> bool {
        self.received.get(id).is_some_and(|received| received.contains(&revision))
    }

    /// Makes a batch of an unconfirmed document with all of its revisions, if the client lacks any.
    fn confirm(
        &mut self,
        now: Time,
        number: Channel,
        id: &DocumentId,
        records: &[Arc<Record>],
    ) -> Option<Changes> {
        let Some(record) = records.first().filter(|record| record.id == *id) else {
            // It has changed since, so the feed will come to it.
            self.unconfirmed.insert(id.clone(), u64::MAX);
            return None;
        };
        self.unconfirmed.remove(id);
        let skip = |revision| self.has_received(id, revision);
        if matches!(record.tree.leaves().as_slice(), [leaf] if skip(leaf.revision)) {
            return None;
        }
        let document = record.outgoing_since(Known::Unsure, skip)?;
        let packer = Packer { weight: document.weight(), documents: vec![document] };
        Some(self.batch(now, number, &packer, None))
    }

    /// The next documents to look up, of the client's offer or of those that it wants.
    pub fn next_find(&mut self, limits: &Limits) -> Option<Vec<DocumentId>> {
        if self.reading.is_none()
            && self.uncommitted.is_empty()
            && let Some(offered) = self.offered.take()
        {
            let ids = offered.documents.iter().map(|offered| offered.id.clone()).collect();
            self.start_reading(Reading::Offered(offered));
            return Some(ids);
        }
        let is_possible = self.reading.is_none() && self.in_flight.has_credit(limits);
        let Some(Comparison::Sending { wanted, .. }) = &mut self.comparison else { return None };
        if !is_possible || wanted.is_empty() {
            return None;
        }
        let ids: Vec<DocumentId> = wanted.drain(..wanted.len().min(FIND_LIMIT)).collect();
        self.start_reading(Reading::Wanted(ids.clone()));
        Some(ids)
    }

    /// Takes the records that were found. Makes a batch of the documents that the client wants, or
    /// the answer to its offer.
    pub fn found(
        &mut self,
        now: Time,
        number: Channel,
        records: &[Option<Arc<Record>>],
        limits: &Limits,
    ) -> Option<Message> {
        match self.reading.take() {
            Some(Reading::Wanted(ids)) => {
                self.wanted(now, number, ids, records, limits).map(Message::from)
            }
            Some(Reading::Offered(offered)) => Some(self.answer(offered, records).into()),
            other => {
                self.reading = other;
                None
            }
        }
    }

    fn wanted(
        &mut self,
        now: Time,
        number: Channel,
        ids: Vec<DocumentId>,
        records: &[Option<Arc<Record>>],
        limits: &Limits,
    ) -> Option<Changes> {
        assert_eq!(ids.len(), records.len(), "each document was looked up");
        let mut packer = Packer::default();
        let mut sent = 0;
        for record in records {
            let whole =
                record.as_ref().and_then(|record| record.outgoing_since(Known::Unsure, |_| false));
            if whole.is_some_and(|document| packer.add(document, limits).is_some()) {
                break;
            }
            sent += 1;
        }
        if let Some(Comparison::Sending { wanted, .. }) = &mut self.comparison {
            ids.into_iter().skip(sent).rev().for_each(|id| wanted.push_front(id));
        }
        let has_some = !packer.documents.is_empty();
        has_some.then(|| self.batch(now, number, &packer, None))
    }

    fn answer(&mut self, offered: Offer, records: &[Option<Arc<Record>>]) -> Lacking {
        assert_eq!(offered.documents.len(), records.len(), "each document was looked up");
        let (known, lacking) = offer::compare(offered, Some(records));
        let known = known.into_iter().map(|known| (known.id, known.revisions));
        self.known_from_offer = known.collect();
        lacking
    }

    /// A batch without documents, if there is nothing more to send and the client doesn't know how far
    /// it has read.
    pub fn announce(&mut self, now: Time, number: Channel) -> Option<Changes> {
        assert!(self.announced <= self.cursor, "nothing is announced before it was read");
        let is_at_rest = self.caught_up == Some(self.cursor)
            && self.reading.is_none()
            && self.uncommitted.is_empty()
            && self.in_flight.is_empty();
        (is_at_rest && self.announced < self.cursor).then(|| {
            self.announced = self.cursor;
            self.batch(now, number, &Packer::default(), Some(self.cursor))
        })
    }

    pub(super) fn batch(
        &mut self,
        now: Time,
        number: Channel,
        packer: &Packer,
        seq: Option<u64>,
    ) -> Changes {
        assert!(
            seq.is_none_or(|seq| seq == self.cursor && seq == self.announced),
            "a checkpoint is where the feed was read to"
        );
        Changes {
            channel: number,
            batch: self.in_flight.push(now, packer.weight, ()),
            seq,
            documents: packer.documents.iter().map(WireDocument::from).collect(),
            latest: seq.is_none_or(|seq| seq < self.latest).then_some(self.latest),
        }
    }
}
