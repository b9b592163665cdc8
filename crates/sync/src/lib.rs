//! Settee's sync protocol, as state machines without IO.
//!
//! One connection carries many databases, each in a channel of its own that is granted or
//! denied by itself. The machines know no socket, no clock and no store: a driver hands them
//! frames, the time and what the store has answered, and does what [`Client::poll_output`] and
//! [`Server::poll_output`] say. After each `handle_*` call everything is drained. The same code
//! runs in browsers, on servers and in the simulator.
//!
//! # Layout
//!
//! - [`message`]: what goes over the wire; [`checkpoint`]: how far a replica has read.
//! - [`digest`]: what two replicas compare when one of them has lost something.
//! - [`access`]: roles and denials.
//! - [`client`], [`server`]: the machines; `flight`: what either waits for; `offer`: large
//!   documents that the other side may have; `pace`: how much is under way at a time; `parts`: of
//!   what is too long to travel whole.
//! - [`limits`], [`backoff`], [`time`].

pub mod access;
pub mod backoff;
pub mod checkpoint;
pub mod client;
pub mod digest;
mod flight;
pub mod limits;
pub mod message;
mod offer;
mod pace;
mod parts;
pub mod server;
pub mod time;

pub use access::{Denial, DenialCode, Role};
pub use checkpoint::Checkpoint;
pub use client::Client;
pub use limits::Limits;
pub use message::Channel;
pub use server::Server;
pub use time::Time;

/// The WebSocket subprotocol that both sides name when they connect.
pub const SUBPROTOCOL: &str = "settee.v1";
