//! Runs Settee's sync machine in browsers and in native programs.
//!
//! A [`Client`] holds one connection to a server for any number of databases, for as long as
//! the program runs: through lost networks, restarted servers and sleep. What it does is decided
//! by [`settee_sync::Client`]; this crate gives it a socket, a clock and the databases.
//!
//! # Layout
//!
//! - [`client`]: the handle that programs use; `driver`: the task behind it.
//! - [`socket`]: what the driver asks of a connection.
//! - `native` (tokio-tungstenite) and `browser` (`WebSocket`): a connection and a clock each;
//!   `stream`: a connection over anything else that carries bytes.
//! - `election`: which of a browser's tabs it is that syncs for all of them.

pub mod client;
mod driver;
#[cfg(any(test, target_arch = "wasm32"))]
mod election;
pub mod socket;

#[cfg(target_arch = "wasm32")]
pub mod browser;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
#[cfg(not(target_arch = "wasm32"))]
pub mod stream;

#[cfg(target_arch = "wasm32")]
use browser as platform;
#[cfg(not(target_arch = "wasm32"))]
use native as platform;

pub use client::{Client, Replica, Status};
pub use settee_sync::client::status::{
    ChannelStatus, ConnectionStatus, OfflineReason, ReplicaStatus,
};

/// The subprotocol that both sides name when they open the socket.
pub const SUBPROTOCOL: &str = "settee.v1";
