//! Keeps databases in sync with a server, in browsers and in native programs.
//!
//! A [`Client`] holds one connection to a server for any number of databases, for as long as
//! the program runs: through lost networks, restarted servers and sleep. What it does is decided
//! by [`settee_sync::Client`]; this crate gives that machine a socket, a clock and the databases.
//! A database whose store is slow, or hangs, holds up no other one.
//!
//! ```no_run
//! use settee_client::{Client, Opening, native::WebSocketConnector};
//! use settee_store::{Database, Memory};
//! use settee_sync::Limits;
//!
//! # async fn sync() -> Result<(), settee_client::ClientError> {
//! let connector = WebSocketConnector::new("ws://127.0.0.1:3000/sync");
//! let client = Client::spawn(connector, Limits::default(), "example/1.0");
//!
//! // A real program draws the id of its database at random, once.
//! let database = Database::new(Memory::new([7; 16]));
//! let opening = Opening {
//!     database: database.clone(),
//!     name: "notes".into(),
//!     credentials: b"secret".to_vec(),
//!     is_lazy: false,
//! };
//! let notes = client.open(opening).await?;
//! client.up_to_date(notes).await?;
//! println!("{} documents", database.counts().await?.documents);
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//!
//! - [`client`]: the handle that programs use; `command`: what it asks of the driver.
//! - `driver`: the task behind the handles. `jobs`: what it asks of the databases, and when; `job`:
//!   one such request; `checkpoint`: where a database keeps its checkpoint; `news`: waits for
//!   changes of the databases; `wire`: frames that wait to be sent.
//! - [`socket`]: what the driver needs of a connection. `native` (tokio-tungstenite) and `browser`
//!   (`WebSocket`) have a connection and a clock each; `stream` has a connection over any other
//!   stream of bytes.
//! - [`runtime`]: time and background tasks on either platform.
//! - `election`: which of a browser's tabs syncs for all of them.

#![warn(missing_docs)]

mod checkpoint;
pub mod client;
mod command;
mod driver;
#[cfg(any(test, target_arch = "wasm32"))]
mod election;
mod job;
mod jobs;
mod news;
pub mod runtime;
pub mod socket;
mod wire;

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

pub use checkpoint::KEY as CHECKPOINT;
pub use client::{Client, ClientError, Opening, Replica, Status};
pub use settee_sync::{
    SUBPROTOCOL,
    client::status::{ChannelStatus, ConnectionStatus, OfflineReason, ReplicaStatus},
};
