//! The client's side of a connection, and of all connections after it.
//!
//! Methods fall into three kinds: `handle_*` take what happened, `poll_output` says what to do
//! about it, and `poll_timeout` when to come back. After each `handle_*` the driver drains
//! `poll_output`. Storage is asked for by outputs and answered by `handle_*`, for each replica in
//! the order of asking.

mod comparison;
mod incoming;
mod replica;
mod sender;
pub mod status;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use settee_store::{Counts, DocumentId, Record, replication::ReplicatedDocument};

use crate::{
    backoff::Backoff,
    checkpoint::Checkpoint,
    digest::DocumentDigest,
    limits::Limits,
    message::{BatchNumber, Channel, Close, Hello, Message, OFFERS, Ping, VERSIONS},
    pace::Pace,
    parts::{Incoming, Outgoing},
    time::Time,
};
use replica::{ClientReplica, State};
pub use replica::{SentDocument, Verdict};
use status::{ConnectionStatus, OfflineReason, ReplicaStatus};

/// The client's name for one of its databases, across connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Replica(u32);

/// What the driver is to do.
#[derive(Debug)]
pub enum ClientOutput {
    /// Open a socket: [`Client::handle_connected`] or [`Client::handle_disconnected`].
    Connect,
    /// Drop the socket, or give up opening it. Nothing is to be heard of it any more.
    Disconnect,
    Send(Vec<u8>),
    /// Read at most so many pending documents: [`Client::handle_pending`].
    ReadPending {
        replica: Replica,
        limit: usize,
    },
    /// Commit documents together with the checkpoint: [`Client::handle_committed`].
    Commit {
        replica: Replica,
        batch: BatchNumber,
        documents: Vec<ReplicatedDocument>,
        checkpoint: Option<Checkpoint>,
    },
    /// Write down what the server has decided: [`Client::handle_settled`].
    Settle {
        replica: Replica,
        verdict: Verdict,
    },
    /// The server has lost something. Read all documents: [`Client::handle_digests`].
    Digest {
        replica: Replica,
    },
    /// Mark documents as pending, which the server lacks: [`Client::handle_resent`].
    Resend {
        replica: Replica,
        ids: Vec<DocumentId>,
    },
    /// Read some documents: [`Client::handle_found`].
    Find {
        replica: Replica,
        ids: Vec<DocumentId>,
    },
    /// The connection's status or a replica's is not what it was.
    StatusChanged,
}

/// An attempt to connect that is older is given up for another when the device wakes.
const FRESH: Duration = Duration::from_secs(1);

#[derive(Debug)]
enum Phase {
    Stopped,
    Connecting { since: Time },
    Greeting { since: Time },
    Online,
    Waiting { until: Time, reason: OfflineReason },
    Outdated,
}

#[derive(Debug)]
pub struct Client {
    limits: Limits,
    agent: String,
    versions: &'static [u8],
    /// The one that the server has chosen, once it has greeted.
    version: u8,
    phase: Phase,
    /// Why there is no connection, until the server has greeted again: a try is no change.
    offline: Option<OfflineReason>,
    backoff: Backoff,
    /// Of what is sent. A new connection is likely to be on the same network.
    pace: Pace,
    sent: Outgoing,
    received: Incoming,
    /// The last connection ended because one side didn't understand the other: another like it is not
    /// to be had in a hurry.
    is_wary: bool,
    replicas: BTreeMap<Replica, ClientReplica>,
    next_replica: u32,
    next_channel: Channel,
    heard: Time,
    /// When the server was asked whether it is there, as long as nothing was heard since.
    asked: Option<Time>,
    outputs: VecDeque<ClientOutput>,
}

impl Client {
    /// `chance` is a random number, which spreads the waiting times of clients.
    pub fn new(limits: Limits, agent: impl Into<String>, chance: u64) -> Self {
        Self {
            backoff: Backoff::new(limits.backoff, chance),
            pace: Pace::new(&limits),
            sent: Outgoing::default(),
            received: Incoming::default(),
            limits,
            agent: agent.into(),
            versions: VERSIONS,
            version: 0,
            phase: Phase::Stopped,
            offline: None,
            is_wary: false,
            replicas: BTreeMap::new(),
            next_replica: 0,
            next_channel: 0,
            heard: Time::default(),
            asked: None,
            outputs: VecDeque::new(),
        }
    }

    /// Speaks these versions alone, as a program of an earlier release does.
    #[must_use]
    pub fn speaking(mut self, versions: &'static [u8]) -> Self {
        self.versions = versions;
        self
    }

    pub fn poll_output(&mut self) -> Option<ClientOutput> {
        self.outputs.pop_front()
    }

    /// When to call [`Client::handle_timeout`], if nothing else happens before.
    pub fn poll_timeout(&self) -> Option<Time> {
        match &self.phase {
            Phase::Stopped | Phase::Outdated => None,
            Phase::Connecting { since } | Phase::Greeting { since } => {
                Some(*since + self.limits.answer)
            }
            Phase::Waiting { until, .. } => Some(*until),
            Phase::Online => {
                let silence = Some(self.heard + self.limits.silence);
                let answer = self.asked.map(|asked| asked + self.limits.heartbeat);
                let replicas =
                    self.replicas.values().filter_map(|r| r.timeout(&self.limits, &self.sent));
                replicas.chain(silence).chain(answer).min()
            }
        }
    }

    pub fn connection_status(&self) -> ConnectionStatus {
        match self.phase {
            Phase::Stopped => ConnectionStatus::Connecting,
            Phase::Connecting { since } | Phase::Greeting { since } => match self.offline {
                Some(reason) => ConnectionStatus::Offline { reason, next_attempt: since },
                None => ConnectionStatus::Connecting,
            },
            Phase::Online => ConnectionStatus::Online,
            Phase::Waiting { until, reason } => {
                ConnectionStatus::Offline { reason, next_attempt: until }
            }
            Phase::Outdated => ConnectionStatus::UpdateNeeded,
        }
    }

    pub fn replica_status(&self, replica: Replica) -> Option<ReplicaStatus> {
        self.replicas.get(&replica).map(ClientReplica::status)
    }

    /// Begins to connect, and goes on for ever.
    pub fn handle_start(&mut self, now: Time) {
        if matches!(self.phase, Phase::Stopped) {
            self.connect(now);
        }
    }

    /// Adds a database; [`Client::handle_news`] then says how it stands. With `is_lazy` it is one that began on this device, and the server only
    /// hears of it once there is something to send.
    pub fn handle_add(
        &mut self,
        now: Time,
        database: String,
        credentials: Vec<u8>,
        checkpoint: Option<Checkpoint>,
        is_lazy: bool,
    ) -> Replica {
        let replica = Replica(self.next_replica);
        self.next_replica += 1;
        let (limits, backoff) = (self.limits.clone(), self.backoff.fork());
        let added = ClientReplica::new(database, credentials, checkpoint, is_lazy, limits, backoff);
        self.replicas.insert(replica, added);
        self.open_what_waits(now);
        self.tell(now);
        replica
    }

    pub fn handle_remove(&mut self, now: Time, replica: Replica) {
        let channel = self.replicas.remove(&replica).and_then(|removed| removed.channel());
        if let Some(channel) = channel {
            self.send(Close { channel });
        }
        self.tell(now);
    }

    /// Other credentials from now on: the channel is opened anew with them.
    pub fn handle_credentials(&mut self, now: Time, replica: Replica, credentials: Vec<u8>) {
        let Some(changed) = self.replicas.get_mut(&replica) else { return };
        changed.credentials = credentials;
        let channel = changed.channel();
        changed.reset();
        changed.state = State::Waiting { until: None };
        if let Some(channel) = channel {
            self.send(Close { channel });
        }
        self.open_what_waits(now);
        self.tell(now);
    }

    pub fn handle_connected(&mut self, now: Time) {
        if matches!(self.phase, Phase::Connecting { .. }) {
            self.heard = now;
            self.asked = None;
            self.phase = Phase::Greeting { since: now };
            self.version = 0;
            self.pace.begin(now, &self.limits);
            self.sent = Outgoing::default();
            self.received = Incoming::default();
            let agent = self.agent.clone();
            self.send(Hello { versions: self.versions.to_vec(), agent });
        }
    }

    /// The socket is gone, or was never there.
    pub fn handle_disconnected(&mut self, now: Time) {
        let reason = match self.phase {
            Phase::Connecting { .. } => OfflineReason::Unreachable,
            Phase::Greeting { .. } | Phase::Online => OfflineReason::Lost,
            Phase::Stopped | Phase::Waiting { .. } | Phase::Outdated => return,
        };
        self.wait(now, reason);
    }

    /// The device says that it has no network: what was under way is not waited for.
    pub fn handle_offline(&mut self, now: Time) {
        self.drop_connection(now, OfflineReason::NoNetwork);
    }

    /// The device is awake, visible or has a network again, or the user is impatient.
    pub fn handle_wake(&mut self, now: Time) {
        match self.phase {
            Phase::Waiting { .. } => {
                self.backoff.reset();
                self.connect(now);
            }
            // How long it was since the server was heard no clock tells that stands in sleep, and
            // nobody listened. What it says now counts.
            Phase::Online => {
                self.heard = now;
                if self.asked.is_none() {
                    self.asked = Some(now);
                    self.send(Ping {});
                }
                self.replicas.values_mut().for_each(|replica| replica.wake(now));
                self.open_what_waits(now);
            }
            // What was begun on a network that is no more may hang for long.
            Phase::Connecting { since } | Phase::Greeting { since }
                if now.since(since) >= FRESH =>
            {
                self.outputs.push_back(ClientOutput::Disconnect);
                self.backoff.reset();
                self.connect(now);
            }
            _ => {}
        }
    }

    /// A database has changed here; this is how it stands now.
    pub fn handle_news(&mut self, now: Time, replica: Replica, counts: Counts) {
        let Some(changed) = self.replicas.get_mut(&replica) else { return };
        let before = changed.status();
        changed.counted(counts);
        let is_different = before != changed.status();
        if changed.wants_channel(now) {
            self.open_what_waits(now);
        }
        self.read_pending(replica);
        if is_different {
            self.tell(now);
        }
    }

    /// The answer to [`ClientOutput::ReadPending`].
    pub fn handle_pending(&mut self, now: Time, replica: Replica, records: &[Arc<Record>]) {
        let others = self.others(replica);
        let Some(sender) = self.replicas.get_mut(&replica) else { return };
        let offers = self.version >= OFFERS;
        let (batches, offer) = sender.batches(now, records, offers, &self.pace, others);
        for batch in batches {
            self.send(batch);
        }
        if let Some(offer) = offer {
            self.send(offer);
        }
    }

    /// The answer to [`ClientOutput::Find`], in the same order; `None` when nothing could be read.
    pub fn handle_found(&mut self, replica: Replica, found: Option<&[Option<Arc<Record>>]>) {
        let Some(offered) = self.replicas.get_mut(&replica) else { return };
        if let Some(lacking) = offered.found(found) {
            self.send(lacking);
        }
    }

    /// The answer to [`ClientOutput::Commit`]: how many documents were not taken, for they
    /// contradict what is here; or `None` when nothing could be saved.
    pub fn handle_committed(
        &mut self,
        now: Time,
        replica: Replica,
        batch: BatchNumber,
        rejected: Option<usize>,
    ) {
        let Some(receiver) = self.replicas.get_mut(&replica) else { return };
        if let Some(rejected) = rejected {
            if let Some(acknowledge) = receiver.committed(batch, rejected) {
                self.send(acknowledge);
            }
        } else {
            self.handle_failed(now, replica);
        }
        self.tell(now);
    }

    /// The answer to [`ClientOutput::Digest`]; `None` when nothing could be read.
    pub fn handle_digests(
        &mut self,
        now: Time,
        replica: Replica,
        documents: Option<Vec<DocumentDigest>>,
    ) {
        let Some(comparing) = self.replicas.get_mut(&replica) else { return };
        match documents {
            Some(documents) => {
                if let Some(compare) = comparing.digested(now, documents) {
                    self.send(compare);
                }
            }
            None => self.put_off(now, replica, ClientReplica::put_off),
        }
    }

    /// The answer to [`ClientOutput::Resend`]: whether it is written down.
    pub fn handle_resent(&mut self, now: Time, replica: Replica, is_done: bool) {
        let Some(comparing) = self.replicas.get_mut(&replica) else { return };
        if !is_done {
            return self.handle_failed(now, replica);
        }
        if let Some(want) = comparing.marked() {
            self.send(want);
        }
        self.read_pending(replica);
    }

    /// The replica's store has failed: a verdict could not be written down, or what is pending not be
    /// read. The channel is closed, and opened anew after a while.
    pub fn handle_failed(&mut self, now: Time, replica: Replica) {
        self.put_off(now, replica, ClientReplica::failed_to_save);
    }

    /// The channel is closed, and opened anew after a while.
    fn put_off(&mut self, now: Time, replica: Replica, note: fn(&mut ClientReplica, Time)) {
        let Some(failed) = self.replicas.get_mut(&replica) else { return };
        let channel = failed.channel();
        note(failed, now + self.limits.backoff.1);
        if let Some(channel) = channel {
            self.send(Close { channel });
        }
        self.tell(now);
    }

    /// The answer to [`ClientOutput::Settle`].
    pub fn handle_settled(&mut self, replica: Replica, ids: &[DocumentId]) {
        if let Some(settled) = self.replicas.get_mut(&replica) {
            settled.settled(ids);
            self.read_pending(replica);
        }
    }

    pub fn handle_timeout(&mut self, now: Time) {
        match self.phase {
            Phase::Waiting { until, .. } if until <= now => self.connect(now),
            Phase::Connecting { since } | Phase::Greeting { since }
                if now.since(since) >= self.limits.answer =>
            {
                self.drop_connection(now, OfflineReason::Unreachable);
            }
            Phase::Online => {
                let is_silent = now.since(self.heard) >= self.limits.silence
                    || self.asked.is_some_and(|at| now.since(at) >= self.limits.heartbeat);
                if is_silent {
                    self.drop_connection(now, OfflineReason::Silence);
                } else {
                    self.give_up_what_is_stuck(now);
                    self.open_what_waits(now);
                }
            }
            _ => {}
        }
    }

    /// Channels whose answers are overdue on a connection that lives are closed, and opened anew after
    /// a while: the others needn't suffer.
    fn give_up_what_is_stuck(&mut self, now: Time) {
        let mut stuck = Vec::new();
        for replica in self.replicas.values_mut() {
            let Some(channel) = replica.channel() else { continue };
            if replica.timeout(&self.limits, &self.sent).is_some_and(|at| at <= now) {
                replica.gave_up(now);
                stuck.push(Close { channel });
            }
        }
        if !stuck.is_empty() {
            for close in stuck {
                self.send(close);
            }
            self.tell(now);
        }
    }

    fn open_what_waits(&mut self, now: Time) {
        if !matches!(self.phase, Phase::Online) {
            return;
        }
        let mut opened = Vec::new();
        for replica in self.replicas.values_mut().filter(|replica| replica.wants_channel(now)) {
            opened.push(replica.open(now, self.next_channel));
            self.next_channel += 1;
        }
        for open in opened {
            self.send(open);
        }
    }

    /// The weight of what is under way of other databases.
    fn others(&self, replica: Replica) -> usize {
        let others = self.replicas.iter().filter(|(name, _)| **name != replica);
        others.map(|(_, other)| other.under_way()).sum()
    }

    fn read_pending(&mut self, replica: Replica) {
        let others = self.others(replica);
        let Some(sender) = self.replicas.get_mut(&replica) else { return };
        if let Some(limit) = sender.next_read(&self.pace, others) {
            self.outputs.push_back(ClientOutput::ReadPending { replica, limit });
        }
    }

    fn connect(&mut self, now: Time) {
        self.phase = Phase::Connecting { since: now };
        self.outputs.push_back(ClientOutput::Connect);
        self.tell(now);
    }

    fn drop_connection(&mut self, now: Time, reason: OfflineReason) {
        if matches!(self.phase, Phase::Connecting { .. } | Phase::Greeting { .. } | Phase::Online) {
            if reason == OfflineReason::Silence {
                // It may be that what was on its way took so long.
                self.pace.slow_down(now, &self.limits);
            }
            self.outputs.push_back(ClientOutput::Disconnect);
            self.wait(now, reason);
        }
    }

    fn wait(&mut self, now: Time, reason: OfflineReason) {
        self.is_wary |= reason == OfflineReason::Misunderstanding;
        let until = now + self.backoff.draw_wait();
        self.phase = Phase::Waiting { until, reason };
        self.offline = Some(reason);
        self.let_go(now);
    }

    fn outdated(&mut self, now: Time) {
        self.outputs.push_back(ClientOutput::Disconnect);
        self.phase = Phase::Outdated;
        self.let_go(now);
    }

    /// Nothing of the connection is left: each database waits for the next one.
    fn let_go(&mut self, now: Time) {
        for replica in self.replicas.values_mut() {
            replica.reset();
            let waits_for_credentials = matches!(&replica.state, State::Denied { until: None, .. });
            if !waits_for_credentials {
                replica.state = State::Waiting { until: None };
            }
        }
        self.tell(now);
    }

    fn send(&mut self, message: impl Into<Message>) {
        let frames = self.sent.frames(&message.into(), self.pace.part(), self.version);
        self.outputs.extend(frames.into_iter().map(ClientOutput::Send));
    }

    fn tell(&mut self, now: Time) {
        self.replicas.values_mut().for_each(|replica| replica.look_at_clock(now));
        if !matches!(self.outputs.back(), Some(ClientOutput::StatusChanged)) {
            self.outputs.push_back(ClientOutput::StatusChanged);
        }
    }
}
