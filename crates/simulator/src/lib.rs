//! Clients, a server, the network between them and their disks, in one thread, from one seed.
//!
//! [`simulate`] plays a life: some people edit some lists for a minute or two, while connections
//! break, processes die in the middle of commits, disks fill up or are what they were before,
//! clocks lie, and access comes and goes. Then the weather clears, and before long everybody has to
//! have the same. The protocol's machines and the store are the real ones; time, chance and the
//! network are not, so a seed that fails does so again.
//!
//! # Layout
//!
//! - [`scenario`]: what a seed draws before anything happens; [`faults`]: what may go wrong.
//! - [`world`]: the scheduler; [`context`]: what everybody in it shares; [`agenda`]: what is to
//!   come.
//! - [`client`], [`server`]: the actors around the machines, as drivers are.
//! - [`network`]: links, and what can happen to them; [`clock`]: what machines are told of time.
//! - [`plan`]: what people do.
//! - [`checks`]: what has to hold; [`ledger`]: what people were shown, which has to hold as well.
//! - [`sabotage`]: bugs made on purpose, with the feature of that name.
//! - [`trace`], [`tally`]: what a person reads of it.

mod agenda;
mod checks;
mod client;
mod clock;
mod context;
mod faults;
mod ledger;
mod network;
mod plan;
mod random;
mod sabotage;
mod scenario;
mod server;
mod tally;
mod trace;
mod world;

use settee_store::Database;
use thiserror::Error;

#[cfg(feature = "sabotage")]
pub use sabotage::Sabotage;
pub use tally::Tally;
pub use trace::Trace;

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Violation(pub String);

/// Plays one life, and tells what happened in it and whether it went well.
pub fn simulate(seed: u64, trace: Trace) -> Report {
    play(world::World::new(seed, trace))
}

/// The same with a bug in it.
#[cfg(feature = "sabotage")]
pub fn simulate_with(seed: u64, sabotage: Sabotage, trace: Trace) -> Report {
    let mut world = world::World::new(seed, trace);
    world.sabotage(sabotage);
    play(world)
}

fn play(mut world: world::World) -> Report {
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
