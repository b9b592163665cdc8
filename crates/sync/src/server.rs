//! The server's side of one connection.
//!
//! There are three kinds of methods: `handle_*` take what happened, `poll_output` says what to do
//! about it, and `poll_timeout` says when to call [`Server::handle_timeout`]. After each `handle_*`
//! the driver drains `poll_output`. Outputs ask the driver to read and write databases, and it
//! answers with `handle_*`, for each channel in the order of the outputs.

mod channel;
mod comparison;
mod grant;
mod incoming;

use std::collections::{HashMap, VecDeque};

use minicbor::bytes::ByteVec;
use settee_store::{DocumentId, Page, replication::ReplicatedDocument};

use crate::{
    access::{Denial, DenialCode},
    digest::Digests,
    limits::{Limits, OTHERS_LIMIT},
    message::{
        BatchNumber, Channel, Closed, Goodbye, GoodbyeCode, HELPERS, Message, Open, Others, Ping,
        VERSIONS,
    },
    parts::{Incoming, Outgoing},
    send_window::SendWindow,
    time::Time,
};
use channel::ServerChannel;
pub use grant::{Committed, Found, Grant};

/// What the driver has to do. In each variant, `channel` is the channel that it is about.
#[derive(Debug)]
#[expect(missing_docs, reason = "the variants describe their fields")]
pub enum ServerOutput {
    /// Send a frame.
    Send(Vec<u8>),
    /// Decide on a channel. The answer is [`Server::handle_authorized`].
    Authorize(Open),
    /// Commit these documents. The answer is [`Server::handle_committed`] with the number of the
    /// batch.
    Commit { channel: Channel, batch: BatchNumber, documents: Vec<ReplicatedDocument> },
    /// Read at most `limit` changes after `since`. The answer is [`Server::handle_changes`].
    Read { channel: Channel, since: u64, limit: usize },
    /// Read all documents. The answer is [`Server::handle_digests`].
    Digest { channel: Channel },
    /// Read these documents. The answer is [`Server::handle_found`].
    Find { channel: Channel, ids: Vec<DocumentId> },
    /// Somebody is here now, or nobody any more. Whoever else is here is to be told by
    /// [`Server::handle_others`], on all connections.
    Here { channel: Channel, state: Option<Vec<u8>> },
    /// The channel is over: release its database.
    Release(Channel),
    /// Close the socket. Nothing comes after this.
    Disconnect(GoodbyeCode),
}

/// The server's machine for one connection. See the [module](self) for how to drive it.
#[derive(Debug)]
pub struct Server {
    limits: Limits,
    /// The limits of what is sent, if the connection has several channels.
    shared: Limits,
    agent: String,
    versions: &'static [u8],
    /// The version that was chosen in greeting.
    version: u8,
    phase: Phase,
    channels: HashMap<Channel, ServerChannel>,
    /// No channel's number is used twice, so the next one has to be higher.
    highest_channel: Option<Channel>,
    /// When something last arrived from the client.
    last_heard: Time,
    /// A channel was granted, so longer frames are allowed.
    has_granted: bool,
    send_window: SendWindow,
    sent: Outgoing,
    received: Incoming,
    /// When the client was last pinged; before it has greeted, when it connected.
    pinged: Time,
    outputs: VecDeque<ServerOutput>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Greeting,
    Talking,
    Over,
}

impl Server {
    /// A connection that has just been accepted. `agent` names the program in the greeting.
    pub fn new(now: Time, limits: Limits, agent: impl Into<String>) -> Self {
        Self {
            shared: limits.shared(),
            has_granted: false,
            send_window: SendWindow::new(&limits),
            sent: Outgoing::default(),
            received: Incoming::default(),
            limits,
            agent: agent.into(),
            versions: VERSIONS,
            version: 0,
            phase: Phase::Greeting,
            channels: HashMap::new(),
            highest_channel: None,
            last_heard: now,
            pinged: now,
            outputs: VecDeque::new(),
        }
    }

    /// Limits the server to these versions of the protocol, as a program of an earlier release.
    #[must_use]
    pub fn speaking(mut self, versions: &'static [u8]) -> Self {
        self.versions = versions;
        self
    }

    /// The next thing to do, until there is nothing left.
    pub fn poll_output(&mut self) -> Option<ServerOutput> {
        self.outputs.pop_front()
    }

    /// When to call [`Server::handle_timeout`]. Each `handle_*` may change it.
    pub fn poll_timeout(&self) -> Option<Time> {
        match self.phase {
            Phase::Greeting => Some(self.pinged + self.limits.answer),
            Phase::Talking => Some(
                (self.pinged + self.limits.heartbeat).min(self.last_heard + self.limits.silence),
            ),
            Phase::Over => None,
        }
    }

    /// The driver's decision on [`ServerOutput::Authorize`].
    pub fn handle_authorized(
        &mut self,
        now: Time,
        number: Channel,
        decision: Result<Grant, Denial>,
    ) {
        let Some(channel) = self.channels.get_mut(&number) else {
            // The channel was closed while the driver decided.
            self.outputs.push_back(ServerOutput::Release(number));
            return;
        };
        match decision {
            Ok(grant) => {
                let knows_helpers = self.version >= HELPERS;
                let opened = channel.grant(number, &grant, knows_helpers, &self.limits);
                self.has_granted = true;
                self.send(opened);
                self.advance(now, number);
            }
            Err(denial) => self.deny(number, denial),
        }
    }

    /// The answer to [`ServerOutput::Commit`]; `None` if nothing could be saved.
    pub fn handle_committed(
        &mut self,
        now: Time,
        number: Channel,
        batch: BatchNumber,
        committed: Option<Committed>,
    ) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        let Some(committed) = committed else {
            let denial = Denial::new(DenialCode::Unavailable, "the server can't save now");
            return self.deny(number, denial);
        };
        channel.committed(number, batch, committed);
        self.advance(now, number);
    }

    /// A channel's database has changed, and has this update sequence now.
    pub fn handle_news(&mut self, now: Time, number: Channel, seq: u64) {
        if let Some(channel) = self.channels.get_mut(&number) {
            channel.raise_latest(seq);
            self.advance(now, number);
        }
    }

    /// The answer to [`ServerOutput::Read`]; `None` if nothing could be read.
    pub fn handle_changes(&mut self, now: Time, number: Channel, page: Option<Page>) {
        let limits = self.current_limits(number);
        let Some(channel) = self.channels.get_mut(&number) else { return };
        let Some(page) = page else { return self.deny(number, cannot_read()) };
        channel.raise_latest(page.seq);
        let (changes, offer) = channel.changes(now, number, &page, &limits);
        if let Some(changes) = changes {
            self.send(changes);
        }
        if let Some(offer) = offer {
            self.send(offer);
        }
        self.advance(now, number);
    }

    /// The answer to [`ServerOutput::Digest`]; `None` if nothing could be read.
    pub fn handle_digests(&mut self, now: Time, number: Channel, digests: Option<&Digests>) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        let Some(digests) = digests else { return self.deny(number, cannot_read()) };
        if let Some(differences) = channel.differences(number, digests, &self.limits) {
            self.send(differences);
        }
        self.advance(now, number);
    }

    /// The answer to [`ServerOutput::Find`], in the same order; `None` if nothing could be read.
    pub fn handle_found(&mut self, now: Time, number: Channel, found: Option<Found>) {
        let limits = self.current_limits(number);
        let Some(channel) = self.channels.get_mut(&number) else { return };
        let Some((records, seq)) = found else { return self.deny(number, cannot_read()) };
        channel.raise_latest(seq);
        if let Some(message) = channel.found(now, number, &records, &limits) {
            self.send(message);
        }
        self.advance(now, number);
    }

    /// Others are here now, on a channel that has said [`ServerOutput::Here`]: at most
    /// [`OTHERS_LIMIT`](crate::limits::OTHERS_LIMIT).
    pub fn handle_others(&mut self, number: Channel, states: Vec<Vec<u8>>) {
        if self.channels.get(&number).is_some_and(|channel| channel.is_here) {
            let states = states.into_iter().take(OTHERS_LIMIT).map(ByteVec::from).collect();
            self.send(Others { channel: number, states });
        }
    }

    /// A grant has ended. The client is told why.
    pub fn handle_revoked(&mut self, number: Channel, denial: Denial) {
        self.deny(number, denial);
    }

    /// The driver has not read from the socket for a while, so the timeouts for silence begin anew.
    pub fn handle_pause(&mut self, now: Time) {
        self.last_heard = now;
        self.received.pause(now);
    }

    /// The bytes of a frame in parts that have come, while its rest hasn't.
    pub fn unfinished(&self) -> usize {
        self.received.unfinished()
    }

    /// The server stops.
    pub fn handle_stopping(&mut self) {
        if self.phase != Phase::Over {
            self.end(GoodbyeCode::Stopping, "the server stops; it will be back");
        }
    }

    /// The time of [`Server::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Time) {
        let silence = now.since(self.last_heard);
        match self.phase {
            // Frames that may be skipped don't count as a greeting.
            Phase::Greeting if now.since(self.pinged) >= self.limits.answer => {
                self.end(GoodbyeCode::Silence, "no greeting came");
            }
            // The client is there, but the server keeps the parts that it has sent in memory.
            Phase::Talking
                if self
                    .received
                    .waiting_since()
                    .is_some_and(|at| now.since(at) >= self.limits.silence) =>
            {
                self.end(GoodbyeCode::Silence, "the rest of a frame didn't come");
            }
            Phase::Talking if silence >= self.limits.silence => {
                self.end(GoodbyeCode::Silence, "nothing was heard for too long");
            }
            Phase::Talking if now.since(self.pinged) >= self.limits.heartbeat => {
                self.pinged = now;
                self.send(Ping {});
                self.close_unanswered(now);
            }
            _ => {}
        }
    }

    /// The limits of what is sent on a channel now.
    fn current_limits(&self, channel: Channel) -> Limits {
        let limits = if self.channels.len() > 1 { &self.shared } else { &self.limits };
        let others = self.channels.iter().filter(|(number, _)| **number != channel);
        self.send_window.within(limits, others.map(|(_, other)| other.weight_in_flight()).sum())
    }

    /// Does what can be done next on a channel: acknowledges, asks for reads, and tells the client how
    /// far it has read the database where no documents have told it.
    fn advance(&mut self, now: Time, number: Channel) {
        let limits = self.current_limits(number);
        let Some(channel) = self.channels.get_mut(&number) else { return };
        let acknowledgements = channel.acknowledgements();
        let compared = channel.compared(now, number);
        if let Some(ids) = channel.next_find(&limits) {
            self.outputs.push_back(ServerOutput::Find { channel: number, ids });
        }
        if let Some((since, limit)) = channel.next_read(&limits) {
            self.outputs.push_back(ServerOutput::Read { channel: number, since, limit });
        }
        let announced = channel.announce(now, number);
        for acknowledge in acknowledgements {
            self.send(acknowledge);
        }
        for changes in compared.into_iter().chain(announced) {
            self.send(changes);
        }
    }

    /// Closes the channels whose client has not answered for too long. Others of the connection may be
    /// in use.
    fn close_unanswered(&mut self, now: Time) {
        let is_overdue = |channel: &ServerChannel| {
            let since = channel.waiting_since().map(|since| self.sent.waiting_since(since));
            since.is_some_and(|since| now.since(since) >= self.limits.patience)
        };
        let overdue = self.channels.iter().filter(|(_, channel)| is_overdue(channel));
        let mut overdue: Vec<Channel> = overdue.map(|(number, _)| *number).collect();
        overdue.sort_unstable();
        for number in overdue {
            let denial = Denial::new(DenialCode::Unavailable, "no answer came for too long");
            self.deny(number, denial);
        }
    }

    fn deny(&mut self, number: Channel, denial: Denial) {
        if self.channels.remove(&number).is_some() {
            self.outputs.push_back(ServerOutput::Release(number));
            self.send(Closed { channel: number, code: denial.code, message: denial.message });
        }
    }

    fn send(&mut self, message: impl Into<Message>) {
        let frames = self.sent.frames(message.into(), self.send_window.part_length(), self.version);
        self.outputs.extend(frames.into_iter().map(ServerOutput::Send));
    }

    fn end(&mut self, code: GoodbyeCode, message: impl Into<String>) {
        assert!(self.phase != Phase::Over, "a connection ends once");
        self.phase = Phase::Over;
        self.send(Goodbye { code, message: message.into() });
        self.channels.clear();
        self.outputs.push_back(ServerOutput::Disconnect(code));
    }
}

fn cannot_read() -> Denial {
    Denial::new(DenialCode::Unavailable, "the server can't read now")
}
