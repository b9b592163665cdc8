//! What a client sends on a channel: batches to be committed, and offers.

use settee_store::{DocumentId, Revision, forgotten::Forgotten, replication::ReplicatedDocument};

use super::{Reading, ServerChannel};
use crate::{
    limits::{Limits, OFFERED_LIMIT},
    message::{Acknowledge, BatchNumber, Changes, Channel, Offer, Refusal},
    server::grant::Committed,
};

/// What a batch takes besides its documents, in bytes.
const BATCH_COST: usize = 48;
/// What a document takes that fails the checks, in bytes.
const REFUSAL_COST: usize = 100;
/// The most documents of which a channel remembers what the client has sent.
const REMEMBERED_LIMIT: usize = 16 * 1024;
/// The credit that clients of version 1 use, because they are told no limits.
const DEFAULT_CREDIT: usize = 1024 * 1024;
/// The documents in a batch that clients of version 1 use.
const DEFAULT_DOCUMENTS: usize = 4096;

/// A batch that is being committed.
#[derive(Debug)]
pub(super) struct Uncommitted {
    batch: BatchNumber,
    weight: usize,
    /// The client had acknowledged everything when it sent the batch.
    is_current: bool,
    /// The documents that are being committed, in order.
    documents: Vec<ReceivedDocument>,
    /// The documents that failed the checks.
    refused: Vec<Refusal>,
}

/// What the channel remembers of a document while it is being committed.
#[derive(Debug)]
struct ReceivedDocument {
    id: DocumentId,
    /// The revisions whose bodies the client has.
    revisions: Vec<Revision>,
    /// The revisions that the client holds to be closed.
    forgotten: Forgotten,
    /// The revision that all others lead to.
    latest: Option<Revision>,
    /// No body was left out, so the client has everything that its edits are based on.
    is_complete: bool,
}

/// An acknowledgement that waits, with the weight of its batch.
#[derive(Debug)]
pub(super) struct WithheldAck {
    acknowledge: Acknowledge,
    weight: usize,
}

/// Why a batch or an offer is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::server) enum Rejection {
    /// The channel is not granted yet, or the two databases are being compared.
    NotOpen,
    /// The previous offer is not answered yet.
    TooEarly,
    ReadOnly,
    Overload,
}

impl ReceivedDocument {
    /// `known` are the revisions that the client has offered and whose bodies were here.
    fn of(document: &ReplicatedDocument, latest: Option<Revision>, known: Vec<Revision>) -> Self {
        let has_body = document.revisions.iter().filter(|revision| revision.body.is_some());
        let revisions = has_body.map(|revision| revision.revision).chain(known).collect();
        Self {
            id: document.id.clone(),
            revisions,
            forgotten: document.forgotten.clone(),
            latest,
            is_complete: document.is_complete(),
        }
    }
}

impl ServerChannel {
    /// Takes a batch from the client. Returns the documents that pass the checks, to be committed.
    pub fn receive(
        &mut self,
        changes: Changes,
        limits: &Limits,
    ) -> Result<(BatchNumber, Vec<ReplicatedDocument>), Rejection> {
        let role = self.role.ok_or(Rejection::NotOpen)?;
        if self.is_comparing() {
            return Err(Rejection::NotOpen);
        }
        if !role.can_write() {
            return Err(Rejection::ReadOnly);
        }
        // A client may fill its credit, and then send one more batch. One of version 1 was told no
        // credit.
        let credit = limits.credit.max(if self.offers.is_some() { 0 } else { DEFAULT_CREDIT });
        let is_crowded = changes.documents.len() > limits.batch_documents.max(DEFAULT_DOCUMENTS);
        if is_crowded || self.unacknowledged_weight() >= credit + limits.frame {
            return Err(Rejection::Overload);
        }
        let mut refused = Vec::new();
        let mut documents = Vec::with_capacity(changes.documents.len());
        let mut received = Vec::with_capacity(changes.documents.len());
        for document in changes.documents {
            match document.verify() {
                Ok(verified) => {
                    let known = self.known_from_offer.remove(&verified.id).unwrap_or_default();
                    let revision = verified.told().first().copied();
                    received.push(ReceivedDocument::of(&verified, revision, known));
                    documents.push(verified);
                }
                Err(error) => refused.push(Refusal {
                    reason: error.to_string(),
                    revision: document.told(),
                    id: document.id,
                }),
            }
        }
        self.uncommitted.push_back(Uncommitted {
            batch: changes.batch,
            is_current: self.in_flight.is_empty(),
            weight: BATCH_COST
                + REFUSAL_COST * refused.len()
                + documents.iter().map(ReplicatedDocument::weight).sum::<usize>(),
            documents: received,
            refused,
        });
        Ok((changes.batch, documents))
    }

    /// The weight of the client's batches that are not acknowledged yet.
    fn unacknowledged_weight(&self) -> usize {
        let withheld = self.withheld_acks.iter().map(|withheld| withheld.weight);
        self.uncommitted.iter().map(|batch| batch.weight).chain(withheld).sum()
    }

    /// The oldest uncommitted batch is durable now, or its documents are refused.
    pub fn committed(&mut self, number: Channel, batch: BatchNumber, (outcomes, seq): Committed) {
        let next = self.uncommitted.pop_front_if(|waiting| waiting.batch == batch);
        let Some(done) = next else { return };
        assert_eq!(done.documents.len(), outcomes.len(), "each document has its outcome");
        let mut refused = done.refused;
        let mut changed = 0;
        let mut is_known = done.is_current;
        for (document, outcome) in done.documents.into_iter().zip(outcomes) {
            let ReceivedDocument { id, revisions, forgotten, latest, is_complete } = document;
            match outcome {
                Ok(applied) => {
                    changed += u64::from(applied.changed);
                    let is_hidden = revisions.iter().any(|sent| forgotten.contains(*sent));
                    is_known &= is_complete && !applied.is_contested && !is_hidden;
                    if !applied.changed {
                        self.unconfirmed.insert(id.clone(), applied.seq);
                    }
                    self.remember(id, revisions, &forgotten);
                }
                Err(reason) => {
                    refused.push(Refusal { id, reason, revision: latest });
                }
            }
        }
        self.raise_latest(seq);
        // If nobody else has changed anything in between, the client has everything up to `seq`.
        let is_alone = self.caught_up == Some(self.cursor)
            && self.reading.is_none()
            && self.unconfirmed.is_empty()
            && is_known
            && seq == self.cursor + changed;
        if is_alone {
            self.reach_end(seq);
            self.announced = seq;
        }
        let is_current = is_alone.then_some(true);
        let seq = Some(seq);
        let acknowledge = Acknowledge { channel: number, batch, refused, seq, is_current };
        self.withheld_acks.push(WithheldAck { acknowledge, weight: done.weight });
    }

    /// Remembers what the client has sent, so that it isn't sent back. That is forgotten where the
    /// client goes on sending but takes nothing, and then it gets its own revisions once more.
    ///
    /// What the client holds to be closed isn't remembered. If it is a leaf here, the client has to be
    /// told, even of its own edit: a server that has lost something may have closed it before.
    fn remember(&mut self, id: DocumentId, revisions: Vec<Revision>, forgotten: &Forgotten) {
        if self.received.len() >= REMEMBERED_LIMIT {
            self.received.clear();
        }
        let received = self.received.entry(id).or_default();
        received.extend(revisions);
        if !forgotten.is_empty() {
            received.retain(|revision| !forgotten.contains(*revision));
        }
    }

    /// The acknowledgements that may be sent now.
    pub fn acknowledgements(&mut self) -> Vec<Acknowledge> {
        if self.next_unconfirmed().is_some() {
            return Vec::new();
        }
        let withheld = std::mem::take(&mut self.withheld_acks);
        withheld.into_iter().map(|withheld| withheld.acknowledge).collect()
    }

    /// Takes the client's offer. Its documents are looked up next.
    pub fn receive_offer(&mut self, offer: Offer) -> Result<(), Rejection> {
        let role = self.role.ok_or(Rejection::NotOpen)?;
        if !role.can_write() {
            return Err(Rejection::ReadOnly);
        }
        if self.offers.is_none() || self.is_comparing() {
            return Err(Rejection::NotOpen);
        }
        if offer.documents.len() > OFFERED_LIMIT {
            return Err(Rejection::Overload);
        }
        if self.offered.is_some() || matches!(self.reading, Some(Reading::Offered(_))) {
            return Err(Rejection::TooEarly);
        }
        self.offered = Some(offer);
        Ok(())
    }
}
