//! A document store for Rust that runs in the browser and on servers.
//!
//! A [`Database`] holds JSON documents. Each has a tree of revisions, as in CouchDB, so that
//! replicas which were edited apart can be brought together and nothing is lost. What a reader
//! sees is a *view* of the tree: concurrent edits of different fields are merged, concurrent
//! edits of the same field are shown as an open conflict.
//!
//! # A tour in five minutes
//!
//! An edit names what its editor has seen, and comes back with an outcome of its own:
//!
//! ```
//! use serde_json::json;
//! use settee_store::{Body, Change, Database, DocumentId, Edit, Memory};
//!
//! # #[cfg(not(target_arch = "wasm32"))]
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let database = Database::new(Memory::new([1; 16]));
//! let id = DocumentId::new("todo/1")?;
//! let body = Body::from_serialize(&json!({"title": "tea", "done": false}))?;
//! let edit = Edit { id: id.clone(), seen: vec![], change: Change::Put(body) };
//! let outcomes = database.write(vec![edit]).await?;
//! let made = outcomes[0]?.revision.expect("an edit makes a revision");
//!
//! let document = database.get(&id).await?.expect("it was written");
//! assert_eq!((document.winner, document.body.as_str()), (made, r#"{"done":false,"title":"tea"}"#));
//! assert!(document.pending, "no server has acknowledged it");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Two replicas that edit apart are brought together by handing each other revisions. Nothing is
//! written for a merge: both read the same, and the next edit closes the branches it has seen.
//!
//! ```
//! # use serde_json::json;
//! # use settee_store::{Body, Change, Database, DocumentId, Edit, Memory, Operation};
//! use settee_store::replication::Known;
//!
//! # async fn put(to: &Database, body: serde_json::Value) -> Result<(), Box<dyn std::error::Error>> {
//! #     let id = DocumentId::new("todo/1")?;
//! #     let seen = to.get(&id).await?.map(|document| document.leaves).unwrap_or_default();
//! #     let change = Change::Put(Body::from_serialize(&body)?);
//! #     to.write(vec![Edit { id, seen, change }]).await?;
//! #     Ok(())
//! # }
//! /// Hands over everything that changed, with its history.
//! async fn carry(from: &Database, to: &Database) -> Result<(), Box<dyn std::error::Error>> {
//!     let records = from.changes(0, 1000).await?;
//!     let documents = records.iter().filter_map(|r| r.outgoing_since(Known::Unsure, |_| false));
//!     let operations = documents.map(|document| Operation::Replicate { document, acknowledges: false });
//!     to.commit(operations.collect()).await?;
//!     Ok(())
//! }
//!
//! # #[cfg(not(target_arch = "wasm32"))]
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let (here, there) = (Database::new(Memory::new([1; 16])), Database::new(Memory::new([2; 16])));
//! put(&here, json!({"title": "tea", "done": false})).await?;
//! carry(&here, &there).await?;
//! put(&here, json!({"title": "green tea", "done": false})).await?;
//! put(&there, json!({"title": "tea", "done": true})).await?;
//! carry(&here, &there).await?;
//! carry(&there, &here).await?;
//! for database in [&here, &there] {
//!     let document = database.get(&DocumentId::new("todo/1")?).await?.expect("it is there");
//!     assert_eq!(document.body.as_str(), r#"{"done":true,"title":"green tea"}"#);
//!     assert!(document.conflicts.is_empty(), "different fields are no conflict");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - Both edited the same field? [`Document::conflicts`] lists it with all values, and
//!   [`Document::resolved`] makes the edit that settles it.
//! - One deleted what the other edited? The edit survives, and [`Document::kept`] tells.
//! - Following a database: [`Database::follow`] hands out what is there and then what comes, without
//!   a gap. [`Database::changes`] is the same in pages: call it again with the last record's `seq`
//!   until it hands out nothing, for a page may be shorter than asked for.
//! - What waits for a server is [`Database::pending`]; what a server said goes in as
//!   [`Operation::Acknowledge`] and [`Operation::Refuse`].
//! - On servers and native clients: [`Sqlite`], any number of databases in one file (feature `sqlite`).
//!   In browsers: `IndexedDb` (feature `indexeddb`). Whatever happens to the storage is a
//!   [`BackendError`], and nothing of the commit was done.
//! - Deleted documents take little room after [`Database::compact`]; what can't be read is listed by
//!   [`Database::unreadable`].
//!
//! # Layout
//!
//! - [`database`]: the handle that programs use, and the live changes feed.
//! - [`document_id`], [`body`], [`revision`]: what a document consists of.
//! - [`tree`]: a document's history; [`mod@view`]: what is read of it.
//! - [`forgotten`]: the names of what is kept no more.
//! - [`operation`]: everything that can be done to a record, as pure functions.
//! - [`replication`]: revisions on their way between replicas; [`history`]: what is asked of them.
//! - [`backend`]: the trait, and a module for each place to keep records in.
//! - [`conformance`]: what every back end has to pass.

#![warn(missing_docs)]

mod ancestry;
pub mod backend;
pub mod body;
mod canonical;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod database;
pub mod document_id;
pub mod forgotten;
pub mod history;
mod memory_index;
mod node;
pub mod operation;
pub mod record;
pub mod refusal;
pub mod replication;
mod resolution;
pub mod revision;
pub mod tree;
pub mod view;

#[cfg(all(feature = "sqlite", not(target_arch = "wasm32")))]
pub use backend::sqlite::{Sqlite, SqliteDatabase};
pub use backend::{Backend, BackendError, Commit, Counts, Unreadable, memory::Memory};
pub use body::Body;
pub use database::{Compaction, Database, Feed};
pub use document_id::DocumentId;
pub use history::{Missing, OpenRevision, OpenRevisions};
pub use operation::{Applied, Change, Edit, Operation, OperationError};
pub use record::{Document, Kept, Record, Refused};
pub use revision::Revision;
pub use view::{ConflictingValue, OpenConflict};
