//! The server's side of Settee: an axum router that syncs any number of databases.
//!
//! A [`Kit`] is made of what an app hands in: a [`Storage`](settee_store::Storage) for its
//! databases, a [`Policy`] that says who may open or create which, and for each kind of database a
//! [`Validator`] that says what may be written. Its [`Kit::router`] is merged into the app's own.
//!
//! ```no_run
//! use settee_axum::{Access, Asked, Denial, DenialCode, Kit, NewDatabase, Role};
//! use settee_store::{MemoryStorage, replication::ReplicatedDocument};
//!
//! /// Whoever knows the password may write notes.
//! async fn decide(asked: Asked) -> Result<Access, Denial> {
//!     if asked.credentials != b"open sesame" {
//!         return Err(Denial::new(DenialCode::Denied, "that is not the password"));
//!     }
//!     Ok(Access::lasting(Role::Editor).creating(NewDatabase::of_kind("notes")))
//! }
//!
//! fn validate(document: &ReplicatedDocument) -> Result<(), &'static str> {
//!     if document.id.as_str().starts_with("note/") { Ok(()) } else { Err("only notes are kept here") }
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let kit = Kit::builder(MemoryStorage::new([1; 16]))
//!     .policy(decide)
//!     .kind("notes", validate)
//!     .build();
//! let app = axum::Router::new().merge(kit.router());
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! kit.serve(listener, app, settee_axum::shutdown::signal()?).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//!
//! - [`kit`]: everything put together; `hub`: what all connections share.
//! - [`policy`]: who may open what; [`keys_policy`]: a policy by capability tokens.
//! - [`validator`]: what may be written. `clerk`: answering documents with documents; `guests`: who is there
//!   meanwhile.
//! - [`notices`]: what devices are told of changes while no page is open there; `push`: by Web Push.
//! - [`databases`]: the databases in use.
//! - `upgrade`: from a request to a connection; [`origin`]: which pages may connect.
//! - `connection`: one connection's task; `transport`: what carries its frames; `wire`: what waits to
//!   be sent.
//! - [`quotas`]: what strangers may use; `visitors`: by address; `pace`: in a second; `room`: on the
//!   disk; `work`: in memory; `comparisons`: of whole databases.
//! - `authorize`: opening channels; `grants`: how long they may stay open.
//! - `job`: what is asked of a database; `jobs`: in which order; `guard`: what fails is told as such.
//!   `news`: word of changes; `presence`: who is here.
//! - `http`: requests, from connecting to the answer; `io`: their streams; `open_files`: how
//!   many the system allows; [`shutdown`]: stopping.

#![warn(missing_docs)]

mod authorize;
mod clerk;
mod comparisons;
mod compressing;
mod connection;
pub mod databases;
mod grants;
mod guard;
mod guests;
mod http;
mod hub;
mod io;
mod job;
mod jobs;
#[cfg(feature = "keys")]
pub mod keys_policy;
pub mod kit;
mod news;
pub mod notices;
mod open_files;
pub mod origin;
mod pace;
pub mod policy;
mod presence;
#[cfg(feature = "push")]
mod push;
pub mod quotas;
mod room;
mod shared;
pub mod shutdown;
mod transport;
mod upgrade;
pub mod validator;
mod visitors;
mod wire;
mod work;

#[cfg(feature = "keys")]
pub use keys_policy::{Creation, KeysPolicy};
pub use kit::{Builder, Kit, Streams};
pub use notices::{Courier, Notifier, Reader, Timing, Undelivered};
pub use origin::{Origin, OriginError};
pub use policy::{Access, Asked, Known, Named, NewDatabase, Policy};
pub use quotas::Quotas;
pub use settee_store::clerk::{Answer, Clerk, Desk};
pub use settee_sync::{Denial, DenialCode, Limits, Role, helping::Helping};
pub use validator::{AnyDocument, Validator, Verdicts};
