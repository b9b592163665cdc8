//! Many databases in one place, as a server keeps them.
//!
//! [`Storage`] finds, makes, lists and deletes databases; what it hands out is a [`Hosted`]
//! database. Everything is asynchronous, so that a database server can be behind it. SQLite
//! (`Sqlite`) and memory ([`MemoryStorage`]) implement it, and
//! [`conformance`](crate::conformance::storage) says what each implementation has to pass.

mod memory;

use std::sync::Arc;

use crate::backend::{Backend, BackendError, BoxFuture, Incarnation, MaybeSync, Run};

pub use memory::MemoryStorage;

/// A place that keeps any number of databases, each under a name: any text, compared byte for byte.
pub trait Storage: MaybeSync {
    /// The database of that name; `None` if there is none. While somebody holds a database, all who
    /// ask for it by name share its state.
    fn find(&self, name: String) -> BoxFuture<'_, Result<Option<Arc<dyn Hosted>>, BackendError>>;

    /// The database of that name. If there is none, it is made with this incarnation and `meta`;
    /// otherwise these two are ignored.
    fn create(
        &self,
        name: String,
        incarnation: Incarnation,
        meta: Vec<u8>,
    ) -> BoxFuture<'_, Result<Arc<dyn Hosted>, BackendError>>;

    /// At most `limit` names of databases in the order of their bytes, beginning after `after`. None
    /// means that there are no more.
    fn names(
        &self,
        after: Option<String>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<String>, BackendError>>;

    /// Deletes the database of that name with all that it holds. Tells whether there was one.
    /// Whoever still has a handle on it gets [`BackendError::Closed`], and its watchers end.
    fn delete(&self, name: String) -> BoxFuture<'_, Result<bool, BackendError>>;

    /// What the program keeps beside a database; `None` if there is no such database.
    fn meta(&self, name: String) -> BoxFuture<'_, Result<Option<Vec<u8>>, BackendError>>;

    /// Replaces what the program keeps beside a database. Tells whether there is such a database.
    fn set_meta(&self, name: String, meta: Vec<u8>) -> BoxFuture<'_, Result<bool, BackendError>>;

    /// How much there is in this place, and how much room is left.
    fn space(&self) -> BoxFuture<'_, Result<Space, BackendError>>;

    /// Takes nothing more, finishes what was handed in, and lets go of the place. Whoever still has
    /// a handle on a database gets [`BackendError::Closed`], and its watchers end.
    fn close(&self) -> BoxFuture<'_, ()>;

    /// Whether a commit would be tried now: whatever writes and reads is asked, and answers in its
    /// turn. Writes nothing, so a full disk isn't noticed. Once the storage is closed, and if what
    /// writes has ended, it is [`BackendError::Closed`].
    fn check(&self) -> BoxFuture<'_, Result<(), BackendError>>;
}

/// How full a [`Storage`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// How many databases there are.
    pub databases: u64,
    /// What they take, in bytes.
    pub used: u64,
    /// What is left where they are kept, in bytes; `None` if that isn't known.
    pub free: Option<u64>,
}

/// A database of a [`Storage`]. It remembers the runs that it has lived through, so that a server
/// can tell whether it still has what a replica has read of it.
pub trait Hosted: Backend {
    /// The storage's present run: a random id that it makes each time it is opened.
    ///
    /// A run is recorded with the first commit that changes the database, in its transaction, so
    /// that opening a database writes nothing. A run that has changed nothing is forgotten with the
    /// next opening, although replicas may have checkpoints of it. Nothing is lost thereby: such a
    /// checkpoint isn't known any more, so its replica compares all documents. It can't be taken
    /// for known by mistake, because no other run has its id.
    fn run(&self) -> Run;

    /// Whether this place lies within what the database has lived through. It doesn't if the storage
    /// is a copy from before that place. A run shares with the next one what was before it began.
    fn knows(
        &self,
        incarnation: Incarnation,
        run: Run,
        seq: u64,
    ) -> BoxFuture<'_, Result<bool, BackendError>>;

    /// What the database's documents take, in bytes. It is counted anew each time.
    fn size(&self) -> BoxFuture<'_, Result<u64, BackendError>>;
}

/// The runs of a database, and the sequence at which each began.
#[derive(Debug, Clone)]
pub(crate) struct Runs(pub Vec<(Run, u64)>);

impl Runs {
    /// Whether the run had come so far before the next one began. `latest` is the present sequence.
    pub fn know(&self, run: Run, seq: u64, latest: u64) -> bool {
        let Some(at) = self.0.iter().position(|(known, _)| *known == run) else { return false };
        let end = self.0.get(at + 1).map_or(latest, |(_, next)| *next);
        seq <= end
    }
}
