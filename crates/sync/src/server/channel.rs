//! The server's side of one channel.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use settee_store::{
    DocumentId, Record, Revision,
    replication::{Known, ReplicatedDocument},
};

use super::{
    Committed, Grant,
    comparison::{self, Comparison},
};
use crate::{
    access::Role,
    checkpoint::Checkpoint,
    digest::{Digest, Digests},
    flight::{Flight, Packer},
    limits::{Limits, OFFERED_LIMIT},
    message::{
        Acknowledge, BatchNumber, Changes, Channel, Differences, Lacking, Message, Offer, Opened,
        Refusal, WireDocument,
    },
    offer::{self, Offers},
    pace::Pace,
    time::Time,
};

/// Most documents that are read at once of those that a client wants.
const FIND_LIMIT: usize = 32;
/// What a batch takes besides its documents, and a document that is refused unread, in bytes.
const BATCH_COST: usize = 48;
const REFUSAL_COST: usize = 100;
/// What clients of version 1 go by: they are told no limits.
const DEFAULT_CREDIT: usize = 1024 * 1024;
const DOCUMENTS: usize = 4096;
/// Documents that a client may send before it is read for: with more of them it is read for in
/// between, though it goes on sending.
const RECEIVED: usize = 4096;

#[derive(Debug)]
pub(super) struct ServerChannel {
    /// What the client showed when it opened the channel.
    checkpoint: Option<Checkpoint>,
    role: Option<Role>,
    /// How far the database was read for this client.
    cursor: u64,
    /// How far the client knows that it has read.
    announced: u64,
    /// A client that began with nothing gets leaves alone of what didn't change since then.
    empty_until: u64,
    /// Where reading last found nothing more. Before that, a document may have moved past the
    /// cursor with revisions that the client never saw, so all are named.
    caught_up: Option<u64>,
    /// The latest update sequence that the database is known to have.
    latest: u64,
    reading: Option<Reading>,
    /// Documents that the client has sent nothing new of, with where they are. It may not know
    /// what has become of its revision, for who begins empty hears of no deleted documents.
    doubtful: BTreeMap<DocumentId, u64>,
    /// What is to be acknowledged once such documents are sent, or nobody would send them again.
    held: Vec<Held>,
    flight: Flight<()>,
    /// Batches that wait to be committed, with their weights and the refusals already known.
    uncommitted: VecDeque<Uncommitted>,
    /// What this client has sent, until the cursor has passed it: it isn't sent back. A revision's
    /// name doesn't tell documents apart that say the same.
    received: HashMap<DocumentId, HashSet<Revision>>,
    /// What is offered to the client, if it knows of offers.
    offers: Option<Offers>,
    /// What the client offers, until it is looked for here.
    offered: Option<Offer>,
    /// What was here already of the client's latest offer: it comes without these bodies.
    known: HashMap<DocumentId, Vec<Revision>>,
    /// Where this side has lost something that the client has read.
    comparison: Option<Comparison>,
}

/// An acknowledgement that waits, with the weight of its batch.
#[derive(Debug)]
struct Held {
    acknowledge: Acknowledge,
    weight: usize,
}

/// What was asked for.
#[derive(Debug)]
enum Reading {
    /// What follows the cursor, of a database that was known to be at this update sequence.
    Feed(u64),
    /// A doubtful document that the cursor has passed.
    Doubtful(DocumentId),
    /// Documents that the client wants, in this order.
    Wanted(Vec<DocumentId>),
    /// Documents that the client offers.
    Offered(Offer),
}

#[derive(Debug)]
struct Uncommitted {
    batch: BatchNumber,
    weight: usize,
    /// The client had heard of everything that was sent to it.
    is_current: bool,
    /// The documents to be committed, in order.
    documents: Vec<Sent>,
    refused: Vec<Refusal>,
}

/// What is to be remembered of a document.
#[derive(Debug)]
struct Sent {
    id: DocumentId,
    /// Those that the client has the bodies of.
    revisions: Vec<Revision>,
    latest: Option<Revision>,
    /// It has them all: it has forgotten nothing that its edits are based on.
    is_complete: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum TakeError {
    NotOpen,
    /// The offer before is not answered yet.
    TooEarly,
    ReadOnly,
    Overload,
}

impl Sent {
    /// `known` are those that were offered, and are here.
    fn of(document: &ReplicatedDocument, latest: Option<Revision>, known: Vec<Revision>) -> Self {
        let has_body = document.revisions.iter().filter(|revision| revision.body.is_some());
        let revisions = has_body.map(|revision| revision.revision).chain(known).collect();
        Self { id: document.id.clone(), revisions, latest, is_complete: document.is_complete() }
    }
}

impl ServerChannel {
    pub fn new(checkpoint: Option<Checkpoint>, has_offers: bool) -> Self {
        Self {
            checkpoint,
            role: None,
            cursor: 0,
            announced: 0,
            empty_until: 0,
            caught_up: None,
            latest: 0,
            reading: None,
            doubtful: BTreeMap::new(),
            held: Vec::new(),
            flight: Flight::default(),
            uncommitted: VecDeque::new(),
            received: HashMap::new(),
            offers: has_offers.then(Offers::default),
            offered: None,
            known: HashMap::new(),
            comparison: None,
        }
    }

    pub fn grant(&mut self, number: Channel, grant: &Grant, limits: &Limits) -> Opened {
        let Grant { role, position, resumed } = *grant;
        self.role = Some(role);
        self.latest = self.latest.max(position.seq);
        match self.checkpoint {
            Some(checkpoint) if resumed => {
                self.cursor = checkpoint.seq;
                self.announced = checkpoint.seq;
            }
            Some(checkpoint) if checkpoint.is_void() => {}
            Some(_) => self.comparison = Some(Comparison::Awaited),
            None => self.empty_until = position.seq,
        }
        Opened {
            channel: number,
            role,
            incarnation: position.incarnation,
            run: position.run,
            seq: position.seq,
            resumed,
            allowance: Some(limits.allowance()),
        }
    }

    /// Documents from the client: what is well formed is to be committed.
    pub fn take(
        &mut self,
        changes: Changes,
        limits: &Limits,
    ) -> Result<(BatchNumber, Vec<ReplicatedDocument>), TakeError> {
        let role = self.role.ok_or(TakeError::NotOpen)?;
        if self.is_comparing() {
            return Err(TakeError::NotOpen);
        }
        if !role.can_write() {
            return Err(TakeError::ReadOnly);
        }
        // A client may fill its credit, and then send the one batch that passes it. One of version 1
        // was told nothing of credit.
        let credit = limits.credit.max(if self.offers.is_some() { 0 } else { DEFAULT_CREDIT });
        let held = self.held.iter().map(|held| held.weight);
        let waiting: usize = self.uncommitted.iter().map(|batch| batch.weight).chain(held).sum();
        let is_crowded = changes.documents.len() > limits.batch_documents.max(DOCUMENTS);
        if is_crowded || waiting >= credit + limits.frame {
            return Err(TakeError::Overload);
        }
        let mut refused = Vec::new();
        let mut documents = Vec::with_capacity(changes.documents.len());
        let mut sent = Vec::with_capacity(changes.documents.len());
        for document in changes.documents {
            let id = document.id.clone();
            let revision = document.told();
            match document.verify() {
                Ok(document) => {
                    let known = self.known.remove(&id).unwrap_or_default();
                    sent.push(Sent::of(&document, revision, known));
                    documents.push(document);
                }
                Err(error) => refused.push(Refusal { id, reason: error.to_string(), revision }),
            }
        }
        self.uncommitted.push_back(Uncommitted {
            batch: changes.batch,
            is_current: self.flight.is_empty(),
            weight: BATCH_COST
                + REFUSAL_COST * refused.len()
                + documents.iter().map(ReplicatedDocument::weight).sum::<usize>(),
            documents: sent,
            refused,
        });
        Ok((changes.batch, documents))
    }

    pub fn committed(&mut self, number: Channel, batch: BatchNumber, (outcomes, seq): Committed) {
        let next = self.uncommitted.pop_front_if(|waiting| waiting.batch == batch);
        let Some(done) = next else { return };
        let mut refused = done.refused;
        let mut changed = 0;
        let mut is_known = done.is_current;
        for (Sent { id, revisions, latest, is_complete }, outcome) in
            done.documents.into_iter().zip(outcomes)
        {
            match outcome {
                Ok(applied) => {
                    changed += u64::from(applied.changed);
                    is_known &= is_complete && !applied.is_contested;
                    if !applied.changed {
                        self.doubtful.insert(id.clone(), applied.seq);
                    }
                    self.received.entry(id).or_default().extend(revisions);
                }
                Err(reason) => {
                    refused.push(Refusal { id, reason, revision: latest });
                }
            }
        }
        self.latest = self.latest.max(seq);
        // When nothing of others came between, the client is where the database is.
        let is_alone = self.caught_up == Some(self.cursor)
            && self.reading.is_none()
            && self.doubtful.is_empty()
            && is_known
            && self.uncommitted.is_empty()
            && seq == self.cursor + changed;
        if is_alone {
            self.reach_end(seq);
            self.announced = seq;
        }
        let is_current = is_alone.then_some(true);
        let seq = Some(seq);
        let acknowledge = Acknowledge { channel: number, batch, refused, seq, is_current };
        self.held.push(Held { acknowledge, weight: done.weight });
    }

    /// What is committed, and may be acknowledged now.
    pub fn acknowledgements(&mut self) -> Vec<Acknowledge> {
        if self.next_doubtful().is_some() {
            return Vec::new();
        }
        std::mem::take(&mut self.held).into_iter().map(|held| held.acknowledge).collect()
    }

    fn next_doubtful(&self) -> Option<(&DocumentId, u64)> {
        let mut known = self.doubtful.iter().map(|(id, seq)| (id, *seq));
        known.find(|(_, seq)| *seq <= self.cursor)
    }

    pub fn news(&mut self, seq: u64) {
        self.latest = self.latest.max(seq);
    }

    /// What to read next, if there is something, and room to send it.
    pub fn next_read(&mut self, limits: &Limits) -> Option<(u64, usize)> {
        let is_free = self.offers.as_ref().is_none_or(|offers| offers.since().is_none());
        let is_possible = self.role.is_some()
            && self.reading.is_none()
            && is_free
            && self.comparison.is_none()
            && (self.uncommitted.is_empty() || self.received.len() >= RECEIVED)
            && self.flight.has_credit(limits);
        if !is_possible {
            return None;
        }
        if let Some((id, seq)) = self.next_doubtful() {
            let since = seq.saturating_sub(1);
            self.reading = Some(Reading::Doubtful(id.clone()));
            return Some((since, 1));
        }
        // Only who is given nothing knows that there is no more: a page may be cut anywhere.
        let is_due = self.cursor < self.latest || self.caught_up != Some(self.cursor);
        is_due.then(|| {
            self.reading = Some(Reading::Feed(self.latest));
            (self.cursor, limits.batch_documents)
        })
    }

    /// Makes a batch of what was read. With large documents that the client may have it ends, and
    /// these are offered first.
    pub fn changes(
        &mut self,
        now: Time,
        number: Channel,
        records: &[Arc<Record>],
        limits: &Limits,
    ) -> (Option<Changes>, Option<Offer>) {
        let at = match self.reading.take() {
            Some(Reading::Doubtful(id)) => return (self.doubtful(now, number, &id, records), None),
            Some(Reading::Feed(at)) => at,
            other => {
                self.reading = other;
                return (None, None);
            }
        };
        if records.is_empty() {
            self.reach_end(self.cursor.max(at));
            return (None, None);
        }
        let mut packer = Packer::default();
        let mut offered = Vec::new();
        for record in records {
            let known = if self.doubtful.contains_key(&record.id) {
                Known::Unsure
            } else if record.seq <= self.empty_until {
                Known::Nothing
            } else {
                self.caught_up.map_or(Known::Unsure, Known::Until)
            };
            let received = self.received.get(&record.id);
            let skip = |revision| received.is_some_and(|known| known.contains(&revision));
            let document = record.outgoing_since(known, skip);
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
                offers.sent(&record.id);
            }
            self.cursor = record.seq;
            self.doubtful.remove(&record.id);
        }
        let batch = (!packer.documents.is_empty()).then(|| {
            self.announced = self.cursor;
            self.batch(now, number, &packer, Some(self.cursor))
        });
        let offers = self.offers.as_mut().filter(|_| !offered.is_empty());
        let offer = offers.map(|offers| offers.make(now, number, &offered));
        (batch, offer)
    }

    /// The client's answer to an offer. Tells whether there was one, and it was about that.
    pub fn answered(&mut self, lacking: Lacking) -> bool {
        let Some(offers) = &mut self.offers else { return false };
        let Some(ids) = offers.answer(lacking) else { return false };
        for id in ids {
            let known = offers.known(&id);
            if !known.is_empty() {
                self.received.entry(id).or_default().extend(known);
            }
        }
        true
    }

    /// What the client offers, to be looked for.
    pub fn take_offer(&mut self, offer: Offer) -> Result<(), TakeError> {
        let role = self.role.ok_or(TakeError::NotOpen)?;
        if !role.can_write() {
            return Err(TakeError::ReadOnly);
        }
        if self.offers.is_none() || self.is_comparing() {
            return Err(TakeError::NotOpen);
        }
        if offer.documents.len() > OFFERED_LIMIT {
            return Err(TakeError::Overload);
        }
        if self.offered.is_some() || matches!(self.reading, Some(Reading::Offered(_))) {
            return Err(TakeError::TooEarly);
        }
        self.offered = Some(offer);
        Ok(())
    }

    /// The first half of a comparison, in which the client must not send anything yet.
    fn is_comparing(&self) -> bool {
        matches!(self.comparison, Some(Comparison::Awaited | Comparison::Digesting { .. }))
    }

    /// The client's digests. Tells whether they were waited for.
    pub fn compare(&mut self, buckets: Vec<Digest>) -> bool {
        let is_awaited = matches!(self.comparison, Some(Comparison::Awaited));
        if is_awaited {
            self.comparison = Some(Comparison::Digesting { buckets });
        }
        is_awaited
    }

    /// What differs, now that this side's documents are read.
    pub fn differences(
        &mut self,
        number: Channel,
        digests: Digests,
        limits: &Limits,
    ) -> Option<Differences> {
        let Some(Comparison::Digesting { buckets }) = &self.comparison else { return None };
        let differences = comparison::differences(number, buckets, digests, limits.credit);
        self.latest = self.latest.max(differences.seq);
        let seq = differences.seq;
        self.comparison = differences.documents.as_ref().map(|documents| {
            let named = documents.iter().map(|document| document.id.clone()).collect();
            Comparison::Answered { seq, named }
        });
        Some(differences)
    }

    /// What the client wants. Tells whether it was asked, and each of these was named to it.
    pub fn want(&mut self, ids: Vec<DocumentId>) -> bool {
        let Some(Comparison::Answered { seq, named }) = &mut self.comparison else { return false };
        let is_right = ids.iter().all(|id| named.remove(id));
        self.comparison = Some(Comparison::Sending { seq: *seq, wanted: ids.into() });
        is_right
    }

    /// The next documents to read of those that the client offers or wants.
    pub fn next_find(&mut self, limits: &Limits) -> Option<Vec<DocumentId>> {
        if self.reading.is_none()
            && self.uncommitted.is_empty()
            && let Some(offered) = self.offered.take()
        {
            let ids = offered.documents.iter().map(|offered| offered.id.clone()).collect();
            self.reading = Some(Reading::Offered(offered));
            return Some(ids);
        }
        let is_possible = self.reading.is_none() && self.flight.has_credit(limits);
        let Some(Comparison::Sending { wanted, .. }) = &mut self.comparison else { return None };
        if !is_possible || wanted.is_empty() {
            return None;
        }
        let ids: Vec<DocumentId> = wanted.drain(..wanted.len().min(FIND_LIMIT)).collect();
        self.reading = Some(Reading::Wanted(ids.clone()));
        Some(ids)
    }

    /// Makes a message of what was found: a batch of what the client wants, or an answer to what it
    /// offers.
    pub fn found(
        &mut self,
        now: Time,
        number: Channel,
        records: &[Option<Arc<Record>>],
        limits: &Limits,
    ) -> Option<Message> {
        let ids = match self.reading.take() {
            Some(Reading::Wanted(ids)) => ids,
            Some(Reading::Offered(offered)) => {
                let (known, lacking) = offer::compare(offered, Some(records));
                self.known = known.into_iter().map(|known| (known.id, known.revisions)).collect();
                return Some(lacking.into());
            }
            other => {
                self.reading = other;
                return None;
            }
        };
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
        has_some.then(|| self.batch(now, number, &packer, None).into())
    }

    /// Ends a comparison once everything is sent that was wanted: the client is where the database
    /// was then.
    pub fn compared(&mut self, now: Time, number: Channel) -> Option<Changes> {
        let Some(Comparison::Sending { seq, wanted }) = &self.comparison else { return None };
        if !wanted.is_empty() || self.reading.is_some() {
            return None;
        }
        self.cursor = *seq;
        self.announced = *seq;
        // What the client has of these it has been asked, and been sent what it lacks.
        self.doubtful.retain(|_, at| *at > self.cursor);
        self.comparison = None;
        Some(self.batch(now, number, &Packer::default(), Some(self.cursor)))
    }

    fn batch(&mut self, now: Time, number: Channel, packer: &Packer, seq: Option<u64>) -> Changes {
        Changes {
            channel: number,
            batch: self.flight.launch(now, packer.weight, ()),
            seq,
            documents: packer.documents.iter().map(WireDocument::from).collect(),
            latest: seq.is_none_or(|seq| seq < self.latest).then_some(self.latest),
        }
    }

    /// All of a document that the client lacks something of, if it does.
    fn doubtful(
        &mut self,
        now: Time,
        number: Channel,
        id: &DocumentId,
        records: &[Arc<Record>],
    ) -> Option<Changes> {
        let Some(record) = records.first().filter(|record| record.id == *id) else {
            // It has changed meanwhile, and comes in its turn.
            self.doubtful.insert(id.clone(), u64::MAX);
            return None;
        };
        self.doubtful.remove(id);
        let received = self.received.get(id);
        let skip = |revision| received.is_some_and(|known| known.contains(&revision));
        if matches!(record.tree.leaves().as_slice(), [leaf] if skip(leaf.revision)) {
            return None;
        }
        let document = record.outgoing_since(Known::Unsure, skip)?;
        let packer = Packer { weight: document.weight(), documents: vec![document] };
        Some(self.batch(now, number, &packer, None))
    }

    /// A batch without documents, when the client doesn't know how far it has come.
    pub fn announce(&mut self, now: Time, number: Channel) -> Option<Changes> {
        let is_due = self.role.is_some() && self.announced < self.cursor && self.flight.is_empty();
        is_due.then(|| {
            self.announced = self.cursor;
            self.batch(now, number, &Packer::default(), Some(self.cursor))
        })
    }

    pub fn landed(
        &mut self,
        now: Time,
        batch: BatchNumber,
        pace: &mut Pace,
        limits: &Limits,
    ) -> bool {
        self.flight.land(now, batch, pace, limits).is_some()
    }

    /// The weight of what is under way to the client.
    pub fn under_way(&self) -> usize {
        self.flight.weight()
    }

    fn reach_end(&mut self, seq: u64) {
        self.cursor = seq;
        self.latest = self.latest.max(seq);
        self.caught_up = Some(seq);
        self.received.clear();
    }
}
