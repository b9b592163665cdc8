//! The server's side of one channel.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use settee_store::{
    DocumentId, Record, Revision,
    replication::{Known, ReplicatedDocument},
};

use super::{Committed, Grant};
use crate::{
    access::Role,
    checkpoint::Checkpoint,
    flight::{Flight, Packer},
    limits::Limits,
    message::{Acknowledge, BatchNumber, Changes, Channel, Opened, Refusal, WireDocument},
    time::Time,
};

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
    is_reading: bool,
    flight: Flight<()>,
    /// Batches that wait to be committed, with their weights and the refusals already known.
    uncommitted: VecDeque<Uncommitted>,
    /// What this client has sent, until the cursor has passed it: it isn't sent back. A revision's
    /// name doesn't tell documents apart that say the same.
    received: HashMap<DocumentId, HashSet<Revision>>,
}

#[derive(Debug)]
struct Uncommitted {
    batch: BatchNumber,
    weight: usize,
    /// The documents to be committed, in order, with what is to be remembered of each.
    documents: Vec<(DocumentId, Vec<Revision>)>,
    refused: Vec<Refusal>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum TakeError {
    NotOpen,
    ReadOnly,
    Overload,
}

impl ServerChannel {
    pub fn new(checkpoint: Option<Checkpoint>) -> Self {
        Self {
            checkpoint,
            role: None,
            cursor: 0,
            announced: 0,
            empty_until: 0,
            caught_up: None,
            latest: 0,
            is_reading: false,
            flight: Flight::default(),
            uncommitted: VecDeque::new(),
            received: HashMap::new(),
        }
    }

    pub fn grant(&mut self, number: Channel, grant: &Grant) -> Opened {
        let Grant { role, position, resumed } = *grant;
        self.role = Some(role);
        self.latest = self.latest.max(position.seq);
        match self.checkpoint {
            Some(checkpoint) if resumed => {
                self.cursor = checkpoint.seq;
                self.announced = checkpoint.seq;
            }
            Some(_) => {}
            None => self.empty_until = position.seq,
        }
        Opened {
            channel: number,
            role,
            incarnation: position.incarnation,
            run: position.run,
            seq: position.seq,
            resumed,
        }
    }

    /// Documents from the client: what is well formed is to be committed.
    pub fn take(
        &mut self,
        changes: Changes,
        limits: &Limits,
    ) -> Result<(BatchNumber, Vec<ReplicatedDocument>), TakeError> {
        let role = self.role.ok_or(TakeError::NotOpen)?;
        if !role.can_write() {
            return Err(TakeError::ReadOnly);
        }
        // A client may fill its credit, and then send the one batch that passes it.
        let waiting: usize = self.uncommitted.iter().map(|batch| batch.weight).sum();
        if waiting >= limits.credit + limits.frame {
            return Err(TakeError::Overload);
        }
        let mut refused = Vec::new();
        let mut documents = Vec::with_capacity(changes.documents.len());
        for document in changes.documents {
            let id = document.id.clone();
            match document.verify() {
                Ok(document) => documents.push(document),
                Err(error) => refused.push(Refusal { id, reason: error.to_string() }),
            }
        }
        self.uncommitted.push_back(Uncommitted {
            batch: changes.batch,
            weight: documents.iter().map(ReplicatedDocument::weight).sum(),
            documents: documents.iter().map(|d| (d.id.clone(), d.told())).collect(),
            refused,
        });
        Ok((changes.batch, documents))
    }

    pub fn committed(
        &mut self,
        number: Channel,
        batch: BatchNumber,
        (outcomes, seq): Committed,
    ) -> Option<Acknowledge> {
        let done = self.uncommitted.pop_front_if(|waiting| waiting.batch == batch)?;
        let mut refused = done.refused;
        let mut changed = 0;
        for ((id, revisions), outcome) in done.documents.into_iter().zip(outcomes) {
            match outcome {
                Ok(applied) => {
                    changed += u64::from(applied.changed);
                    self.received.entry(id).or_default().extend(revisions);
                }
                Err(reason) => refused.push(Refusal { id, reason }),
            }
        }
        self.latest = self.latest.max(seq);
        // When nothing of others came between, the client is where the database is.
        let is_alone = self.caught_up == Some(self.cursor)
            && !self.is_reading
            && self.uncommitted.is_empty()
            && seq == self.cursor + changed;
        if is_alone {
            self.reach_end(seq);
            self.announced = seq;
        }
        Some(Acknowledge { channel: number, batch, refused, seq: is_alone.then_some(seq) })
    }

    pub fn news(&mut self, seq: u64) {
        self.latest = self.latest.max(seq);
    }

    /// What to read next, if there is something, and room to send it.
    pub fn next_read(&mut self, limits: &Limits) -> Option<(u64, usize)> {
        let is_due = self.role.is_some()
            && !self.is_reading
            && self.uncommitted.is_empty()
            && self.flight.has_credit(limits)
            && (self.cursor < self.latest || self.caught_up.is_none());
        if !is_due {
            return None;
        }
        self.is_reading = true;
        Some((self.cursor, limits.batch_documents))
    }

    /// Makes a batch of what was read.
    pub fn changes(
        &mut self,
        now: Time,
        number: Channel,
        records: &[Arc<Record>],
        limits: &Limits,
    ) -> Option<Changes> {
        self.is_reading = false;
        let mut packer = Packer::default();
        let mut is_full = false;
        for record in records {
            let known = if record.seq <= self.empty_until {
                Known::Nothing
            } else {
                self.caught_up.map_or(Known::Unsure, Known::Until)
            };
            let received = self.received.get(&record.id);
            let skip = |revision| received.is_some_and(|known| known.contains(&revision));
            if let Some(document) = record.outgoing_since(known, skip)
                && packer.add(document, limits).is_some()
            {
                is_full = true;
                break;
            }
            self.cursor = record.seq;
        }
        if records.is_empty() || (!is_full && self.cursor >= self.latest) {
            self.reach_end(self.cursor);
            self.latest = self.cursor;
        }
        if packer.documents.is_empty() {
            return None;
        }
        self.announced = self.cursor;
        Some(Changes {
            channel: number,
            batch: self.flight.launch(now, packer.weight, ()),
            seq: Some(self.cursor),
            documents: packer.documents.iter().map(WireDocument::from).collect(),
        })
    }

    /// A batch without documents, when the client doesn't know how far it has come.
    pub fn announce(&mut self, now: Time, number: Channel) -> Option<Changes> {
        let is_due = self.role.is_some() && self.announced < self.cursor && self.flight.is_empty();
        is_due.then(|| {
            self.announced = self.cursor;
            let batch = self.flight.launch(now, 0, ());
            Changes { channel: number, batch, seq: Some(self.cursor), documents: Vec::new() }
        })
    }

    pub fn landed(&mut self, batch: BatchNumber) -> bool {
        self.flight.land(batch).is_some()
    }

    fn reach_end(&mut self, seq: u64) {
        self.cursor = seq;
        self.caught_up = Some(seq);
        self.received.clear();
    }
}
