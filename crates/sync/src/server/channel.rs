//! The server's side of one channel.

mod received;
mod sent;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use settee_store::{DocumentId, Revision};

use super::{
    comparison::{self, Comparison},
    grant::Grant,
};
use crate::{
    access::Role,
    checkpoint::Checkpoint,
    digest::{Digest, Digests},
    in_flight::{InFlight, Packer},
    limits::Limits,
    message::{BatchNumber, Changes, Channel, Differences, Lacking, Offer, Opened},
    offer::Offers,
    send_window::SendWindow,
    time::Time,
};
pub(super) use received::Rejection;
use received::{Uncommitted, WithheldAck};

#[derive(Debug)]
pub(super) struct ServerChannel {
    /// The checkpoint that the client showed when it opened the channel.
    checkpoint: Option<Checkpoint>,
    /// Set once the channel is granted.
    role: Option<Role>,
    /// How far the database was read for this client.
    cursor: u64,
    /// The sequence of the last checkpoint that the client was told. It may lag behind the cursor.
    announced: u64,
    /// A client that began empty is sent only the leaves of documents that last changed at or before
    /// this sequence.
    empty_until: u64,
    /// The cursor when reading last found nothing more. Before that, all revisions of a document are
    /// named: a document may have moved past the cursor with revisions that the client never got.
    caught_up: Option<u64>,
    /// The highest update sequence that the database is known to have had.
    latest: u64,
    /// What is being read. There is one reader at a time.
    reading: Option<Reading>,
    /// Documents that the client has sent without anything new, with their sequences. It may not
    /// know what has become of its revision, because an empty client is sent no deleted documents.
    unconfirmed: BTreeMap<DocumentId, u64>,
    /// Acknowledgements that wait until the unconfirmed documents are sent. If they were sent first
    /// and the connection broke, nobody would send these documents again.
    withheld_acks: Vec<WithheldAck>,
    in_flight: InFlight<()>,
    /// Batches that are being committed, in order.
    uncommitted: VecDeque<Uncommitted>,
    /// The revisions that this client has sent, until the cursor has passed them. They are not sent
    /// back. They are kept by document, because documents with the same body have revisions with the
    /// same name.
    received: HashMap<DocumentId, HashSet<Revision>>,
    /// The offers to the client; `None` if its version has no offers.
    offers: Option<Offers>,
    /// The client's offer, until its documents are looked up.
    offered: Option<Offer>,
    /// The revisions of the client's latest offer whose bodies are here. It sends them without.
    known_from_offer: HashMap<DocumentId, Vec<Revision>>,
    /// Set if this side has lost something that the client has read.
    comparison: Option<Comparison>,
    /// Somebody is here, and wants to know who else is.
    pub is_here: bool,
}

/// What is being read for a channel.
#[derive(Debug)]
enum Reading {
    /// The changes after the cursor, of a database that was at this update sequence.
    Feed(u64),
    /// An unconfirmed document that the cursor has passed.
    Unconfirmed(DocumentId),
    /// Documents that the client wants, in this order.
    Wanted(Vec<DocumentId>),
    /// The documents of the client's offer.
    Offered(Offer),
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
            unconfirmed: BTreeMap::new(),
            withheld_acks: Vec::new(),
            in_flight: InFlight::default(),
            uncommitted: VecDeque::new(),
            received: HashMap::new(),
            offers: has_offers.then(Offers::default),
            offered: None,
            known_from_offer: HashMap::new(),
            comparison: None,
            is_here: false,
        }
    }

    pub fn grant(
        &mut self,
        number: Channel,
        grant: &Grant,
        knows_helpers: bool,
        limits: &Limits,
    ) -> Opened {
        assert!(self.role.is_none(), "a channel is granted once");
        let Grant { role, position, resumed } = *grant;
        let role = if role == Role::Helper && !knows_helpers { Role::Viewer } else { role };
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

    /// Somebody is here, or nobody any more. False if the channel isn't open.
    pub fn show(&mut self, is_here: bool) -> bool {
        self.is_here = is_here;
        self.role.is_some()
    }

    /// The database has reached this update sequence.
    pub fn raise_latest(&mut self, seq: u64) {
        self.latest = self.latest.max(seq);
    }

    /// The client has acknowledged a batch. False if no such batch waits for it.
    pub fn acknowledged(
        &mut self,
        now: Time,
        batch: BatchNumber,
        window: &mut SendWindow,
        limits: &Limits,
    ) -> bool {
        self.in_flight.acknowledge(now, batch, window, limits).is_some()
    }

    /// Since when the client has not answered: acknowledged a batch, or said what it lacks of an offer.
    pub fn waiting_since(&self) -> Option<Time> {
        let offered = self.offers.as_ref().and_then(Offers::waiting_since);
        let offered = offered.map(|since| self.in_flight.acknowledged_since(since));
        self.in_flight.waiting_since().into_iter().chain(offered).min()
    }

    /// The weight of the batches in flight to the client.
    pub fn weight_in_flight(&self) -> usize {
        self.in_flight.weight()
    }

    /// Takes the client's answer to an offer. False if no such offer was made.
    pub fn offer_answered(&mut self, lacking: Lacking) -> bool {
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

    /// The first half of a comparison, during which the client must not send documents.
    fn is_comparing(&self) -> bool {
        matches!(self.comparison, Some(Comparison::Awaited | Comparison::Digesting { .. }))
    }

    /// Takes the client's digests. False if they were not awaited.
    pub fn compare(&mut self, buckets: Vec<Digest>) -> bool {
        let is_awaited = matches!(self.comparison, Some(Comparison::Awaited));
        if is_awaited {
            self.comparison = Some(Comparison::Digesting { buckets });
        }
        is_awaited
    }

    /// Takes the digests of this side's documents, and returns the differences.
    pub fn differences(
        &mut self,
        number: Channel,
        digests: &Digests,
        limits: &Limits,
    ) -> Option<Differences> {
        let Some(Comparison::Digesting { buckets }) = &self.comparison else { return None };
        let differences = comparison::differences(number, buckets, digests, limits.credit);
        self.raise_latest(differences.seq);
        let seq = differences.seq;
        self.comparison = differences.documents.as_ref().map(|documents| {
            let named = documents.iter().map(|document| document.id.clone()).collect();
            Comparison::Answered { seq, named }
        });
        Some(differences)
    }

    /// Takes the documents that the client wants. False if it was not asked, or if a document was
    /// not named to it.
    pub fn want(&mut self, ids: Vec<DocumentId>) -> bool {
        let Some(Comparison::Answered { seq, named }) = &mut self.comparison else { return false };
        let is_right = ids.iter().all(|id| named.remove(id));
        self.comparison = Some(Comparison::Sending { seq: *seq, wanted: ids.into() });
        is_right
    }

    /// Ends a comparison once everything is sent that the client wants. The client then has
    /// everything that the database had when it was digested.
    pub fn compared(&mut self, now: Time, number: Channel) -> Option<Changes> {
        let Some(Comparison::Sending { seq, wanted }) = &self.comparison else { return None };
        if !wanted.is_empty() || self.reading.is_some() {
            return None;
        }
        assert!(self.cursor <= *seq, "the feed is not read during a comparison");
        self.cursor = *seq;
        self.announced = *seq;
        // The client was asked about these documents, and was sent what it lacks of them.
        self.unconfirmed.retain(|_, at| *at > self.cursor);
        self.comparison = None;
        Some(self.batch(now, number, &Packer::default(), Some(self.cursor)))
    }

    /// Everything up to this sequence was sent, or isn't needed.
    fn reach_end(&mut self, seq: u64) {
        assert!(self.cursor <= seq, "the feed is read forwards");
        self.cursor = seq;
        self.raise_latest(seq);
        self.caught_up = Some(seq);
        self.received.clear();
    }

    fn start_reading(&mut self, reading: Reading) {
        let previous = self.reading.replace(reading);
        assert!(previous.is_none(), "one reader at a time reads for a channel");
    }
}
