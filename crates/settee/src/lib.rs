//! Offline-first, live-shared databases, for browsers, native programs and servers.
//!
//! A [`Settee`] is what one device keeps: any number of databases with the credentials that open
//! them, on IndexedDB or in a folder, kept in sync over one WebSocket. Databases open and take
//! writes whether or not the server can be reached.
//!
//! ```no_run
//! # #[cfg(all(feature = "native", not(target_arch = "wasm32")))]
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use serde::{Deserialize, Serialize};
//! use settee::{Config, Settee};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Note {
//!     text: String,
//! }
//!
//! let settee = Settee::start(Config::at("wss://notes.example/sync").in_folder("notes")).await?;
//! let notes = settee.open("notes/7", b"open sesame").await?;
//! notes.put("note/1", &Note { text: "milk".into() }).await?; // durable on return
//! notes.up_to_date().await?; // acknowledged by the server, and caught up with it
//! # Ok(())
//! # }
//! ```
//!
//! # Features and layout
//!
//! - [`status`]: how a database and the connection are; [`Obstacle`]: why nothing can be opened;
//!   [`links`]: what becomes of links; [`backup`]: a device as one file. Always there, also for an app's server side.
//! - `client`: [`Settee`] with its [`Config`] and [`Synced`] databases; [`Opening`], which opens it
//!   as often as that takes; [`profile`], which is behind both; [`Remote`], which keeps a database in
//!   memory only. Choose it by `browser` or `native`.
//! - `browser`: `settee::browser`, links in the page's address.
//! - `split`: `settee::apart`, code that a page loads later.
//! - `leptos`: `settee::leptos`, reactive collections.
//! - `server`: `settee::server`, the other side.
//! - [`store`], [`sync`], [`keys`]: the crates beneath.

#![warn(missing_docs)]
// In the browser nothing is shared between threads; the counter is the same for both.
#![cfg_attr(target_arch = "wasm32", allow(clippy::arc_with_non_send_sync))]

#[cfg(all(feature = "split", target_arch = "wasm32"))]
pub mod apart;
pub mod backup;
#[cfg(all(feature = "browser", target_arch = "wasm32"))]
pub mod browser;
#[cfg(feature = "client")]
pub mod config;
#[cfg(feature = "client")]
mod error;
pub mod links;
mod obstacle;
#[cfg(feature = "client")]
mod presence;
#[cfg(feature = "client")]
pub mod profile;
#[cfg(feature = "client")]
pub mod remote;
#[cfg(feature = "client")]
mod settee;
pub mod status;
#[cfg(feature = "client")]
mod synced;

#[cfg(feature = "client")]
pub use self::{
    config::Config,
    error::Error,
    presence::{Others, Presence},
    profile::kept::Kept,
    profile::opening::Opening,
    remote::Remote,
    settee::Settee,
    synced::Synced,
};
pub use backup::{BackupError, Restored};
pub use links::{LinkOutcome, LinkState};
pub use obstacle::Obstacle;
pub use status::{Connection, DatabaseStatus, Glance, Standing};

#[cfg(feature = "server")]
pub use settee_axum as server;
#[cfg(feature = "client")]
pub use settee_client as client;
pub use settee_keys as keys;
#[cfg(feature = "leptos")]
pub use settee_leptos as leptos;
pub use settee_store as store;
pub use settee_sync as sync;
