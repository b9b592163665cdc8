//! What is to come, in order.

use std::collections::BTreeMap;

use settee_sync::{Channel, Time};

use crate::network::{Direction, LinkId};

/// The number of a process: who is started again is another one, and hears nothing of old events.
pub type Life = u64;

#[derive(Debug, Clone, Copy)]
pub enum Event {
    /// A client's process begins.
    StartClient(usize),
    /// A client's process adds one of its databases.
    Add(usize, Life, usize),
    /// A client's process does the next thing.
    Step(usize, Life),
    ClientTimer(usize, Life),
    /// A client's process hears that one of its databases has changed.
    ClientNews(usize, Life, usize),
    /// An attempt to connect ends one way or the other.
    Connect(usize, Life, u64),
    /// Something comes out of a link.
    Arrive(LinkId, Direction),
    StartServer,
    ServerTimer(LinkId),
    /// A connection's next job reaches the disk.
    Job(LinkId),
    /// The machine hears what became of it.
    Done(LinkId),
    ServerNews(LinkId, Channel),
    /// A person does something.
    Edit(usize),
    Fault,
    /// A client has room to save again.
    Room(usize),
    /// The faults end.
    Heal,
    /// A look at whether everybody has the same.
    Look,
}

/// Events in the order of their time, and then of their being planned.
#[derive(Debug, Default)]
pub struct Agenda {
    events: BTreeMap<(Time, u64), Event>,
    planned: u64,
}

impl Agenda {
    pub fn plan(&mut self, at: Time, event: Event) {
        self.events.insert((at, self.planned), event);
        self.planned += 1;
    }

    pub fn next(&mut self) -> Option<(Time, Event)> {
        self.events.pop_first().map(|((at, _), event)| (at, event))
    }

    pub fn planned(&self) -> u64 {
        self.planned
    }
}
