//! The server's side of one connection.
//!
//! Methods fall into three kinds: `handle_*` take what happened, `poll_output` says what to do
//! about it, and `poll_timeout` when to come back. After each `handle_*` the driver drains
//! `poll_output`. Storage is asked for by outputs and answered by `handle_*`, for each channel in
//! the order of asking.

mod channel;
mod comparison;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use settee_store::{Applied, DocumentId, Record, replication::ReplicatedDocument};

use crate::{
    access::{Denial, DenialCode, Role},
    checkpoint::Checkpoint,
    digest::Digests,
    limits::{CREDENTIALS_LIMIT, Limits, NAME_LIMIT},
    message::{
        Acknowledge, BatchNumber, Changes, Channel, Closed, Compare, FrameError, Goodbye,
        GoodbyeCode, Hello, Lacking, Message, OFFERS, Offer, Open, PARTS, Part, Ping, Pong,
        Received, VERSIONS, Want,
    },
    pace::Pace,
    parts::{Incoming, Outgoing, TooLong},
    time::Time,
};
use channel::{ServerChannel, TakeError};

/// What the driver is to do.
#[derive(Debug)]
pub enum ServerOutput {
    Send(Vec<u8>),
    /// Decide on a channel: [`Server::handle_authorized`].
    Authorize(Open),
    /// Commit documents: [`Server::handle_committed`].
    Commit {
        channel: Channel,
        batch: BatchNumber,
        documents: Vec<ReplicatedDocument>,
    },
    /// Read changes after `since`, at most `limit`: [`Server::handle_changes`].
    Read {
        channel: Channel,
        since: u64,
        limit: usize,
    },
    /// Read all documents: [`Server::handle_digests`].
    Digest {
        channel: Channel,
    },
    /// Read some documents: [`Server::handle_found`].
    Find {
        channel: Channel,
        ids: Vec<DocumentId>,
    },
    /// Let go of the channel's database.
    Release(Channel),
    /// Close the socket; nothing comes after this.
    Disconnect(GoodbyeCode),
}

/// A channel that was authorised, and the state of its database.
#[derive(Debug, Clone)]
pub struct Grant {
    pub role: Role,
    /// Where the database is now.
    pub position: Checkpoint,
    /// Whether the database has lived through the checkpoint that the client showed.
    pub resumed: bool,
}

/// What became of a batch: for each document its outcome, or in the server's own words why it is
/// refused, and the database's sequence afterwards.
pub type Committed = (Vec<Result<Applied, String>>, u64);

/// What was read of a database, and its sequence afterwards.
pub type Page = (Vec<Arc<Record>>, u64);

/// What was found of some documents, and the database's sequence afterwards.
pub type Found = (Vec<Option<Arc<Record>>>, u64);

#[derive(Debug)]
pub struct Server {
    limits: Limits,
    /// What is sent by, where there are several channels.
    shared: Limits,
    agent: String,
    versions: &'static [u8],
    /// The one that was chosen in greeting.
    version: u8,
    phase: Phase,
    channels: HashMap<Channel, ServerChannel>,
    /// No channel's number is used twice, so the next one has to be higher.
    highest_channel: Option<Channel>,
    heard: Time,
    /// A channel was opened: longer frames have to be taken.
    has_granted: bool,
    pace: Pace,
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
    pub fn new(now: Time, limits: Limits, agent: impl Into<String>) -> Self {
        Self {
            shared: limits.shared(),
            has_granted: false,
            pace: Pace::new(&limits),
            sent: Outgoing::default(),
            received: Incoming::default(),
            limits,
            agent: agent.into(),
            versions: VERSIONS,
            version: 0,
            phase: Phase::Greeting,
            channels: HashMap::new(),
            highest_channel: None,
            heard: now,
            pinged: now,
            outputs: VecDeque::new(),
        }
    }

    /// Speaks these versions alone, as a program of an earlier release does.
    #[must_use]
    pub fn speaking(mut self, versions: &'static [u8]) -> Self {
        self.versions = versions;
        self
    }

    pub fn poll_output(&mut self) -> Option<ServerOutput> {
        self.outputs.pop_front()
    }

    /// When to call [`Server::handle_timeout`], if nothing else happens before.
    pub fn poll_timeout(&self) -> Option<Time> {
        match self.phase {
            Phase::Greeting => Some(self.pinged + self.limits.answer),
            Phase::Talking => {
                Some((self.pinged + self.limits.heartbeat).min(self.heard + self.limits.silence))
            }
            Phase::Over => None,
        }
    }

    pub fn handle_frame(&mut self, now: Time, frame: &[u8]) {
        if self.phase == Phase::Over {
            return;
        }
        let limit = if self.has_granted { self.limits.frame } else { self.limits.first_frame };
        if frame.len() > limit {
            return self.end(GoodbyeCode::TooLarge, "the frame is too large");
        }
        self.heard = now;
        match Message::decode(frame) {
            Ok(Some(Message::Part(part))) if self.has_parts() => self.take_part(now, part, limit),
            message => self.read(now, message),
        }
    }

    fn take_part(&mut self, now: Time, part: Part, limit: usize) {
        self.send(Received {});
        match self.received.add(now, part, limit) {
            Ok(None) => {}
            Ok(Some(frame)) => self.read(now, Message::decode(&frame)),
            Err(TooLong) => self.end(GoodbyeCode::TooLarge, "the frame in parts is too large"),
        }
    }

    fn has_parts(&self) -> bool {
        self.phase == Phase::Talking && self.version >= PARTS
    }

    fn read(&mut self, now: Time, message: Result<Option<Message>, FrameError>) {
        let message = match message {
            Ok(Some(message)) => message,
            Ok(None) => return,
            Err(error @ FrameError::Malformed(_)) => {
                return self.end(GoodbyeCode::Malformed, error.to_string());
            }
            Err(error @ FrameError::UnknownType(_)) => {
                return self.end(GoodbyeCode::UnknownType, error.to_string());
            }
        };
        match (self.phase, message) {
            (Phase::Greeting, Message::Hello(hello)) => self.greet(now, &hello),
            (Phase::Talking, Message::Ping(_)) => self.send(Pong {}),
            (Phase::Talking, Message::Pong(_)) => {}
            (Phase::Talking, Message::Open(open)) => self.open(open),
            (Phase::Talking, Message::Close(close)) => {
                if self.channels.remove(&close.channel).is_some() {
                    self.outputs.push_back(ServerOutput::Release(close.channel));
                }
            }
            (Phase::Talking, Message::Changes(changes)) => self.take(changes),
            (Phase::Talking, Message::Acknowledge(landed)) => self.landed(now, &landed),
            (Phase::Talking, Message::Offer(offer)) => self.take_offer(now, offer),
            (Phase::Talking, Message::Lacking(lacking)) => self.answered(now, lacking),
            (Phase::Talking, Message::Compare(compare)) => self.compare(&compare),
            (Phase::Talking, Message::Want(want)) => self.want(now, want),
            (Phase::Talking, Message::Received(_))
                if self.has_parts() && self.sent.answered(now) => {}
            _ => self.end(GoodbyeCode::OutOfPlace, "the message makes no sense here"),
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
            // Closed while the decision was under way.
            self.outputs.push_back(ServerOutput::Release(number));
            return;
        };
        match decision {
            Ok(grant) => {
                let opened = channel.grant(number, &grant, &self.limits);
                self.has_granted = true;
                self.send(opened);
                self.go_on(now, number);
            }
            Err(denial) => self.deny(number, denial),
        }
    }

    /// The answer to [`ServerOutput::Commit`]; `None` when the store could not.
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
        self.go_on(now, number);
    }

    /// A channel's database has changed.
    pub fn handle_news(&mut self, now: Time, number: Channel, seq: u64) {
        if let Some(channel) = self.channels.get_mut(&number) {
            channel.news(seq);
            self.go_on(now, number);
        }
    }

    /// The answer to [`ServerOutput::Read`]; `None` when the store could not.
    pub fn handle_changes(&mut self, now: Time, number: Channel, page: Option<Page>) {
        let limits = self.current_limits(number);
        let Some(channel) = self.channels.get_mut(&number) else { return };
        let Some((records, seq)) = page else { return self.deny(number, cannot_read()) };
        channel.news(seq);
        let (changes, offer) = channel.changes(now, number, &records, &limits);
        if let Some(changes) = changes {
            self.send(changes);
        }
        if let Some(offer) = offer {
            self.send(offer);
        }
        self.go_on(now, number);
    }

    /// The answer to [`ServerOutput::Digest`]; `None` when the store could not.
    pub fn handle_digests(&mut self, now: Time, number: Channel, digests: Option<Digests>) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        let Some(digests) = digests else { return self.deny(number, cannot_read()) };
        if let Some(differences) = channel.differences(number, digests, &self.limits) {
            self.send(differences);
        }
        self.go_on(now, number);
    }

    /// The answer to [`ServerOutput::Find`], in the same order; `None` when the store could not.
    pub fn handle_found(&mut self, now: Time, number: Channel, found: Option<Found>) {
        let limits = self.current_limits(number);
        let Some(channel) = self.channels.get_mut(&number) else { return };
        let Some((records, seq)) = found else { return self.deny(number, cannot_read()) };
        channel.news(seq);
        if let Some(message) = channel.found(now, number, &records, &limits) {
            self.send(message);
        }
        self.go_on(now, number);
    }

    /// A grant has ended.
    pub fn handle_revoked(&mut self, number: Channel, denial: Denial) {
        self.deny(number, denial);
    }

    /// The driver has not listened for a while: that nothing was heard isn't the client's doing.
    pub fn handle_pause(&mut self, now: Time) {
        self.heard = now;
        self.received.pause(now);
    }

    pub fn handle_stopping(&mut self) {
        if self.phase != Phase::Over {
            self.end(GoodbyeCode::Stopping, "the server stops; it will be back");
        }
    }

    pub fn handle_timeout(&mut self, now: Time) {
        let silence = now.since(self.heard);
        match self.phase {
            // What may be skipped is no greeting.
            Phase::Greeting if now.since(self.pinged) >= self.limits.answer => {
                self.end(GoodbyeCode::Silence, "no greeting came");
            }
            // A client that goes on to talk has not gone, but what it has begun is held for it.
            Phase::Talking
                if self.received.since().is_some_and(|at| now.since(at) >= self.limits.silence) =>
            {
                self.end(GoodbyeCode::Silence, "the rest of a frame didn't come");
            }
            Phase::Talking if silence >= self.limits.silence => {
                self.end(GoodbyeCode::Silence, "nothing was heard for too long");
            }
            Phase::Talking if now.since(self.pinged) >= self.limits.heartbeat => {
                self.pinged = now;
                self.send(Ping {});
                self.announce(now);
            }
            _ => {}
        }
    }

    fn greet(&mut self, now: Time, hello: &Hello) {
        let common = self.versions.iter().copied().filter(|v| hello.versions.contains(v)).max();
        let Some(version) = common else {
            return self.end(GoodbyeCode::NoCommonVersion, "no version in common");
        };
        self.phase = Phase::Talking;
        self.pinged = now;
        let agent = self.agent.clone();
        self.version = version;
        self.send(Hello { versions: vec![version], agent });
    }

    fn open(&mut self, open: Open) {
        if self.highest_channel.is_some_and(|highest| open.channel <= highest) {
            return self.end(GoodbyeCode::OutOfPlace, "the channel's number was used before");
        }
        self.highest_channel = Some(open.channel);
        let denial = if open.database.is_empty() || open.database.len() > NAME_LIMIT {
            Some(Denial::new(DenialCode::Denied, "there is no database of that name"))
        } else if open.credentials.len() > CREDENTIALS_LIMIT {
            Some(Denial::new(DenialCode::Denied, "these credentials are too long"))
        } else if self.channels.len() >= self.limits.channels {
            Some(Denial::new(DenialCode::TooMany, "too many databases on one connection"))
        } else {
            None
        };
        if let Some(Denial { code, message }) = denial {
            return self.send(Closed { channel: open.channel, code, message });
        }
        self.channels
            .insert(open.channel, ServerChannel::new(open.checkpoint, self.version >= OFFERS));
        self.outputs.push_back(ServerOutput::Authorize(open));
    }

    /// Documents from the client.
    fn take(&mut self, changes: Changes) {
        let number = changes.channel;
        // What was under way when the channel was closed is not the client's fault.
        let Some(channel) = self.channels.get_mut(&number) else {
            if self.highest_channel.is_none_or(|highest| number > highest) {
                self.end(GoodbyeCode::OutOfPlace, "the channel was never opened");
            }
            return;
        };
        match channel.take(changes, &self.limits) {
            Ok((batch, documents)) => {
                self.outputs.push_back(ServerOutput::Commit { channel: number, batch, documents });
            }
            Err(error) => self.not_taken(number, &error),
        }
    }

    fn take_offer(&mut self, now: Time, offer: Offer) {
        let number = offer.channel;
        let Some(channel) = self.channels.get_mut(&number) else { return };
        match channel.take_offer(offer) {
            Ok(()) => self.go_on(now, number),
            Err(error) => self.not_taken(number, &error),
        }
    }

    fn not_taken(&mut self, number: Channel, error: &TakeError) {
        match error {
            TakeError::ReadOnly => {
                let denial = Denial::new(DenialCode::Downgraded, "this access is for reading only");
                self.deny(number, denial);
            }
            TakeError::Overload => {
                self.end(GoodbyeCode::Overload, "more was sent than there is credit for");
            }
            TakeError::NotOpen => self.end(GoodbyeCode::OutOfPlace, "the channel is not open"),
            TakeError::TooEarly => {
                self.end(GoodbyeCode::OutOfPlace, "the last offer is not answered");
            }
        }
    }

    fn answered(&mut self, now: Time, lacking: Lacking) {
        let number = lacking.channel;
        let Some(channel) = self.channels.get_mut(&number) else { return };
        if channel.answered(lacking) {
            self.go_on(now, number);
        } else {
            self.end(GoodbyeCode::OutOfPlace, "nothing of that kind was offered");
        }
    }

    fn compare(&mut self, compare: &Compare) {
        let Some(channel) = self.channels.get_mut(&compare.channel) else { return };
        let Some(buckets) = comparison::read_buckets(&compare.buckets) else {
            return self.end(GoodbyeCode::Malformed, "these are no digests");
        };
        if channel.compare(buckets) {
            self.outputs.push_back(ServerOutput::Digest { channel: compare.channel });
        } else {
            self.end(GoodbyeCode::OutOfPlace, "there is nothing to compare");
        }
    }

    fn want(&mut self, now: Time, want: Want) {
        let Some(channel) = self.channels.get_mut(&want.channel) else { return };
        if channel.want(want.ids) {
            self.go_on(now, want.channel);
        } else {
            self.end(GoodbyeCode::OutOfPlace, "nothing was compared");
        }
    }

    fn landed(&mut self, now: Time, landed: &Acknowledge) {
        let Some(channel) = self.channels.get_mut(&landed.channel) else { return };
        if channel.landed(now, landed.batch, &mut self.pace, &self.limits) {
            self.go_on(now, landed.channel);
        } else {
            self.end(GoodbyeCode::OutOfPlace, "no such batch waits for an acknowledgement");
        }
    }

    /// How much is sent on a channel at a time.
    fn current_limits(&self, channel: Channel) -> Limits {
        let limits = if self.channels.len() > 1 { &self.shared } else { &self.limits };
        let others = self.channels.iter().filter(|(number, _)| **number != channel);
        self.pace.within(limits, others.map(|(_, other)| other.under_way()).sum())
    }

    /// Acknowledges what there is to acknowledge, and reads what there is to read.
    fn go_on(&mut self, now: Time, number: Channel) {
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
        for acknowledge in acknowledgements {
            self.send(acknowledge);
        }
        if let Some(changes) = compared {
            self.send(changes);
        }
    }

    /// Tells clients of the sequence they have reached where no documents did.
    fn announce(&mut self, now: Time) {
        let mut numbers: Vec<Channel> = self.channels.keys().copied().collect();
        numbers.sort_unstable();
        for number in numbers {
            let channel = self.channels.get_mut(&number);
            if let Some(changes) = channel.and_then(|channel| channel.announce(now, number)) {
                self.send(changes);
            }
        }
    }

    fn deny(&mut self, number: Channel, denial: Denial) {
        if self.channels.remove(&number).is_some() {
            self.outputs.push_back(ServerOutput::Release(number));
            self.send(Closed { channel: number, code: denial.code, message: denial.message });
        }
    }

    fn send(&mut self, message: impl Into<Message>) {
        let frames = self.sent.frames(&message.into(), self.pace.part(), self.version);
        self.outputs.extend(frames.into_iter().map(ServerOutput::Send));
    }

    fn end(&mut self, code: GoodbyeCode, message: impl Into<String>) {
        self.phase = Phase::Over;
        self.send(Goodbye { code, message: message.into() });
        self.channels.clear();
        self.outputs.push_back(ServerOutput::Disconnect(code));
    }
}

fn cannot_read() -> Denial {
    Denial::new(DenialCode::Unavailable, "the server can't read now")
}
