//! Links between clients and the server, and what can happen to them.
//!
//! A WebSocket is carried by TCP, so a link delivers frames in order, each once, or no longer
//! delivers. A lost frame therefore is the end of what comes through: the link goes silent until
//! one of the sides gives up. Faults that mean something here are:
//!
//! - delay, and stalls: nothing comes for a while, then all that was sent;
//! - a cut: what was under way is lost, and both sides are told;
//! - silence: what is sent from now on is lost, in one direction or both, and nobody is told;
//! - a partition: a stall of what is there, and no new connections.
//!
//! The same documents come twice when a batch is sent again after a reconnect, as a matter of
//! course. A frame that comes twice on one connection is the work of a broken proxy: the machines
//! may end such a connection, but nothing may be lost by it.

use std::collections::{BTreeMap, VecDeque};

use settee_sync::{
    Time,
    message::{Message, Part},
};

use crate::{agenda::Event, context::Context, trace::describe};

pub type LinkId = u64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the server.
    Up,
    /// To the client.
    Down,
}

impl Direction {
    fn back(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// What comes out of a link.
#[derive(Debug, Clone)]
pub enum Parcel {
    Frame(Vec<u8>),
    /// The other side has closed, or the connection broke.
    End,
}

#[derive(Debug, Default)]
struct Pipe {
    parcels: VecDeque<Parcel>,
    bytes: usize,
    /// When the last parcel arrives: none overtakes another.
    latest: Time,
    stalled_until: Time,
    is_dead: bool,
    /// Of a frame that is sent in parts, as far as it is sent.
    parts: Vec<u8>,
}

#[derive(Debug)]
struct Link {
    client: usize,
    up: Pipe,
    down: Pipe,
}

impl Link {
    fn pipe(&mut self, direction: Direction) -> &mut Pipe {
        match direction {
            Direction::Up => &mut self.up,
            Direction::Down => &mut self.down,
        }
    }
}

#[derive(Debug, Default)]
pub struct Network {
    links: BTreeMap<LinkId, Link>,
    next: LinkId,
    partitions: BTreeMap<usize, Time>,
}

impl Network {
    pub fn open(&mut self, client: usize) -> LinkId {
        let link = self.next;
        self.next += 1;
        self.links.insert(link, Link { client, up: Pipe::default(), down: Pipe::default() });
        link
    }

    pub fn client_of(&self, link: LinkId) -> Option<usize> {
        self.links.get(&link).map(|link| link.client)
    }

    pub fn stall(&mut self, link: LinkId, until: Time) {
        if let Some(link) = self.links.get_mut(&link) {
            for direction in [Direction::Up, Direction::Down] {
                let pipe = link.pipe(direction);
                pipe.stalled_until = pipe.stalled_until.max(until);
            }
        }
    }

    /// Nothing comes through in this direction any more, what is under way included.
    pub fn go_silent(&mut self, link: LinkId, direction: Direction) {
        if let Some(link) = self.links.get_mut(&link) {
            let pipe = link.pipe(direction);
            pipe.is_dead = true;
            pipe.parcels.clear();
            pipe.bytes = 0;
        }
    }

    pub fn partition(&mut self, client: usize, until: Time) {
        self.partitions.insert(client, until);
        let links = self.links.iter().filter(|(_, link)| link.client == client);
        for link in links.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.stall(link, until);
        }
    }

    pub fn is_cut_off(&self, client: usize, now: Time) -> bool {
        self.partitions.get(&client).is_some_and(|until| *until > now)
    }

    /// Partitions and stalls end. Links that have gone silent stay so: it is for the machines to
    /// notice.
    pub fn heal(&mut self, now: Time) {
        self.partitions.clear();
        for link in self.links.values_mut() {
            link.up.stalled_until = link.up.stalled_until.min(now);
            link.down.stalled_until = link.down.stalled_until.min(now);
        }
    }

    /// The frame that this part completes, if it does.
    fn joined(&mut self, link: LinkId, direction: Direction, part: Part) -> Option<Vec<u8>> {
        let parts = &mut self.links.get_mut(&link)?.pipe(direction).parts;
        parts.extend(part.bytes);
        part.is_last.map(|_| std::mem::take(parts))
    }

    /// The bytes under way on the fullest link.
    pub fn fullest(&self) -> usize {
        self.links.values().map(|link| link.up.bytes.max(link.down.bytes)).max().unwrap_or_default()
    }
}

impl Context {
    pub fn send(&mut self, link: LinkId, direction: Direction, frame: Vec<u8>) {
        self.trace.mark(&frame);
        self.tally.count("frames sent");
        self.trace.note(self.now, || format!("link {link} {direction:?}: {}", describe(&frame)));
        let message = match Message::decode(&frame) {
            Ok(Some(Message::Part(part))) => self.joined(link, direction, part),
            message => message.ok().flatten(),
        };
        if matches!(message, Some(Message::Offer(_))) {
            self.tally.count("offers");
        }
        if self.random.one_in(self.faults.loss) {
            self.tally.count("fault: a frame lost, and all after it");
            self.note(|| format!("link {link} {direction:?}: lost, as all that follows"));
            if self.random.one_in(2) {
                self.network.go_silent(link, direction.back());
            }
            self.network.go_silent(link, direction);
        }
        if self.random.one_in(self.faults.duplication) {
            self.tally.count("fault: a frame comes twice");
            self.put(link, direction, Parcel::Frame(frame.clone()));
        }
        self.put(link, direction, Parcel::Frame(frame));
    }

    /// The message that this part completes, if it does.
    fn joined(&mut self, link: LinkId, direction: Direction, part: Part) -> Option<Message> {
        let whole = self.network.joined(link, direction, part)?;
        self.tally.count("frames sent in parts");
        let told = || format!("link {link} {direction:?}: altogether {}", describe(&whole));
        self.trace.note(self.now, told);
        Message::decode(&whole).ok().flatten()
    }

    /// One side closes. What it has sent arrives before the other side hears of that.
    pub fn hang_up(&mut self, link: LinkId, outwards: Direction) {
        self.network.go_silent(link, outwards.back());
        self.put(link, outwards, Parcel::End);
    }

    /// The connection breaks, and both sides are told.
    pub fn cut(&mut self, link: LinkId) {
        for direction in [Direction::Up, Direction::Down] {
            self.network.go_silent(link, direction);
            if let Some(link) = self.network.links.get_mut(&link) {
                link.pipe(direction).is_dead = false;
            }
            self.put(link, direction, Parcel::End);
        }
    }

    fn put(&mut self, id: LinkId, direction: Direction, parcel: Parcel) {
        let (quickest, slowest) = self.faults.delay;
        let delay = self.random.millis(quickest, slowest);
        let Some(link) = self.network.links.get_mut(&id) else { return };
        let pipe = link.pipe(direction);
        if pipe.is_dead {
            return;
        }
        if let Parcel::Frame(frame) = &parcel {
            pipe.bytes += frame.len();
        }
        pipe.latest = pipe.latest.max(self.now + delay).max(pipe.stalled_until);
        pipe.parcels.push_back(parcel);
        self.agenda.plan(pipe.latest, Event::Arrive(id, direction));
    }

    /// What comes out of the link now, unless it is stalled or dead.
    pub fn take_parcel(&mut self, id: LinkId, direction: Direction) -> Option<Parcel> {
        let pipe = self.network.links.get_mut(&id)?.pipe(direction);
        if pipe.stalled_until > self.now {
            self.agenda.plan(pipe.stalled_until, Event::Arrive(id, direction));
            return None;
        }
        let parcel = pipe.parcels.pop_front()?;
        if let Parcel::Frame(frame) = &parcel {
            pipe.bytes -= frame.len();
        }
        Some(parcel)
    }
}
