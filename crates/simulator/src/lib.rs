//! Clients, a server, the network between them and their disks, in one thread, from one seed.
//!
//! [`simulate`] plays a life: some people edit some lists for a minute or two, while connections
//! break, processes die in the middle of commits and disks fill up. Then the weather clears, and
//! before long everybody has to have the same. The protocol's machines and the store are the real
//! ones; time, chance and the network are not, so a seed that fails does so again.
//!
//! # Layout
//!
//! - [`scenario`]: what a seed draws before anything happens; [`faults`]: what may go wrong.
//! - [`world`]: the scheduler; [`context`]: what everybody in it shares; [`agenda`]: what is to come.
//! - [`client`], [`server`]: the actors around the machines, as drivers are.
//! - [`network`]: links, and what can happen to them.
//! - [`plan`]: what people do.
//! - [`checks`]: what has to hold.
//! - [`trace`], [`tally`]: what a person reads of it.

mod agenda;
mod checks;
mod client;
mod context;
mod faults;
mod network;
mod plan;
mod random;
mod scenario;
mod server;
mod tally;
mod trace;
mod world;

use settee_store::Database;
use thiserror::Error;

pub use tally::Tally;
pub use trace::Trace;

/// A bug made on purpose, to see whether it is found. It is in the actors, not in the kit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sabotage {
    #[default]
    None,
    /// Clients store the checkpoint in a commit of its own, before the documents.
    CheckpointFirst,
    /// The server acknowledges before it commits.
    EarlyAcknowledgement,
    /// Clients take a refusal for an acknowledgement.
    LostRefusal,
    /// The server goes on from any checkpoint, also from one that it hasn't lived through.
    UnnoticedRollback,
    /// What clients show of a document with several leaves is the one that came last.
    ArrivalOrder,
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Violation(pub String);

/// Plays one life, and tells what happened in it and whether it went well.
pub fn simulate(seed: u64, sabotage: Sabotage, trace: Trace) -> Report {
    let mut world = world::World::new(seed, sabotage, trace);
    let outcome = world.run();
    let (tally, trace) = world.into_records();
    Report { outcome, tally, trace }
}

/// What became of a life.
#[derive(Debug)]
pub struct Report {
    pub outcome: Result<(), Violation>,
    pub tally: Tally,
    pub trace: Trace,
}

/// Databases in memory answer at once, so nothing has to be waited for.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    futures_util::FutureExt::now_or_never(future).expect("databases in memory answer at once")
}

/// All records, in the order of their `seq`.
fn records(database: &Database) -> Vec<std::sync::Arc<settee_store::Record>> {
    at_once(database.changes(0, usize::MAX)).expect("databases in memory can be read")
}
