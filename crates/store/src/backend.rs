//! What a place that keeps documents has to be able to do.
//!
//! A back end keeps records under their ids, in the order of its own update sequence, and runs
//! [`operation::transition`](crate::operation::transition) inside its transactions: the
//! rules are the same everywhere, and [`conformance`](crate::conformance) checks the rest.

use std::{pin::Pin, sync::Arc};

use thiserror::Error;
use tokio::sync::watch;

use crate::{
    document_id::DocumentId,
    operation::{Applied, Operation, OperationError},
    record::Record,
};

/// A random id of a database, made when it is created or restored. An update sequence says
/// something only together with the incarnation that it is of.
pub type Incarnation = [u8; 16];
/// A random id that a server makes of a database at each start.
pub type Run = [u8; 16];

/// Threads exist on native targets only: there, back ends and their futures go between them.
#[cfg(not(target_arch = "wasm32"))]
mod threads {
    /// `Send` on native targets, and everything in the browser.
    pub trait MaybeSend: Send {}
    impl<T: Send> MaybeSend for T {}
    /// `Send` and `Sync` on native targets, and everything in the browser.
    pub trait MaybeSync: Send + Sync {}
    impl<T: Send + Sync> MaybeSync for T {}
    /// A boxed future, `Send` on native targets only.
    pub type BoxFuture<'a, T> = super::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
}
#[cfg(target_arch = "wasm32")]
mod threads {
    /// `Send` on native targets, and everything in the browser.
    pub trait MaybeSend {}
    impl<T> MaybeSend for T {}
    /// `Send` and `Sync` on native targets, and everything in the browser.
    pub trait MaybeSync {}
    impl<T> MaybeSync for T {}
    /// A boxed future, `Send` on native targets only.
    pub type BoxFuture<'a, T> = super::Pin<Box<dyn Future<Output = T> + 'a>>;
}
pub use threads::{BoxFuture, MaybeSend, MaybeSync};

/// One database's place to be kept.
pub trait Backend: MaybeSync {
    /// Does the operations in one transaction. When this returns, what was done is durable. More
    /// than [`COMMIT_LIMIT`](crate::operation::COMMIT_LIMIT) of them are
    /// [`BackendError::TooMany`].
    ///
    /// Dropping the future may leave all of it done or nothing.
    fn commit(&self, operations: Vec<Operation>) -> BoxFuture<'_, Result<Commit, BackendError>>;

    /// The records under these ids, in the order asked for; `None` where there is none, or none
    /// that can be read.
    fn read(
        &self,
        ids: Vec<DocumentId>,
    ) -> BoxFuture<'_, Result<Vec<Option<Arc<Record>>>, BackendError>>;

    /// At most `limit` records that changed after the update sequence `since`, in the order of
    /// their `seq`. There may be fewer, where they are large; none means that there are no more.
    /// Each document is there once, at its latest change (CouchDB: `_changes`).
    fn changes(
        &self,
        since: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>>;

    /// At most `limit` records with something that waits for the server, in the order of their
    /// `seq`. There may be fewer, where they are large.
    fn pending(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>>;

    /// How many documents there are, and how many of them want something.
    fn counts(&self) -> BoxFuture<'_, Result<Counts, BackendError>>;

    /// A local document: device state, which is never synced (CouchDB: `_local`). `None` if there
    /// is none under that key.
    fn local(&self, key: String) -> BoxFuture<'_, Result<Option<Vec<u8>>, BackendError>>;

    /// What is stored and can't be read, as far as that was noticed. It is left out of everything else, and
    /// stops nothing.
    fn unreadable(&self) -> BoxFuture<'_, Result<Vec<Unreadable>, BackendError>>;

    /// Looks for what other tabs or programs have written, where word of it may get lost. Returns
    /// at once; what is found is told to those who watch.
    fn refresh(&self) {}

    /// The update sequence, and word of each change to it that is durable. The channel ends when
    /// nothing can change any more.
    fn watch(&self) -> watch::Receiver<u64>;

    /// The same for as long as the database is there, on every opening.
    fn incarnation(&self) -> Incarnation;
}

/// What a commit did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// One for each operation, in their order.
    pub outcomes: Vec<Result<Applied, OperationError>>,
    /// The database's update sequence afterwards: one more for each operation that changed a
    /// document, but for [`Operation::Compact`] and [`Operation::HandOut`].
    pub seq: u64,
}

/// Something that is stored and can't be read: it is damaged, or from a later version. It is kept,
/// also when its document is written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The document's id, where so much can be told.
    pub id: Option<String>,
    /// How long it is, in bytes.
    pub size: usize,
    /// The update sequence of the record; 0 where that can't be told. Whoever has a later record of the
    /// document lacks nothing.
    pub seq: u64,
    /// Whether there were edits in it that the server didn't have, as far as can be told.
    pub has_edits: bool,
}

/// How many documents a database has. Local documents are not among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All that there is a record of: deleted ones included, and those of which all was refused.
    pub documents: usize,
    /// Documents with something that waits for the server. What can't be read any more doesn't wait.
    pub pending: usize,
    /// Documents with an edit that the server has refused, and that nobody has decided about.
    pub refused: usize,
}

/// Why a back end could not do what it was asked for. Nothing of the commit was done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BackendError {
    /// The disk is full, or the browser's quota used up. A later attempt may succeed.
    #[error("there is no room left to save to")]
    Full,
    /// The browser lets nothing be saved, or the file may not be written to.
    #[error("saving is blocked here")]
    Blocked,
    /// Another tab has a newer version of the app, the storage was cleared while it was open, the
    /// database was deleted, or the program has closed the file.
    #[error("the database was closed underneath")]
    Closed,
    /// Another tab or program does this work now: see [`crate::Database::lead`].
    #[error("a later term has begun")]
    Superseded,
    /// The format of what is stored is of a later version, and only that one can open it.
    #[error("the database was written by a newer version")]
    Newer,
    /// The database as a whole, with the reason. A single record that can't be read is no error:
    /// see [`Unreadable`].
    #[error("what is stored can't be read: {0}")]
    Corrupt(String),
    /// See [`COMMIT_LIMIT`](crate::operation::COMMIT_LIMIT).
    #[error("more than {limit} operations in one commit", limit = crate::operation::COMMIT_LIMIT)]
    TooMany,
    /// Anything else, in the words of the storage.
    #[error("{0}")]
    Failed(String),
}

pub mod batch;
#[cfg(all(feature = "indexeddb", target_arch = "wasm32"))]
pub mod indexeddb;
pub mod memory;
#[cfg(all(feature = "sqlite", not(target_arch = "wasm32")))]
pub mod sqlite;
