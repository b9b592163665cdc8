//! The client's side of one database, across connections.

mod comparison;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use minicbor::bytes::ByteVec;
use settee_store::{Counts, DocumentId, Record, Revision, replication::ReplicatedDocument};

use super::{
    sender::{Sender, SentDocument},
    status::{ChannelStatus, ReplicaStatus, UpToDate},
};
use crate::{
    access::{Denial, Role},
    backoff::Backoff,
    checkpoint::Checkpoint,
    limits::{Limits, OFFERED_LIMIT, OTHERS_LIMIT, STATE_LIMIT},
    message::{
        Acknowledge, BatchNumber, Changes, Channel, Here, Lacking, Offer, Open, Opened, Others,
    },
    offer,
    parts::Outgoing,
    send_window::SendWindow,
    time::Time,
};
use comparison::Comparison;

#[derive(Debug)]
pub(super) struct ClientReplica {
    pub database: String,
    pub credentials: Vec<u8>,
    /// How far the server's database is durably read.
    pub checkpoint: Option<Checkpoint>,
    /// The database began on this device, so its channel is opened only once there is something to
    /// send.
    pub is_lazy: bool,
    pub state: State,
    role: Option<Role>,
    /// The counts of the local database. No channel is opened before they are known.
    counts: Option<Counts>,
    /// The client's own limits, reduced to what the server allows on the channel.
    limits: Limits,
    /// The waits between attempts to open the channel.
    backoff: Backoff,
    /// The waits after the local store has failed, until it has worked again.
    store_backoff: Backoff,
    sender: Sender,
    /// The server's offer, while its documents are being looked up here.
    offered: Option<Offer>,
    /// The number of the server's next batch. The checkpoint would skip a batch that is missing.
    next_batch: BatchNumber,
    /// Batches that are being committed here, each with the `seq` of the checkpoint committed with it.
    uncommitted: VecDeque<(BatchNumber, Option<u64>)>,
    /// The highest update sequence that the server is known to have had.
    latest: u64,
    up_to_date: Option<UpToDate>,
    /// How many documents of the server were left out here. If there are any, the next opening has to
    /// lead to a comparison, so that they are sent again.
    unreadable: usize,
    is_unsaved: bool,
    /// Set after the server has lost something. Until the comparison is over, the checkpoint stays
    /// the old one, so that losing the connection meanwhile leads to another comparison.
    comparison: Option<Comparison>,
    /// The server lacks documents that this client may not send. The next opening has to lead to
    /// another comparison, so that they are sent once the client may write.
    owes_server: bool,
    /// What others may know of who is here.
    here: Option<Vec<u8>>,
    others: Vec<Vec<u8>>,
}

#[derive(Debug)]
pub(super) enum State {
    /// Waits for a connection, and for this time if there is one.
    Waiting {
        until: Option<Time>,
    },
    Opening {
        channel: Channel,
        since: Time,
    },
    Open {
        channel: Channel,
        incarnation: [u8; 16],
        run: [u8; 16],
    },
    /// Waits for this time, or without one for other credentials.
    Denied {
        denial: Denial,
        until: Option<Time>,
    },
}

impl ClientReplica {
    pub fn new(
        database: String,
        credentials: Vec<u8>,
        checkpoint: Option<Checkpoint>,
        is_lazy: bool,
        limits: Limits,
        mut backoff: Backoff,
    ) -> Self {
        Self {
            store_backoff: backoff.fork(),
            database,
            credentials,
            checkpoint,
            is_lazy,
            state: State::Waiting { until: None },
            role: None,
            counts: None,
            limits,
            backoff,
            sender: Sender::default(),
            offered: None,
            next_batch: 0,
            uncommitted: VecDeque::new(),
            latest: 0,
            up_to_date: None,
            unreadable: 0,
            is_unsaved: false,
            comparison: None,
            owes_server: false,
            here: None,
            others: Vec::new(),
        }
    }

    pub fn status(&self) -> ReplicaStatus {
        let channel = match &self.state {
            State::Waiting { .. } => ChannelStatus::Waiting,
            State::Opening { .. } => ChannelStatus::Opening,
            State::Open { .. } => ChannelStatus::Open,
            State::Denied { denial, .. } => ChannelStatus::Denied(denial.clone()),
        };
        let checkpoint = self.checkpoint.filter(|_| self.comparison.is_none());
        let read = checkpoint.map_or(0, |checkpoint| checkpoint.seq);
        // A batch that could not be saved has arrived again, or was here already.
        let is_complete =
            channel == ChannelStatus::Open && read >= self.latest && self.comparison.is_none();
        ReplicaStatus {
            channel,
            role: self.role,
            pending: self.pending(),
            refused: self.counts.map_or(0, |counts| counts.refused),
            progress: (read, self.latest.max(u64::from(self.comparison.is_some()))),
            up_to_date: self.up_to_date,
            unreadable: self.unreadable,
            is_unsaved: self.is_unsaved && !is_complete,
            others: self.others.clone(),
        }
    }

    /// Records the time if the two sides have just come to have the same, or just ceased to.
    pub fn update_up_to_date(&mut self, now: Time) {
        self.up_to_date = match (self.status().is_up_to_date(), self.up_to_date) {
            (true, Some(UpToDate::Since(_))) | (false, None | Some(UpToDate::Until(_))) => return,
            (true, _) => Some(UpToDate::Since(now)),
            (false, Some(UpToDate::Since(_))) => Some(UpToDate::Until(now)),
        };
    }

    pub fn channel(&self) -> Option<Channel> {
        match self.state {
            State::Opening { channel, .. } | State::Open { channel, .. } => Some(channel),
            _ => None,
        }
    }

    /// Whether a channel should be asked for now.
    pub fn wants_channel(&self, now: Time) -> bool {
        let Some(counts) = self.counts else { return false };
        let is_needed = !self.is_lazy || self.checkpoint.is_some() || counts.documents > 0;
        let is_due = match &self.state {
            State::Waiting { until } => until.is_none_or(|until| until <= now),
            State::Denied { until, .. } => until.is_some_and(|until| until <= now),
            _ => false,
        };
        is_needed && is_due
    }

    /// When the replica has to be looked at again while there is a connection. As long as parts
    /// arrive on the connection, timeouts begin anew.
    pub fn timeout(&self, limits: &Limits, parts: &Outgoing) -> Option<Time> {
        match &self.state {
            State::Waiting { until } | State::Denied { until, .. } => *until,
            State::Opening { since, .. } => Some(parts.waiting_since(*since) + limits.answer),
            State::Open { .. } => {
                let asked = match self.comparison {
                    Some(Comparison::Asked { since, .. }) => Some(since),
                    _ => None,
                };
                let since = self.sender.waiting_since().into_iter().chain(asked).min();
                since.map(|since| parts.waiting_since(since) + limits.answer * 2)
            }
        }
    }

    pub fn open(&mut self, now: Time, channel: Channel) -> Open {
        assert!(self.channel().is_none(), "a replica has one channel at a time");
        self.reset();
        self.state = State::Opening { channel, since: now };
        Open {
            channel,
            database: self.database.clone(),
            credentials: self.credentials.clone(),
            checkpoint: self.checkpoint.or_else(|| self.void_checkpoint()),
        }
    }

    /// A client that has documents but no checkpoint must not open as empty: the server would not
    /// send it the deletions of these documents.
    fn void_checkpoint(&self) -> Option<Checkpoint> {
        let has_documents = self.counts.is_some_and(|counts| counts.documents > 0);
        has_documents.then(Checkpoint::void)
    }

    pub fn may_write(&self) -> bool {
        self.role.is_some_and(Role::can_write)
    }

    /// Whether the server takes others' revisions from here, too.
    pub fn reconciles(&self) -> bool {
        self.role.is_some_and(|role| role > Role::Helper)
    }

    fn pending(&self) -> usize {
        self.counts.map_or(0, |counts| counts.pending)
    }

    /// The connection or the channel is gone, and with it everything in flight.
    pub fn reset(&mut self) {
        self.sender = Sender::default();
        self.next_batch = 0;
        self.uncommitted.clear();
        self.offered = None;
        self.comparison = None;
        self.others.clear();
    }

    /// Says who is here. Returns the message for the server, if the channel is open.
    pub fn show(&mut self, here: Option<Vec<u8>>) -> Option<Here> {
        let is_gone = here.is_none();
        let is_new = self.here != here;
        self.here = here;
        if is_gone {
            self.others.clear();
        }
        self.here().filter(|_| is_new)
    }

    /// The message that says who is here, if the channel is open.
    pub fn here(&self) -> Option<Here> {
        let State::Open { channel, .. } = self.state else { return None };
        Some(Here { channel, state: self.here.clone().map(ByteVec::from) })
    }

    /// Learns who else is here. False if that is more than may be told.
    pub fn meet(&mut self, others: Others) -> bool {
        let fits = |state: &ByteVec| state.len() <= STATE_LIMIT;
        if others.states.len() > OTHERS_LIMIT || !others.states.iter().all(fits) {
            return false;
        }
        // Word of them may have been on its way when this side left.
        if self.here.is_some() {
            self.others = others.states.into_iter().map(Vec::from).collect();
        }
        true
    }

    /// Takes the server's grant. Returns true if the server has lost something that this replica has
    /// read: then the two databases have to be compared.
    pub fn opened(&mut self, opened: &Opened, limits: &Limits) -> bool {
        assert!(matches!(self.state, State::Opening { .. }), "the channel was asked for");
        assert!(
            self.sender.in_flight.is_empty() && self.uncommitted.is_empty(),
            "nothing is in flight on a new channel"
        );
        self.role = Some(opened.role);
        self.limits = limits.within(opened.allowance.unwrap_or_else(|| limits.allowance()));
        self.sender.has_caught_up = self.pending() == 0;
        self.backoff.reset();
        self.latest = opened.seq;
        self.state = State::Open {
            channel: opened.channel,
            incarnation: *opened.incarnation,
            run: *opened.run,
        };
        if !opened.resumed {
            // What was left out comes again, for all that is missing here does.
            self.unreadable = 0;
        }
        let has_read = self.checkpoint.is_some_and(|checkpoint| !checkpoint.is_void());
        let is_lost = has_read && !opened.resumed;
        if is_lost {
            self.comparison = Some(Comparison::Digesting);
            // The server may lose again what it acknowledges during the comparison, and still reach
            // the sequence that was witnessed so far. No server reaches this one.
            let forward = |checkpoint| Checkpoint { witnessed: u64::MAX, ..checkpoint };
            self.checkpoint = self.checkpoint.map(forward);
        } else if self.checkpoint.is_none() {
            // Nothing has to be read of an empty database.
            self.checkpoint = (opened.seq == 0).then(|| self.checkpoint_at(0)).flatten();
        }
        is_lost
    }

    pub fn set_counts(&mut self, counts: Counts) {
        self.counts = Some(counts);
        let is_open = matches!(self.state, State::Open { .. });
        self.sender.has_caught_up |= is_open && counts.pending == 0;
    }

    /// The weight of the batches in flight to the server.
    pub fn weight_in_flight(&self) -> usize {
        self.sender.in_flight.weight()
    }

    /// How many pending documents to read next, if there are any to send and there is credit.
    /// `others` is the weight in flight on other channels.
    pub fn next_read(&mut self, window: &SendWindow, others: usize) -> Option<usize> {
        // An acknowledgement counts for all ancestors of a revision as well. Before the comparison is
        // over, the server may have lost some of them.
        let is_compared = matches!(self.comparison, None | Some(Comparison::Receiving));
        let can_send = matches!(self.state, State::Open { .. }) && is_compared && self.may_write();
        let pending = self.pending();
        let limits = window.within(&self.limits, others);
        if can_send { self.sender.next_read(pending, &limits) } else { None }
    }

    /// Makes batches of pending documents, as far as there is credit. With `offers`, large documents
    /// that the server may have are offered first.
    pub fn batches(
        &mut self,
        now: Time,
        records: &[Arc<Record>],
        offers: bool,
        window: &SendWindow,
        others: usize,
    ) -> (Vec<Changes>, Option<Offer>) {
        let State::Open { channel, .. } = self.state else { return (Vec::new(), None) };
        debug_assert!(self.may_write(), "only who may write sends");
        let limits = window.within(&self.limits, others);
        self.sender.batches(now, channel, records, offers, &limits)
    }

    /// Takes the server's answer to an offer. False if no such offer was made.
    pub fn offer_answered(&mut self, lacking: Lacking) -> bool {
        self.sender.offer_answered(lacking)
    }

    /// Takes the server's offer, and returns the documents to look up. `None` if the previous offer
    /// is not answered yet, or if there are too many documents in this one.
    pub fn receive_offer(&mut self, offer: Offer) -> Option<Vec<DocumentId>> {
        let is_right = offer.documents.len() <= OFFERED_LIMIT && self.offered.is_none();
        if !is_right || !matches!(self.state, State::Open { .. }) {
            return None;
        }
        let ids = offer.documents.iter().map(|document| document.id.clone()).collect();
        self.offered = Some(offer);
        Some(ids)
    }

    /// Takes the records that were found for the server's offer, and returns the answer. `None`
    /// instead of records means that nothing could be read: then all bodies are requested.
    pub fn found(&mut self, found: Option<&[Option<Arc<Record>>]>) -> Option<Lacking> {
        Some(offer::compare(self.offered.take()?, found).1)
    }

    /// Takes the server's verdict on a batch. `None` if no such batch waits for one, or if the
    /// verdict names a revision that was not sent.
    pub fn acknowledged(
        &mut self,
        now: Time,
        acknowledge: &Acknowledge,
        window: &mut SendWindow,
    ) -> Option<Verdict> {
        let in_flight = &mut self.sender.in_flight;
        let sent = in_flight.acknowledge(now, acknowledge.batch, window, &self.limits)?;
        let mut verdict = Verdict::default();
        for (id, revisions) in sent {
            let was_sent =
                |revision: Option<Revision>| revision.is_none_or(|it| revisions.contains(&it));
            let refused = acknowledge.refused.iter().find(|refusal| refusal.id == id);
            match refused {
                Some(refusal) if !was_sent(refusal.revision) => return None,
                Some(refusal) => verdict.refused.push((id, revisions, refusal.reason.clone())),
                None => verdict.acknowledged.push((id, revisions)),
            }
        }
        if let Some(seq) = acknowledge.seq {
            self.latest = self.latest.max(seq);
            // The checkpoint also covers the batches that came before, so they have to be durable.
            let is_current = acknowledge.is_current == Some(true) && self.uncommitted.is_empty();
            if is_current && self.comparison.is_none() {
                self.advance_checkpoint(seq);
            }
        }
        self.checkpoint = self.checkpoint_with_witness();
        verdict.checkpoint = self.checkpoint;
        Some(verdict)
    }

    /// The verdict on these documents is stored. If it could not be stored, they are still pending
    /// and will be sent again.
    pub fn settled(&mut self, ids: &[DocumentId]) {
        self.store_backoff.reset();
        self.sender.settled(ids);
    }

    /// Takes a batch from the server. Returns its documents, and the checkpoint to commit together
    /// with them; `None` if it is not the next batch.
    pub fn receive(
        &mut self,
        changes: Changes,
    ) -> Option<(Vec<ReplicatedDocument>, Option<Checkpoint>)> {
        if !matches!(self.state, State::Open { .. }) || changes.batch != self.next_batch {
            return None;
        }
        assert!(
            follows(self.uncommitted.back(), changes.batch),
            "batches are committed in the order of their numbers"
        );
        self.next_batch = self.next_batch.wrapping_add(1);
        self.uncommitted.push_back((changes.batch, changes.seq));
        let known = changes.seq.max(changes.latest).unwrap_or(0);
        self.latest = self.latest.max(known);
        let mut documents = Vec::with_capacity(changes.documents.len());
        for document in changes.documents {
            match document.verify() {
                Ok(document) => documents.push(document),
                Err(_) => self.unreadable += 1,
            }
        }
        let checkpoint = match changes.seq {
            Some(seq) => self.checkpoint_at(seq),
            None => self.checkpoint_with_witness(),
        };
        if self.checkpoint.is_none() && !documents.is_empty() {
            // From now on some of them may be stored here, even if the commit is reported as failed.
            self.checkpoint = Some(Checkpoint::void());
        }
        Some((documents, checkpoint))
    }

    /// The oldest uncommitted batch is durable now. Returns its acknowledgement; `None` if this is
    /// not the oldest batch.
    pub fn committed(&mut self, batch: BatchNumber, rejected: usize) -> Option<Acknowledge> {
        let State::Open { channel, .. } = self.state else { return None };
        let (batch, seq) = self.uncommitted.pop_front_if(|(waiting, _)| *waiting == batch)?;
        assert!(
            self.uncommitted.front().is_none_or(|next| follows(Some(&(batch, seq)), next.0)),
            "batches are committed in the order of their numbers"
        );
        self.unreadable += rejected;
        if let Some(seq) = seq {
            self.advance_checkpoint(seq);
            self.comparison = None;
        } else {
            self.checkpoint = self.checkpoint_with_witness();
        }
        self.is_unsaved = false;
        self.store_backoff.reset();
        Some(Acknowledge { channel, batch, refused: Vec::new(), seq: None, is_current: None })
    }

    /// The server has closed the channel. If the reason may pass, it is opened again after a while.
    pub fn denied(&mut self, now: Time, denial: Denial) {
        self.reset();
        let wait = self.least_wait() + self.backoff.draw_wait();
        let until = denial.code.is_passing().then(|| now + wait);
        self.state = State::Denied { denial, until };
    }

    /// An answer is overdue on a connection that works. The channel is opened again after a while.
    pub fn channel_stalled(&mut self, now: Time) {
        let wait = self.least_wait() + self.backoff.draw_wait();
        self.close_until(now + wait);
    }

    /// The local store has failed to read something. The channel is opened again after a while.
    pub fn failed_to_read(&mut self, now: Time) {
        let wait = self.least_wait() + self.store_backoff.draw_wait();
        self.close_until(now + wait);
    }

    /// The same, where it has failed to save what the server sent.
    pub fn failed_to_save(&mut self, now: Time) {
        self.is_unsaved = true;
        self.failed_to_read(now);
    }

    fn least_wait(&self) -> Duration {
        self.limits.backoff.0 * 4
    }

    /// Ends all waits for a time.
    pub fn wake(&mut self, now: Time) {
        if let State::Waiting { until: Some(until) } | State::Denied { until: Some(until), .. } =
            &mut self.state
        {
            *until = now;
            self.backoff.reset();
            self.store_backoff.reset();
        }
    }

    /// The channel is closed, and opened again at this time.
    fn close_until(&mut self, until: Time) {
        self.reset();
        self.state = State::Waiting { until: Some(until) };
    }

    /// Everything that the server had up to this sequence is durable here.
    fn advance_checkpoint(&mut self, seq: u64) {
        assert!(matches!(self.state, State::Open { .. }), "checkpoints come on open channels");
        self.checkpoint = self.checkpoint_at(seq);
    }

    /// The durable checkpoint, with the latest sequence that the server is known to have had. It is
    /// stored whenever the replica stores that the server has something. Otherwise the client would
    /// not notice if the server lost that.
    fn checkpoint_with_witness(&self) -> Option<Checkpoint> {
        let durable = self.checkpoint.map_or(0, |checkpoint| checkpoint.seq);
        let checkpoint = match &self.comparison {
            Some(_) => self.checkpoint,
            None => self.checkpoint_at(durable),
        };
        assert!(
            checkpoint.is_none_or(|checkpoint| checkpoint.seq <= durable),
            "a checkpoint is never ahead of the documents it covers"
        );
        checkpoint
    }

    fn checkpoint_at(&self, seq: u64) -> Option<Checkpoint> {
        match self.state {
            State::Open { incarnation, run, .. } => {
                // No server reaches the highest sequence, so the next opening leads to a comparison.
                let is_in_step = !self.owes_server && self.unreadable == 0;
                let witnessed = if is_in_step { self.latest.max(seq) } else { u64::MAX };
                Some(Checkpoint { witnessed, ..Checkpoint::new(incarnation, run, seq) })
            }
            _ => None,
        }
    }
}

/// Whether a batch has the number after that of the previous one, if there is a previous one.
fn follows(previous: Option<&(BatchNumber, Option<u64>)>, batch: BatchNumber) -> bool {
    previous.is_none_or(|(previous, _)| previous.wrapping_add(1) == batch)
}

/// What the server has decided about the documents of a batch.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Documents that the server has committed, with the acknowledged revisions.
    pub acknowledged: Vec<SentDocument>,
    /// Documents that the server has refused, with the revisions that were sent and the reason.
    pub refused: Vec<(DocumentId, Vec<Revision>, String)>,
    /// The checkpoint to store in the same transaction.
    pub checkpoint: Option<Checkpoint>,
}
