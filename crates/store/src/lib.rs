//! A document store for Rust that runs in the browser and on servers.
//!
//! A [`Database`] holds JSON documents. As in CouchDB, each has a tree of revisions, so that
//! replicas which were edited independently can be synced without losing an edit. A reader sees a
//! *view* of the tree: concurrent edits of different fields are merged, and concurrent edits of the
//! same field are shown as an open conflict.
//!
//! # A tour in five minutes
//!
//! An edit names the revisions that its editor has seen. Each edit of a batch has its own outcome:
//!
//! ```
//! use serde_json::json;
//! use settee_store::{Body, Change, Database, DocumentId, Edit, Memory};
//!
//! # #[cfg(not(target_arch = "wasm32"))]
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let database = Database::new(Memory::new([1; 16]));
//! let id = DocumentId::new("note/1")?;
//! let body = Body::from_serialize(&json!({"title": "tea", "done": false}))?;
//! let edit = Edit { id: id.clone(), seen: vec![], change: Change::Put(body) };
//! let outcomes = database.write(vec![edit]).await?;
//! let made = outcomes[0]?.revision.expect("an edit makes a revision");
//!
//! let document = database.get(&id).await?.expect("it was written");
//! assert_eq!(document.winner, made);
//! assert_eq!(document.body.as_str(), r#"{"done":false,"title":"tea"}"#);
//! assert!(document.pending, "no server has acknowledged it");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Two replicas that were edited independently sync by sending each other revisions. A merge writes
//! nothing: both replicas show the same view, and the next edit closes the branches that its editor
//! has seen.
//!
//! ```
//! # use serde_json::json;
//! # use settee_store::{Body, Change, Database, DocumentId, Edit, Memory, Operation};
//! use settee_store::replication::Known;
//!
//! # async fn put(to: &Database, body: serde_json::Value) -> Result<(), Box<dyn std::error::Error>> {
//! #     let id = DocumentId::new("note/1")?;
//! #     let seen = to.get(&id).await?.map(|document| document.leaves).unwrap_or_default();
//! #     let change = Change::Put(Body::from_serialize(&body)?);
//! #     to.write(vec![Edit { id, seen, change }]).await?;
//! #     Ok(())
//! # }
//! /// Sends everything that changed, with its history.
//! async fn carry(from: &Database, to: &Database) -> Result<(), Box<dyn std::error::Error>> {
//!     let records = from.changes(0, 1000).await?;
//!     let documents = records.iter().filter_map(|r| r.outgoing_since(Known::Unsure, |_| false));
//!     let operations = documents
//!         .map(|document| Operation::Replicate { document, acknowledges: false });
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
//!     let document = database.get(&DocumentId::new("note/1")?).await?.expect("it is there");
//!     assert_eq!(document.body.as_str(), r#"{"done":true,"title":"green tea"}"#);
//!     assert!(document.conflicts.is_empty(), "different fields are no conflict");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - If both edited the same field, [`Document::conflicts`] lists it with all values, and
//!   [`Document::resolved`] makes the edit that resolves it.
//! - If one deleted what the other edited, the edit survives, and [`Document::kept`] is set.
//! - To follow a database: [`Database::follow`] returns the existing changes and then new ones,
//!   without a gap. [`Database::changes`] returns them in pages: call it again with the last
//!   record's `seq` until a page is empty. A page may be shorter than requested.
//! - [`Database::to_send`] lists what waits for a server, to be sent. The server's answers are
//!   committed as [`Operation::Acknowledge`] and [`Operation::Refuse`].
//! - On servers and native clients, [`Sqlite`] stores any number of databases in one file (feature
//!   `sqlite`). In browsers, `IndexedDb` stores a database (feature `indexeddb`). If the storage
//!   fails, a commit returns a [`BackendError`] and has changed nothing.
//! - [`Database::compact`] reduces deleted documents to a stub. [`Database::unreadable`] lists
//!   records that can't be read, and [`Database::damaged`] counts what that means.
//!
//! # Layout
//!
//! - [`database`]: the handle that programs use, and the live changes feed; [`damage`]: what was lost with
//!   records that can't be read.
//! - [`document_id`], [`body`], [`revision`]: the parts of a document.
//! - [`record`]: a document as back ends store it; [`tree`]: its history; [`mod@view`]: how readers
//!   see it.
//! - [`forgotten`]: the names of dropped revisions; [`refusal`]: edits that the server has refused;
//!   [`folding`]: long work offline.
//! - [`fields`]: how structs are read from CBOR.
//! - [`operation`]: everything that can be done to a record, as pure functions.
//! - [`replication`]: revisions as they travel between replicas; [`proposal`]: what received ones would
//!   change; [`history`]: CouchDB's questions about them.
//! - [`clerk`]: code that answers documents with documents.
//! - [`backend`]: the trait of back ends, and a module for each of them.
//! - [`storage`]: many databases in one place, as servers keep them.
//! - `conformance`: the suite that every back end has to pass (feature `conformance`).

#![warn(missing_docs)]

mod ancestry;
pub mod backend;
pub mod body;
mod canonical;
pub mod clerk;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod damage;
pub mod database;
pub mod document_id;
pub mod fields;
pub mod folding;
pub mod forgotten;
mod hashed;
mod heap_sort;
pub mod history;
mod memory_index;
mod merge;
mod node;
pub mod operation;
mod page;
mod pieces;
pub mod proposal;
pub mod record;
pub mod refusal;
#[cfg(any(
    test,
    all(feature = "indexeddb", target_arch = "wasm32"),
    all(feature = "sqlite", not(target_arch = "wasm32"))
))]
mod remains;
pub mod replication;
mod resolution;
pub mod revision;
mod sequence;
pub mod storage;
pub mod tree;
mod typed;
pub mod view;

#[cfg(all(feature = "sqlite", not(target_arch = "wasm32")))]
pub use backend::sqlite::{FolderError, Sqlite, SqliteDatabase};
pub use backend::{Backend, BackendError, Commit, Counts, Unreadable, memory::Memory};
pub use body::Body;
pub use damage::Damaged;
pub use database::{Compaction, Database, Feed};
pub use document_id::DocumentId;
pub use history::{Missing, OpenRevision, OpenRevisions};
pub use operation::{Applied, Change, Edit, Operation, OperationError};
pub use page::Page;
pub use record::{Document, Kept, Record, Refused};
pub use revision::Revision;
pub use storage::{Hosted, MemoryStorage, Space, Storage};
pub use typed::WriteError;
pub use view::{ConflictingValue, OpenConflict};
