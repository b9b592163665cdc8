//! Settee's sync protocol, as state machines without IO.
//!
//! One connection carries many databases, each in a channel of its own, which the server grants or
//! denies independently. The machines know no socket, no clock and no store. A driver passes them
//! frames, the time, and what it has read from the store; and it does what [`Client::poll_output`]
//! and [`Server::poll_output`] say. After each `handle_*` call it drains the outputs. The same code
//! runs in browsers, on servers and in the simulator.
//!
//! # Example
//!
//! A client and a server in memory. An edit on the client reaches the server's database, and its
//! acknowledgement comes back.
//!
//! ```
//! use futures_util::FutureExt;
//! use settee_store::{Body, Change, Database, DocumentId, Edit, Memory, Operation};
//! use settee_sync::{
//!     Checkpoint, Client, Limits, Role, Server, Time,
//!     client::{ClientOutput, Replica},
//!     server::{Grant, ServerOutput},
//! };
//!
//! // Databases in memory answer at once, so this driver needs no executor.
//! fn ready<T>(future: impl Future<Output = T>) -> T {
//!     future.now_or_never().expect("databases in memory answer at once")
//! }
//!
//! // Does what the client's machine says, and returns the frames to send.
//! fn drive_client(client: &mut Client, now: Time, database: &Database) -> Vec<Vec<u8>> {
//!     let mut frames = Vec::new();
//!     while let Some(output) = client.poll_output() {
//!         match output {
//!             ClientOutput::Connect => client.handle_connected(now),
//!             ClientOutput::Send(frame) => frames.push(frame),
//!             ClientOutput::ReadPending { replica, limit } => {
//!                 let records = ready(database.to_send(limit)).expect("it is read");
//!                 client.handle_pending(now, replica, &records);
//!             }
//!             ClientOutput::Settle { replica, verdict } => {
//!                 // A real driver also stores refusals, and the checkpoint in the same commit.
//!                 let ids: Vec<_> = verdict.acknowledged.iter().map(|(id, _)| id.clone()).collect();
//!                 let acknowledged = verdict.acknowledged.into_iter();
//!                 let operations =
//!                     acknowledged.map(|(id, revisions)| Operation::Acknowledge { id, revisions });
//!                 ready(database.commit(operations.collect())).expect("it is saved");
//!                 client.handle_settled(replica, &ids);
//!                 tell_counts(client, now, database, replica);
//!             }
//!             ClientOutput::StatusChanged => {}
//!             other => unreachable!("this session has no {other:?}"),
//!         }
//!     }
//!     frames
//! }
//!
//! // Tells the client's machine that its database has changed.
//! fn tell_counts(client: &mut Client, now: Time, database: &Database, replica: Replica) {
//!     let counts = ready(database.counts()).expect("they are read");
//!     client.handle_news(now, replica, counts);
//! }
//!
//! // Does what the server's machine says, and returns the frames to send.
//! fn drive_server(server: &mut Server, now: Time, database: &Database) -> Vec<Vec<u8>> {
//!     let mut frames = Vec::new();
//!     while let Some(output) = server.poll_output() {
//!         match output {
//!             ServerOutput::Send(frame) => frames.push(frame),
//!             ServerOutput::Authorize(open) => {
//!                 let run = [7; 16];
//!                 let position = Checkpoint::new(database.incarnation(), run, database.seq());
//!                 let grant = Grant { role: Role::Editor, position, resumed: false };
//!                 server.handle_authorized(now, open.channel, Ok(grant));
//!             }
//!             ServerOutput::Commit { channel, batch, documents } => {
//!                 let operations = documents
//!                     .into_iter()
//!                     .map(|document| Operation::Replicate { document, acknowledges: false });
//!                 let commit = ready(database.commit(operations.collect())).expect("it is saved");
//!                 let outcomes = commit.outcomes.into_iter();
//!                 let outcomes = outcomes.map(|it| it.map_err(|error| error.to_string())).collect();
//!                 server.handle_committed(now, channel, batch, Some((outcomes, commit.seq)));
//!             }
//!             ServerOutput::Read { channel, since, limit } => {
//!                 let page = ready(database.page(since, limit)).expect("it is read");
//!                 server.handle_changes(now, channel, Some(page));
//!             }
//!             other => unreachable!("this session has no {other:?}"),
//!         }
//!     }
//!     frames
//! }
//!
//! let now = Time::from_millis(0);
//! let [here, there] = [1, 2].map(|n| Database::new(Memory::new([n; 16])));
//! let id = DocumentId::new("note/1").expect("an id");
//! let body = Body::from_canonical(br#"{"text":"tea"}"#).expect("a body");
//! let edit = Edit { id: id.clone(), seen: Vec::new(), change: Change::Put(body.clone()) };
//! ready(here.write(vec![edit])).expect("it is saved");
//!
//! let mut client = Client::new(Limits::default(), "example", 1);
//! let mut server = Server::new(now, Limits::default(), "example");
//! client.handle_start(now);
//! let replica = client.handle_add(now, "notes".into(), b"secret".to_vec(), None, false);
//! tell_counts(&mut client, now, &here, replica);
//! loop {
//!     let up = drive_client(&mut client, now, &here);
//!     up.iter().for_each(|frame| server.handle_frame(now, frame));
//!     let down = drive_server(&mut server, now, &there);
//!     down.iter().for_each(|frame| client.handle_frame(now, frame));
//!     if up.is_empty() && down.is_empty() {
//!         break;
//!     }
//! }
//!
//! let document = ready(there.get(&id)).expect("it is read").expect("it has arrived");
//! assert_eq!(document.body, body);
//! let status = client.replica_status(replica).expect("it was added");
//! assert_eq!((status.pending, status.is_up_to_date()), (0, true));
//! ```
//!
//! # Layout
//!
//! - [`message`]: the wire; [`checkpoint`]: how far a client has read the server.
//! - [`digest`]: what two replicas compare after one of them has lost something.
//! - [`access`]: roles and denials; [`helping`]: what helpers may do.
//! - [`client`], [`server`]: the machines. Both use `in_flight`: what waits for an acknowledgement;
//!   `send_window`: how much may be in flight; `offer`: large documents that the other side may have;
//!   `parts`: messages that are too long to send whole.
//! - [`compression`]: how frames are shorter on their way.
//! - [`limits`], [`backoff`], [`time`].

#![warn(missing_docs)]

#[allow(missing_docs, reason = "its items are not all documented yet")]
pub mod access;
pub mod backoff;
pub mod checkpoint;
pub mod client;
pub mod compression;
pub mod digest;
pub mod helping;
mod in_flight;
pub mod limits;
pub mod message;
mod offer;
mod parts;
mod send_window;
pub mod server;
pub mod time;

pub use access::{Denial, DenialCode, Role};
pub use checkpoint::Checkpoint;
pub use client::Client;
pub use limits::Limits;
pub use message::Channel;
pub use server::Server;
pub use time::Time;

/// The WebSocket subprotocol that both sides name when they connect: each frame is a message as it is.
pub const SUBPROTOCOL: &str = "settee.v1";
/// The same, where long frames may be [compressed](compression).
pub const COMPRESSING_SUBPROTOCOL: &str = "settee.v1.deflate";
