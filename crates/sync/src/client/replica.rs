//! The client's side of one database, across connections.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use settee_store::{Counts, DocumentId, Record, Revision, replication::ReplicatedDocument};

use super::{
    comparison::{Comparison, Findings, Known},
    sender::Sender,
    status::{ChannelStatus, ReplicaStatus, UpToDate},
};
use crate::{
    access::{Denial, Role},
    backoff::Backoff,
    checkpoint::Checkpoint,
    digest::DocumentDigest,
    limits::{Limits, OFFERED_LIMIT},
    message::{
        Acknowledge, BatchNumber, Changes, Channel, Compare, Differences, Lacking, Offer, Open,
        Opened, Want,
    },
    offer,
    pace::Pace,
    parts::Outgoing,
    time::Time,
};

/// A document that was sent: its id, and the revisions whose fate is to be learnt.
pub type SentDocument = (DocumentId, Vec<Revision>);

#[derive(Debug)]
pub(super) struct ClientReplica {
    pub database: String,
    pub credentials: Vec<u8>,
    /// How far the server's database is durably read.
    pub checkpoint: Option<Checkpoint>,
    /// Opened only once there is something to send, for databases that begin on this device.
    pub is_lazy: bool,
    pub state: State,
    role: Option<Role>,
    /// How the database stands; nothing is done before that is known.
    counts: Option<Counts>,
    /// What may be sent on the channel: the client's own limits, within the server's.
    limits: Limits,
    /// Between two tries to open the channel.
    backoff: Backoff,
    sender: Sender,
    /// What the server offers, while it is looked for here.
    offered: Option<Offer>,
    /// The next batch from the server. The checkpoint would pass over one that is missing.
    next_batch: BatchNumber,
    /// Batches being committed here, with the sequence that each leads to.
    uncommitted: VecDeque<(BatchNumber, Option<u64>)>,
    /// The server's update sequence, as far as is known.
    latest: u64,
    up_to_date: Option<UpToDate>,
    unreadable: usize,
    is_unsaved: bool,
    /// Where the server has lost something. Until it is over, the checkpoint is the one from
    /// before, so that a connection that is lost meanwhile leads to another comparison.
    comparison: Option<Comparison>,
    /// The server lacks something that may not be sent to it. So that it gets that once it may, the
    /// next opening is to lead to another comparison.
    withholds: bool,
}

#[derive(Debug)]
pub(super) enum State {
    /// Until there is a connection, or until this time.
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
        backoff: Backoff,
    ) -> Self {
        Self {
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
            withholds: false,
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
        // What could not be saved has come again, or was here already.
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
        }
    }

    /// Writes down since when, or until when, both sides have had the same.
    pub fn look_at_clock(&mut self, now: Time) {
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
        let has_cause = !self.is_lazy || self.checkpoint.is_some() || counts.documents > 0;
        let is_due = match &self.state {
            State::Waiting { until } => until.is_none_or(|until| until <= now),
            State::Denied { until, .. } => until.is_some_and(|until| until <= now),
            _ => false,
        };
        has_cause && is_due
    }

    /// When something has to be done about the replica while there is a connection, on which parts of
    /// what was sent may be on their way.
    pub fn timeout(&self, limits: &Limits, parts: &Outgoing) -> Option<Time> {
        match &self.state {
            State::Waiting { until } | State::Denied { until, .. } => *until,
            State::Opening { since, .. } => Some(parts.since(*since) + limits.answer),
            State::Open { .. } => {
                let asked = match self.comparison {
                    Some(Comparison::Asked { since, .. }) => Some(since),
                    _ => None,
                };
                let since = self.sender.since().into_iter().chain(asked).min();
                since.map(|since| parts.since(since) + limits.answer * 2)
            }
        }
    }

    pub fn open(&mut self, now: Time, channel: Channel) -> Open {
        self.reset();
        self.state = State::Opening { channel, since: now };
        Open {
            channel,
            database: self.database.clone(),
            credentials: self.credentials.clone(),
            checkpoint: self.checkpoint.or_else(|| self.void_checkpoint()),
        }
    }

    /// Who has documents but no checkpoint is not to pass for empty, or would never hear that
    /// some of them were deleted.
    fn void_checkpoint(&self) -> Option<Checkpoint> {
        let has_documents = self.counts.is_some_and(|counts| counts.documents > 0);
        has_documents.then(Checkpoint::void)
    }

    fn pending(&self) -> usize {
        self.counts.map_or(0, |counts| counts.pending)
    }

    /// The connection or the channel is gone, and with it what was under way.
    pub fn reset(&mut self) {
        self.sender = Sender::default();
        self.next_batch = 0;
        self.uncommitted.clear();
        self.offered = None;
        self.comparison = None;
    }

    /// Tells whether the server has lost something of what this replica has read: then its
    /// documents are to be compared.
    pub fn opened(&mut self, opened: &Opened, limits: &Limits) -> bool {
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
        let has_read = self.checkpoint.is_some_and(|checkpoint| !checkpoint.is_void());
        let is_lost = has_read && !opened.resumed;
        if is_lost {
            self.comparison = Some(Comparison::Digesting);
            // A server that loses what is acknowledged meanwhile may still have got as far as this.
            let forward = |checkpoint| Checkpoint { witnessed: u64::MAX, ..checkpoint };
            self.checkpoint = self.checkpoint.map(forward);
        } else if self.checkpoint.is_none() {
            // An empty database is read to its end by being opened.
            self.checkpoint = (opened.seq == 0).then(|| self.position(0)).flatten();
        }
        is_lost
    }

    /// This side's documents, to be compared by the server.
    pub fn digested(&mut self, now: Time, documents: Vec<DocumentDigest>) -> Option<Compare> {
        let channel = self.channel()?;
        let Some(Comparison::Digesting) = self.comparison else { return None };
        let known = Known::new(documents);
        let buckets = known.buckets();
        self.comparison = Some(Comparison::Asked { since: now, known });
        Some(Compare { channel, buckets })
    }

    /// What differs; `None` when that was not asked. The documents returned are to be marked as
    /// pending, for the server lacks them, or has them otherwise.
    pub fn compared(&mut self, differences: Differences) -> Option<Vec<DocumentId>> {
        match self.comparison.take() {
            Some(Comparison::Asked { known, .. }) => {
                self.latest = self.latest.max(differences.seq);
                let Findings { resend, want } = known.findings(differences);
                self.comparison = Some(Comparison::Marking { want });
                // The server may well have what is about to be marked.
                self.sender.has_caught_up = false;
                let can_write = self.role.is_some_and(Role::can_write);
                self.withholds = !can_write && !resend.is_empty();
                Some(if can_write { resend } else { Vec::new() })
            }
            other => {
                self.comparison = other;
                None
            }
        }
    }

    /// What was to be marked is. Now the server may send what is lacking here.
    pub fn marked(&mut self) -> Option<Want> {
        let channel = self.channel()?;
        let Some(Comparison::Marking { want }) = &mut self.comparison else { return None };
        let want = want.take();
        self.comparison = Some(Comparison::Receiving);
        want.map(|ids| Want { channel, ids })
    }

    pub fn counted(&mut self, counts: Counts) {
        self.counts = Some(counts);
        let is_open = matches!(self.state, State::Open { .. });
        self.sender.has_caught_up |= is_open && counts.pending == 0;
    }

    /// The weight of what is under way to the server.
    pub fn under_way(&self) -> usize {
        self.sender.flight.weight()
    }

    /// How many pending documents to read, if there is cause and credit.
    pub fn next_read(&mut self, pace: &Pace, others: usize) -> Option<usize> {
        // What is sent before the comparison would be acknowledged after it, with all that it
        // descends from, of which the server may have lost some.
        let is_compared = matches!(self.comparison, None | Some(Comparison::Receiving));
        let can_send = matches!(self.state, State::Open { .. })
            && is_compared
            && self.role.is_some_and(Role::can_write);
        let pending = self.pending();
        let limits = pace.within(&self.limits, others);
        if can_send { self.sender.next_read(pending, &limits) } else { None }
    }

    /// Makes batches of pending documents, as far as there is credit. With `offers`, large ones
    /// that the server may have are offered first.
    pub fn batches(
        &mut self,
        now: Time,
        records: &[Arc<Record>],
        offers: bool,
        pace: &Pace,
        others: usize,
    ) -> (Vec<Changes>, Option<Offer>) {
        let State::Open { channel, .. } = self.state else { return (Vec::new(), None) };
        let limits = pace.within(&self.limits, others);
        self.sender.batches(now, channel, records, offers, &limits)
    }

    /// The server's answer to an offer. Tells whether there was one.
    pub fn answered(&mut self, lacking: Lacking) -> bool {
        self.sender.answered(lacking)
    }

    /// What the server offers: to be looked for. `None` when the last such is not done with.
    pub fn take_offer(&mut self, offer: Offer) -> Option<Vec<DocumentId>> {
        let is_right = offer.documents.len() <= OFFERED_LIMIT && self.offered.is_none();
        if !is_right || !matches!(self.state, State::Open { .. }) {
            return None;
        }
        let ids = offer.documents.iter().map(|document| document.id.clone()).collect();
        self.offered = Some(offer);
        Some(ids)
    }

    /// What was found of it here; without findings all of it is to be sent.
    pub fn found(&mut self, found: Option<&[Option<Arc<Record>>]>) -> Option<Lacking> {
        Some(offer::compare(self.offered.take()?, found).1)
    }

    /// The verdict on a batch; `None` when no such batch waits for one.
    pub fn landed(&mut self, now: Time, landed: &Acknowledge, pace: &mut Pace) -> Option<Verdict> {
        let sent = self.sender.flight.land(now, landed.batch, pace, &self.limits)?;
        let mut verdict = Verdict::default();
        for (id, revisions) in sent {
            let is_it =
                |revision: Option<Revision>| revision.is_none_or(|it| revisions.contains(&it));
            let refused = landed.refused.iter().find(|refusal| refusal.id == id);
            match refused {
                Some(refusal) if !is_it(refusal.revision) => return None,
                Some(refusal) => verdict.refused.push((id, revisions, refusal.reason.clone())),
                None => verdict.acknowledged.push((id, revisions)),
            }
        }
        if let Some(seq) = landed.seq {
            self.latest = self.latest.max(seq);
            // What the server sent before has to be durable here first.
            let is_current = landed.is_current == Some(true) && self.uncommitted.is_empty();
            if is_current && self.comparison.is_none() {
                self.checkpoint = self.position(seq);
            }
        }
        self.checkpoint = self.standing();
        verdict.checkpoint = self.checkpoint;
        Some(verdict)
    }

    /// What a verdict was about is written down, or could not be and will be learnt anew.
    pub fn settled(&mut self, ids: &[DocumentId]) {
        self.sender.settled(ids);
    }

    /// Documents from the server, and where the replica stands once they are durable; `None` when
    /// it isn't this batch's turn.
    pub fn take(
        &mut self,
        changes: Changes,
    ) -> Option<(Vec<ReplicatedDocument>, Option<Checkpoint>)> {
        if !matches!(self.state, State::Open { .. }) || changes.batch != self.next_batch {
            return None;
        }
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
            Some(seq) => self.position(seq),
            None => self.standing(),
        };
        if self.checkpoint.is_none() && !documents.is_empty() {
            // Some of them may be here, whatever will be heard of that.
            self.checkpoint = Some(Checkpoint::void());
        }
        Some((documents, checkpoint))
    }

    /// The acknowledgement of a batch that is durable here.
    pub fn committed(&mut self, batch: BatchNumber, rejected: usize) -> Option<Acknowledge> {
        let State::Open { channel, .. } = self.state else { return None };
        let (batch, seq) = self.uncommitted.pop_front_if(|(waiting, _)| *waiting == batch)?;
        if let Some(seq) = seq {
            self.checkpoint = self.position(seq);
            self.comparison = None;
        } else {
            self.checkpoint = self.standing();
        }
        self.is_unsaved = false;
        self.unreadable += rejected;
        Some(Acknowledge { channel, batch, refused: Vec::new(), seq: None, is_current: None })
    }

    /// The server has closed the channel. What passes is tried again after a while.
    pub fn denied(&mut self, now: Time, denial: Denial) {
        self.reset();
        let until = denial.code.is_passing().then(|| now + self.draw_patience());
        self.state = State::Denied { denial, until };
    }

    /// An answer is overdue, and the connection is not to blame.
    pub fn gave_up(&mut self, now: Time) {
        let wait = self.draw_patience();
        self.put_off(now + wait);
    }

    fn draw_patience(&mut self) -> Duration {
        self.limits.backoff.0 * 4 + self.backoff.draw_wait()
    }

    /// Whatever passes with time has passed.
    pub fn wake(&mut self, now: Time) {
        if let State::Waiting { until: Some(until) } | State::Denied { until: Some(until), .. } =
            &mut self.state
        {
            *until = now;
            self.backoff.reset();
        }
    }

    pub fn failed_to_save(&mut self, until: Time) {
        self.is_unsaved = true;
        self.put_off(until);
    }

    /// The channel is closed, and opened anew then.
    pub fn put_off(&mut self, until: Time) {
        self.reset();
        self.state = State::Waiting { until: Some(until) };
    }

    /// The checkpoint with all that the server is known to have had. Who writes down that the server
    /// has something writes this down with it, or wouldn't notice that the server has lost it.
    fn standing(&self) -> Option<Checkpoint> {
        match &self.comparison {
            Some(_) => self.checkpoint,
            None => self.position(self.checkpoint.map_or(0, |checkpoint| checkpoint.seq)),
        }
    }

    fn position(&self, seq: u64) -> Option<Checkpoint> {
        match self.state {
            State::Open { incarnation, run, .. } => {
                // No server has come so far.
                let witnessed = if self.withholds { u64::MAX } else { self.latest.max(seq) };
                Some(Checkpoint { witnessed, ..Checkpoint::new(incarnation, run, seq) })
            }
            _ => None,
        }
    }
}

/// What the server has decided about a batch.
#[derive(Debug, Default)]
pub struct Verdict {
    pub acknowledged: Vec<SentDocument>,
    pub refused: Vec<(DocumentId, Vec<Revision>, String)>,
    pub checkpoint: Option<Checkpoint>,
}
