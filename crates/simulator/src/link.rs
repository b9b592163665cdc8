//! A link: one connection between a client, honest or not, and the server, with a pipe in each direction.

use std::collections::VecDeque;

use settee_sync::{Time, message::Part};

pub type LinkId = u64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the server.
    Up,
    /// To the client.
    Down,
}

impl Direction {
    pub fn back(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// Whose link to the server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    Client(usize),
    Villain(usize),
}

/// What arrives at the end of a link.
#[derive(Debug, Clone)]
pub enum Parcel {
    Frame(Vec<u8>),
    /// The other side has closed, or the connection broke.
    End,
}

/// One direction of a link.
#[derive(Debug, Default)]
pub struct Pipe {
    pub parcels: VecDeque<Parcel>,
    /// The bytes of the frames in `parcels`.
    pub bytes: usize,
    /// When the last parcel arrives. None overtakes another.
    pub latest: Time,
    pub stalled_until: Time,
    /// Nothing arrives any more.
    pub is_dead: bool,
    /// The bytes that were sent so far of a frame in parts.
    parts: Vec<u8>,
}

impl Pipe {
    /// Adds a part that was sent, and returns the whole frame once it is complete.
    pub fn join(&mut self, part: Part) -> Option<Vec<u8>> {
        self.parts.extend(part.bytes);
        part.is_last.map(|_| std::mem::take(&mut self.parts))
    }
}

#[derive(Debug)]
pub struct Link {
    pub owner: Owner,
    pub up: Pipe,
    pub down: Pipe,
}

impl Link {
    pub fn new(owner: Owner) -> Self {
        Self { owner, up: Pipe::default(), down: Pipe::default() }
    }

    pub fn pipe(&mut self, direction: Direction) -> &mut Pipe {
        match direction {
            Direction::Up => &mut self.up,
            Direction::Down => &mut self.down,
        }
    }
}
