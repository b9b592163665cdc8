//! A document store for Rust that runs in the browser and on servers.
//!
//! A [`Database`] holds JSON documents. Each has a tree of revisions, as in CouchDB, so that
//! replicas which were edited apart can be brought together and nothing is lost. What a reader
//! sees is a *view* of the tree: concurrent edits of different fields are merged, concurrent
//! edits of the same field are shown as an open conflict.
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

pub mod backend;
pub mod body;
mod canonical;
pub mod conformance;
pub mod database;
pub mod document_id;
pub mod forgotten;
pub mod history;
mod image;
pub mod operation;
pub mod record;
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
