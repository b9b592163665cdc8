//! The client's side of a connection, and of all connections after it.
//!
//! There are three kinds of methods: `handle_*` take what happened, `poll_output` says what to do
//! about it, and `poll_timeout` says when to call [`Client::handle_timeout`]. After each `handle_*`
//! the driver drains `poll_output`. Outputs ask the driver to read and write databases, and it
//! answers with `handle_*`, for each replica in the order of the outputs.

mod incoming;
mod replica;
mod sender;
pub mod status;
mod storage;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use settee_store::{DocumentId, replication::ReplicatedDocument};

use crate::{
    backoff::Backoff,
    checkpoint::Checkpoint,
    limits::{Limits, STATE_LIMIT},
    message::{BatchNumber, Channel, Close, Hello, Message, Ping, VERSIONS},
    parts::{Incoming, Outgoing},
    send_window::SendWindow,
    time::Time,
};
pub use replica::Verdict;
use replica::{ClientReplica, State};
pub use sender::SentDocument;
use status::{ConnectionStatus, OfflineReason, ReplicaStatus};

/// The client's name for one of its databases, across connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Replica(u32);

/// What the driver has to do. In each variant, `replica` is the database that it is about.
#[derive(Debug)]
#[expect(missing_docs, reason = "the variants describe their fields")]
pub enum ClientOutput {
    /// Open a socket. The answer is [`Client::handle_connected`] or [`Client::handle_disconnected`].
    Connect,
    /// Close the socket, or stop opening it. The machine must not hear of it any more.
    Disconnect,
    /// Send a frame.
    Send(Vec<u8>),
    /// Read at most `limit` pending documents. The answer is [`Client::handle_pending`].
    ReadPending { replica: Replica, limit: usize },
    /// Commit the documents together with the checkpoint, each by
    /// [`Operation::from_server`](settee_store::Operation::from_server), which asks whether it
    /// `reconciles`. The answer is
    /// [`Client::handle_committed`] with the number of the batch.
    Commit {
        replica: Replica,
        batch: BatchNumber,
        documents: Vec<ReplicatedDocument>,
        checkpoint: Option<Checkpoint>,
        reconciles: bool,
    },
    /// Store the server's verdict on documents. The answer is [`Client::handle_settled`].
    Settle { replica: Replica, verdict: Verdict },
    /// The server has lost something: read all documents. The answer is [`Client::handle_digests`].
    Digest { replica: Replica },
    /// Mark these documents as pending, because the server lacks them. The answer is
    /// [`Client::handle_resent`].
    Resend { replica: Replica, ids: Vec<DocumentId> },
    /// Read these documents. The answer is [`Client::handle_found`].
    Find { replica: Replica, ids: Vec<DocumentId> },
    /// The status of the connection or of a replica has changed.
    StatusChanged,
}

/// When the device wakes, an attempt to connect that is at least this old is replaced by another.
const STALE_ATTEMPT: Duration = Duration::from_secs(1);

#[derive(Debug)]
enum Phase {
    Stopped,
    Connecting { since: Time },
    Greeting { since: Time },
    Online,
    Waiting { until: Time, reason: OfflineReason },
    UpdateNeeded,
}

/// The client's machine. See the [module](self) for how to drive it.
#[derive(Debug)]
pub struct Client {
    limits: Limits,
    agent: String,
    versions: &'static [u8],
    /// The version that the server has chosen, once it has greeted.
    version: u8,
    /// What the server has called itself in its last greeting.
    server: Option<Arc<str>>,
    phase: Phase,
    /// Why there is no connection. It stays until the server has greeted again: attempts to connect
    /// don't change it.
    offline: Option<OfflineReason>,
    backoff: Backoff,
    /// It outlasts connections, because the next one is likely to be on the same network.
    send_window: SendWindow,
    sent: Outgoing,
    received: Incoming,
    /// The last connection ended because one side didn't understand the other. Until a connection has
    /// lasted for a heartbeat, the waits between attempts go on growing.
    had_protocol_error: bool,
    replicas: BTreeMap<Replica, ClientReplica>,
    next_replica: u32,
    next_channel: Channel,
    /// When something last arrived from the server.
    last_heard: Time,
    /// When the client pinged the server, as long as nothing has arrived since.
    pinged: Option<Time>,
    outputs: VecDeque<ClientOutput>,
}

impl Client {
    /// A client that is not connected yet, see [`Client::handle_start`]. `agent` names the program in
    /// the server's logs. `chance` is a random number: it makes clients wait for different times.
    pub fn new(limits: Limits, agent: impl Into<String>, chance: u64) -> Self {
        Self {
            backoff: Backoff::new(limits.backoff, chance),
            send_window: SendWindow::new(&limits),
            sent: Outgoing::default(),
            received: Incoming::default(),
            limits,
            agent: agent.into(),
            versions: VERSIONS,
            version: 0,
            server: None,
            phase: Phase::Stopped,
            offline: None,
            had_protocol_error: false,
            replicas: BTreeMap::new(),
            next_replica: 0,
            next_channel: 0,
            last_heard: Time::default(),
            pinged: None,
            outputs: VecDeque::new(),
        }
    }

    /// Limits the client to these versions of the protocol, as a program of an earlier release.
    #[must_use]
    pub fn speaking(mut self, versions: &'static [u8]) -> Self {
        self.versions = versions;
        self
    }

    /// The next thing to do, until there is nothing left.
    pub fn poll_output(&mut self) -> Option<ClientOutput> {
        self.outputs.pop_front()
    }

    /// When to call [`Client::handle_timeout`]. Each `handle_*` may change it.
    pub fn poll_timeout(&self) -> Option<Time> {
        match &self.phase {
            Phase::Stopped | Phase::UpdateNeeded => None,
            Phase::Connecting { since } | Phase::Greeting { since } => {
                Some(*since + self.limits.answer)
            }
            Phase::Waiting { until, .. } => Some(*until),
            Phase::Online => {
                let silence = Some(self.last_heard + self.limits.silence);
                let answer = self.pinged.map(|pinged| pinged + self.limits.heartbeat);
                let replicas =
                    self.replicas.values().filter_map(|r| r.timeout(&self.limits, &self.sent));
                replicas.chain(silence).chain(answer).min()
            }
        }
    }

    /// The status of the connection.
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
            Phase::UpdateNeeded => ConnectionStatus::UpdateNeeded,
        }
    }

    /// What the server has called itself in its last greeting.
    pub fn server(&self) -> Option<Arc<str>> {
        self.server.clone()
    }

    /// The status of one database; `None` after it was removed.
    pub fn replica_status(&self, replica: Replica) -> Option<ReplicaStatus> {
        self.replicas.get(&replica).map(ClientReplica::status)
    }

    /// Begins to connect. The client keeps connecting from now on.
    pub fn handle_start(&mut self, now: Time) {
        if matches!(self.phase, Phase::Stopped) {
            self.connect(now);
        }
    }

    /// Adds a database, with the checkpoint that was stored last. No channel is opened before
    /// [`Client::handle_news`] has told its counts. A lazy database is one that began on this device:
    /// its channel is opened only once there is something to send.
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
        let previous = self.replicas.insert(replica, added);
        assert!(previous.is_none(), "no two replicas have the same name");
        self.open_due_channels(now);
        self.status_changed(now);
        replica
    }

    /// Stops syncing a database.
    pub fn handle_remove(&mut self, now: Time, replica: Replica) {
        let channel = self.replicas.remove(&replica).and_then(|removed| removed.channel());
        if let Some(channel) = channel {
            self.send(Close { channel });
        }
        self.status_changed(now);
    }

    /// Replaces the credentials of a database. Its channel is opened again with them.
    pub fn handle_credentials(&mut self, now: Time, replica: Replica, credentials: Vec<u8>) {
        let Some(changed) = self.replicas.get_mut(&replica) else { return };
        changed.credentials = credentials;
        let channel = changed.channel();
        changed.reset();
        changed.state = State::Waiting { until: None };
        if let Some(channel) = channel {
            self.send(Close { channel });
        }
        self.open_due_channels(now);
        self.status_changed(now);
    }

    /// Says that somebody is here, and what others on the database may know of them: at most
    /// [`STATE_LIMIT`](crate::limits::STATE_LIMIT) bytes, or it is as if nobody were. Only who is here is
    /// told who else is.
    pub fn handle_here(&mut self, now: Time, replica: Replica, state: Option<Vec<u8>>) {
        let Some(shown) = self.replicas.get_mut(&replica) else { return };
        let here = shown.show(state.filter(|state| state.len() <= STATE_LIMIT));
        if let Some(here) = here {
            self.send(here);
        }
        self.status_changed(now);
    }

    /// The socket is open.
    pub fn handle_connected(&mut self, now: Time) {
        if matches!(self.phase, Phase::Connecting { .. }) {
            self.last_heard = now;
            self.pinged = None;
            self.phase = Phase::Greeting { since: now };
            self.version = 0;
            self.send_window.begin(now, &self.limits);
            self.sent = Outgoing::default();
            self.received = Incoming::default();
            let agent = self.agent.clone();
            self.send(Hello { versions: self.versions.to_vec(), agent });
        }
    }

    /// The socket was closed, or could not be opened.
    pub fn handle_disconnected(&mut self, now: Time) {
        let reason = match self.phase {
            Phase::Connecting { .. } => OfflineReason::Unreachable,
            Phase::Greeting { .. } | Phase::Online => OfflineReason::Lost,
            Phase::Stopped | Phase::Waiting { .. } | Phase::UpdateNeeded => return,
        };
        self.wait(now, reason);
    }

    /// The device reports that it has no network. The connection is dropped at once.
    pub fn handle_offline(&mut self, now: Time) {
        self.drop_connection(now, OfflineReason::NoNetwork);
    }

    /// The device woke, became visible or has a network again, or the user asked to connect now.
    pub fn handle_wake(&mut self, now: Time) {
        match self.phase {
            Phase::Waiting { .. } => {
                self.backoff.reset();
                self.connect(now);
            }
            // Nothing was read during sleep, and a clock that stops in sleep doesn't tell how long
            // that was. So the server is pinged, and the timeout for silence begins anew.
            Phase::Online => {
                self.last_heard = now;
                if self.pinged.is_none() {
                    self.pinged = Some(now);
                    self.send(Ping {});
                }
                self.replicas.values_mut().for_each(|replica| replica.wake(now));
                self.open_due_channels(now);
            }
            // An attempt that began on another network may hang.
            Phase::Connecting { since } | Phase::Greeting { since }
                if now.since(since) >= STALE_ATTEMPT =>
            {
                self.outputs.push_back(ClientOutput::Disconnect);
                self.backoff.reset();
                self.connect(now);
            }
            _ => {}
        }
    }

    /// The time of [`Client::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Time) {
        match self.phase {
            Phase::Waiting { until, .. } if until <= now => self.connect(now),
            Phase::Connecting { since } | Phase::Greeting { since }
                if now.since(since) >= self.limits.answer =>
            {
                self.drop_connection(now, OfflineReason::Unreachable);
            }
            Phase::Online => {
                let is_silent = now.since(self.last_heard) >= self.limits.silence
                    || self.pinged.is_some_and(|at| now.since(at) >= self.limits.heartbeat);
                if is_silent {
                    self.drop_connection(now, OfflineReason::Silence);
                } else {
                    self.close_stalled_channels(now);
                    self.open_due_channels(now);
                }
            }
            _ => {}
        }
    }

    /// Closes channels whose answers are overdue on a connection that works, so that the other channels
    /// go on. They are opened again after a while.
    fn close_stalled_channels(&mut self, now: Time) {
        let mut stalled = Vec::new();
        for replica in self.replicas.values_mut() {
            let Some(channel) = replica.channel() else { continue };
            if replica.timeout(&self.limits, &self.sent).is_some_and(|at| at <= now) {
                replica.channel_stalled(now);
                stalled.push(Close { channel });
            }
        }
        if !stalled.is_empty() {
            for close in stalled {
                self.send(close);
            }
            self.status_changed(now);
        }
    }

    fn open_due_channels(&mut self, now: Time) {
        if !matches!(self.phase, Phase::Online) {
            return;
        }
        let mut opened = Vec::new();
        for replica in self.replicas.values_mut().filter(|replica| replica.wants_channel(now)) {
            opened.push(replica.open(now, self.next_channel));
            self.next_channel += 1;
        }
        debug_assert!(self.has_distinct_channels(), "no two replicas share a channel");
        for open in opened {
            self.send(open);
        }
    }

    fn has_distinct_channels(&self) -> bool {
        let mut channels = BTreeSet::new();
        self.replicas.values().filter_map(ClientReplica::channel).all(|it| channels.insert(it))
    }

    fn connect(&mut self, now: Time) {
        self.phase = Phase::Connecting { since: now };
        self.outputs.push_back(ClientOutput::Connect);
        self.status_changed(now);
    }

    fn drop_connection(&mut self, now: Time, reason: OfflineReason) {
        if matches!(self.phase, Phase::Connecting { .. } | Phase::Greeting { .. } | Phase::Online) {
            if reason == OfflineReason::Silence {
                // Too much in flight on a slow link may be the reason.
                self.send_window.shrink(now, &self.limits);
            }
            self.outputs.push_back(ClientOutput::Disconnect);
            self.wait(now, reason);
        }
    }

    fn wait(&mut self, now: Time, reason: OfflineReason) {
        self.had_protocol_error |= reason == OfflineReason::ProtocolError;
        let until = now + self.backoff.draw_wait();
        self.phase = Phase::Waiting { until, reason };
        self.offline = Some(reason);
        self.forget_connection(now);
    }

    fn update_needed(&mut self, now: Time) {
        self.outputs.push_back(ClientOutput::Disconnect);
        self.phase = Phase::UpdateNeeded;
        self.forget_connection(now);
    }

    /// The connection is gone. All replicas wait for the next one, except those that wait for other
    /// credentials.
    fn forget_connection(&mut self, now: Time) {
        for replica in self.replicas.values_mut() {
            replica.reset();
            let waits_for_credentials = matches!(&replica.state, State::Denied { until: None, .. });
            if !waits_for_credentials {
                replica.state = State::Waiting { until: None };
            }
        }
        debug_assert!(
            self.replicas.values().all(|replica| replica.channel().is_none()),
            "no channel outlasts its connection"
        );
        self.status_changed(now);
    }

    fn send(&mut self, message: impl Into<Message>) {
        let message = message.into();
        assert!(
            matches!(self.phase, Phase::Online) || matches!(message, Message::Hello(_)),
            "nothing but a greeting is sent before the server has greeted"
        );
        let frames = self.sent.frames(message, self.send_window.part_length(), self.version);
        self.outputs.extend(frames.into_iter().map(ClientOutput::Send));
    }

    fn status_changed(&mut self, now: Time) {
        self.replicas.values_mut().for_each(|replica| replica.update_up_to_date(now));
        if !matches!(self.outputs.back(), Some(ClientOutput::StatusChanged)) {
            self.outputs.push_back(ClientOutput::StatusChanged);
        }
    }
}
