//! Clerks: code that answers documents with documents.
//!
//! Devices ask offline, and everybody gets one answer. A person writes a request as a document of its own; a
//! clerk reads it and writes what it decides into a document that nobody else may write. What it has decided
//! and how far it has read are saved in one commit. So each change is looked at at least once, and what follows
//! from it happens exactly once, however often the clerk is killed meanwhile.
//!
//! Who employs a clerk asks its [`Reading`] what to commit, and commits that.

use std::{fmt, sync::Arc};

use thiserror::Error;

use crate::{
    backend::{Backend, BackendError, BoxFuture, Incarnation},
    body::Body,
    document_id::DocumentId,
    operation::Operation,
    record::{Document, Record},
    replication::{ReplicatedDocument, ReplicatedRevision, ReplicationError},
    revision::{Revision, RevisionError},
};

/// Documents whose ids begin with this are written by clerks. Nobody else writes them.
pub const CLERK_PREFIX: &str = "clerk/";

/// After how many changes that needed no answer it is saved how far a clerk has read.
const SAVED_EVERY: u64 = 256;
/// How many changes a clerk is shown at once. The others wait in the changes feed.
const PAGE: usize = 256;
/// How many documents a clerk looks through at most.
const SEARCHED: usize = 100_000;

/// Decides on the documents of a kind of database, one database at a time.
pub trait Clerk: Send + Sync {
    /// What it is called, in logs and where it keeps how far it has read. It stays the same for good.
    fn name(&self) -> &'static str;

    /// Whether it wants to hear of a document: of all of them, unless it says otherwise. This is asked for each change
    /// of a database, so it should not take long.
    fn follows(&self, id: &DocumentId) -> bool {
        let _ = id;
        true
    }

    /// Decides what to write about documents that have changed since it last wrote. They may have changed again by
    /// now, and deleted ones are among them; after a crash or a failure the same ones come again. An answer that the
    /// store doesn't take is left out.
    fn answer<'a>(
        &'a self,
        desk: Desk<'a>,
        changed: Vec<Document>,
    ) -> BoxFuture<'a, Result<Vec<Answer>, BackendError>>;

    /// Hears who uses the database, by the names of their grants: of each who comes, and now and then of all who stay.
    /// Decides what to write about that, which is nothing unless it says otherwise. Who is there for a moment only may
    /// be missed, so nothing should depend on it.
    fn greet<'a>(
        &'a self,
        desk: Desk<'a>,
        grants: Vec<String>,
    ) -> BoxFuture<'a, Result<Vec<Answer>, BackendError>> {
        let _ = (desk, grants);
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// What a clerk can look up in its database.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    database: &'a dyn Backend,
}

/// A document that a clerk writes: one whose id begins with [`CLERK_PREFIX`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Which one.
    pub id: DocumentId,
    /// What it says from now on; `None` deletes it.
    pub body: Option<Body>,
}

/// How far a clerk has read a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    incarnation: Incarnation,
    read: u64,
    saved: u64,
}

/// What follows from the next changes of a database.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The answers, and how far the clerk has read then: to be done in one commit, if there are any.
    pub operations: Vec<Operation>,
    /// Where the clerk goes on once that is done.
    pub then: Reading,
}

/// Why a clerk has decided nothing.
#[derive(Debug, Error)]
pub enum ClerkError {
    /// The database can't be read, or the clerk has failed.
    #[error("{0}")]
    Store(#[from] BackendError),
    /// How far it has read is kept in another format.
    #[error("what it keeps can't be read")]
    Kept,
    /// A clerk writes its own documents only.
    #[error("it may not write “{0}”")]
    Id(DocumentId),
    /// A document can't be changed any more.
    #[error("{0}")]
    Revision(#[from] RevisionError),
    /// An answer is beyond the limits of documents.
    #[error("{0}")]
    Replication(#[from] ReplicationError),
}

/// Whether a document is a clerk's: see [`CLERK_PREFIX`].
pub fn is_clerks(id: &DocumentId) -> bool {
    id.as_str().starts_with(CLERK_PREFIX)
}

impl<'a> Desk<'a> {
    /// The desk of a database.
    pub fn of(database: &'a dyn Backend) -> Self {
        Self { database }
    }

    /// The documents under these ids, in their order; `None` where there is none.
    pub async fn read(self, ids: Vec<DocumentId>) -> Result<Vec<Option<Document>>, BackendError> {
        let records = self.database.read(ids).await?;
        Ok(records.iter().map(|record| record.as_deref().and_then(Record::document)).collect())
    }

    /// The documents whose ids are wanted, in the order in which they last changed. It looks through the whole database,
    /// but through no more than 100,000 documents, so it is for what seldom happens.
    pub async fn search(
        self,
        is_wanted: &(dyn Fn(&DocumentId) -> bool + Sync),
    ) -> Result<Vec<Document>, BackendError> {
        let (mut found, mut since, mut searched) = (Vec::new(), 0, 0);
        while searched < SEARCHED {
            let records = self.database.changes(since, PAGE).await?;
            let Some(latest) = records.last() else { break };
            (since, searched) = (latest.seq, searched + records.len());
            let wanted = records.iter().filter(|record| is_wanted(&record.id));
            found.extend(wanted.filter_map(|record| record.document()));
        }
        Ok(found)
    }
}

impl fmt::Debug for Desk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Desk")
    }
}

impl Reading {
    /// How far the clerk had read when it last saved that.
    pub async fn saved(clerk: &dyn Clerk, database: &dyn Backend) -> Result<Self, ClerkError> {
        let saved = match database.local(key(clerk)).await? {
            Some(kept) => u64::from_be_bytes(kept.try_into().map_err(|_| ClerkError::Kept)?),
            None => 0,
        };
        Ok(Self { incarnation: database.incarnation(), read: saved, saved })
    }

    /// Whether it is about this database. There may be another one of that name by now.
    pub fn is_of(&self, database: &dyn Backend) -> bool {
        self.incarnation == database.incarnation()
    }

    /// The update sequence up to which it has read.
    pub fn seq(&self) -> u64 {
        self.read
    }

    /// What the clerk decides about the next changes; `None` if there are no more.
    pub async fn decide(
        self,
        clerk: &dyn Clerk,
        database: &dyn Backend,
    ) -> Result<Option<Decision>, ClerkError> {
        let records = database.changes(self.read, PAGE).await?;
        let Some(until) = records.last().map(|record| record.seq) else { return Ok(None) };
        let is_followed =
            |record: &&Arc<Record>| !is_clerks(&record.id) && clerk.follows(&record.id);
        let followed = records.iter().filter(is_followed);
        let changed: Vec<Document> = followed.filter_map(|record| record.document()).collect();
        let mut operations = Vec::new();
        if !changed.is_empty() {
            let answers = clerk.answer(Desk { database }, changed).await?;
            operations = all_written(database, answers).await?;
        }
        // To look at something again does no harm as long as nothing has followed from it.
        if operations.is_empty() && until - self.saved < SAVED_EVERY {
            return Ok(Some(Decision { operations, then: Self { read: until, ..self } }));
        }
        let value = Some(until.to_be_bytes().into());
        operations.push(Operation::Local { key: key(clerk), value });
        Ok(Some(Decision { operations, then: Self { read: until, saved: until, ..self } }))
    }
}

/// What a clerk writes when it hears who uses a database: to be done in one commit, if there is anything.
pub async fn greeted(
    clerk: &dyn Clerk,
    database: &dyn Backend,
    grants: Vec<String>,
) -> Result<Vec<Operation>, ClerkError> {
    let answers = clerk.greet(Desk { database }, grants).await?;
    all_written(database, answers).await
}

/// Where it is kept how far a clerk has read.
fn key(clerk: &dyn Clerk) -> String {
    format!("clerk/{}", clerk.name())
}

async fn all_written(
    database: &dyn Backend,
    answers: Vec<Answer>,
) -> Result<Vec<Operation>, ClerkError> {
    let mut operations = Vec::new();
    for answer in answers {
        operations.extend(written(database, answer).await?);
    }
    Ok(operations)
}

/// The revision that says so, on top of what is there; nothing if it is there already.
async fn written(database: &dyn Backend, answer: Answer) -> Result<Option<Operation>, ClerkError> {
    let Answer { id, body } = answer;
    if !is_clerks(&id) {
        return Err(ClerkError::Id(id));
    }
    let known = database.read(vec![id.clone()]).await?.into_iter().next().flatten();
    let known = known.as_deref().and_then(Record::document);
    let deleted = body.is_none();
    let body = body.unwrap_or_else(Body::empty);
    let is_there = match &known {
        Some(known) => known.leaves.len() == 1 && known.deleted == deleted && known.body == body,
        None => deleted,
    };
    if is_there {
        return Ok(None);
    }
    let mut closed = known.map(|known| known.leaves).unwrap_or_default().into_iter();
    let parent = closed.next();
    let mut merges: Vec<Revision> = closed.collect();
    merges.sort_unstable();
    let name = Revision::derive(parent, &merges, deleted, &body)?;
    let json = Some(body.as_str().as_bytes());
    let revision = ReplicatedRevision::verified(name, parent, merges, deleted, json)?;
    let document = ReplicatedDocument::verified(id, vec![revision])?;
    Ok(Some(Operation::Replicate { document, acknowledges: false }))
}
