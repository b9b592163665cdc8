//! What can happen in a world.

use settee_sync::Channel;

use crate::link::{Direction, LinkId};

/// The number of a process. A client that starts again has another one, and old events don't reach it.
pub type Life = u64;

#[derive(Debug, Clone, Copy)]
pub enum Event {
    /// A client's process begins.
    StartClient(usize),
    /// A client's process adds one of its databases.
    Add(usize, Life, usize),
    /// A client's process does its next step.
    Step(usize, Life),
    ClientTimer(usize, Life),
    /// A client's process hears that one of its databases has changed.
    ClientNews(usize, Life, usize),
    /// An attempt to connect ends, with success or without.
    Connect(usize, Life, u64),
    /// Something arrives at the end of a link.
    Arrive(LinkId, Direction),
    StartServer,
    ServerTimer(LinkId),
    /// A connection's next job reaches the disk.
    Job(LinkId),
    /// The machine hears the outcome of a job.
    Done(LinkId),
    ServerNews(LinkId, Channel),
    /// The clerk of a database does its next step.
    Clerk(usize),
    /// A person edits.
    Edit(usize),
    /// Somebody does something about access.
    Deed,
    /// A villain connects.
    Intrude(usize),
    /// A villain does something.
    Mischief(usize),
    Fault,
    /// A client has room to save again.
    Room(usize),
    /// The faults end.
    Heal,
    /// A check whether everybody has the same.
    Check,
}
