//! Clients, a server, the network between them and their disks, in one thread, from one seed.
//!
//! [`simulate`] plays a life: some people edit some lists for a minute or two, while connections
//! break, processes die in the middle of commits, disks fill up or are rolled back, clocks are wrong,
//! and access is granted and revoked. Then the faults end, and soon everybody must have the same. The
//! protocol's machines, the store, and what decides on tokens are the real ones. Time, chance and the network are
//! simulated, so a seed that fails always fails in the same way.
//!
//! # Layout
//!
//! - [`scenario`]: what a seed draws at first; [`faults`]: what may go wrong.
//! - [`world`]: the scheduler; [`context`]: what everybody in it shares; [`agenda`], [`event`]: the
//!   events to come.
//! - [`client`], [`server`]: the actors, each a driver of a machine.
//! - [`hostile`]: people with ill will, who speak the protocol without a machine.
//! - [`link`], [`network`], [`traffic`]: links, their faults, and what is sent over them; [`clock`]: the
//!   time that machines are told.
//! - [`plan`]: the edits that people make; [`places`]: what they ask a clerk for.
//! - [`checks`]: the invariants; [`ledger`]: what people were shown, which has to stay true; [`model`]: who may do
//!   what, by what owners have said; [`bearer`]: who it is about.
//! - [`sabotage`]: deliberate bugs, with the feature of that name.
//! - [`databases`], [`violation`], [`trace`], [`tally`]: helpers, and what a person reads of a life.

mod agenda;
mod bearer;
mod checks;
mod client;
mod clock;
mod context;
mod databases;
mod event;
mod faults;
mod hostile;
mod ledger;
mod link;
mod model;
mod network;
mod places;
mod plan;
mod random;
mod sabotage;
mod scenario;
mod server;
mod tally;
mod trace;
mod traffic;
mod violation;
mod world;

#[cfg(feature = "sabotage")]
pub use sabotage::Sabotage;
pub use tally::Tally;
pub use trace::Trace;
pub use violation::Violation;

/// What a life is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Plot {
    /// Faults and ill will, among people whose access is drawn.
    #[default]
    Storm,
    /// Owners who say who may do what, and people who come by the links that they are given.
    Permissions,
}

/// Plays one life, and reports what happened in it and whether all invariants held.
pub fn simulate(seed: u64, plot: Plot, trace: Trace) -> Report {
    play(world::World::new(seed, plot, trace))
}

/// Whether bodies are as large as they may be in the life of a seed, which takes long to play.
#[cfg(feature = "sabotage")]
pub fn is_bulky(seed: u64) -> bool {
    let scenario = scenario::Scenario::draw(&mut random::Random::new(seed));
    scenario.villains.iter().any(|villain| villain.is_bulky)
}

/// The same with a deliberate bug.
#[cfg(feature = "sabotage")]
pub fn simulate_with(seed: u64, plot: Plot, sabotage: Sabotage, trace: Trace) -> Report {
    let mut world = world::World::new(seed, plot, trace);
    world.sabotage(sabotage);
    play(world)
}

fn play(mut world: world::World) -> Report {
    let outcome = world.run();
    let (tally, trace) = world.into_records();
    Report { outcome, tally, trace }
}

/// The outcome of a life.
#[derive(Debug)]
pub struct Report {
    pub outcome: Result<(), Violation>,
    pub tally: Tally,
    pub trace: Trace,
}
