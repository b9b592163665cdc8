//! The handle that programs use to read and write documents and to follow changes.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{
    backend::{Backend, BackendError, Commit, Counts, Incarnation, Unreadable},
    document_id::DocumentId,
    history::{Missing, OpenRevision, OpenRevisions},
    operation::{Applied, Edit, Operation, OperationError, TERM, read_term},
    page::Page,
    record::{Document, Record},
    revision::Revision,
};

/// Most documents that a [`Feed`] returns at a time.
const FEED_BATCH: usize = 10_000;

/// How often a new term is tried while others begin terms at the same time.
const TERM_ATTEMPTS: usize = 16;
/// How often what waits is read again because others have edited it in the meantime.
const SEND_ATTEMPTS: usize = 16;
/// Most documents that are compacted in one commit.
const COMPACT_BATCH: usize = 1000;

/// What [`Database::compact`] has dropped; all zero if there was nothing to drop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compaction {
    /// Deleted documents that were reduced to a stub.
    pub documents: usize,
    /// Revisions of these documents that were dropped.
    pub revisions: usize,
    /// Bytes of these documents' records before and after.
    pub bytes: (usize, usize),
}

/// A handle on one database. Clones are cheap and refer to the same database.
#[derive(Clone)]
pub struct Database {
    backend: Arc<dyn Backend>,
    /// The term that this handle writes under, if it leads one.
    term: Option<u64>,
}

impl Database {
    /// A handle on the back end's database. It leads no term: see [`Database::lead`].
    pub fn new(backend: impl Backend + 'static) -> Self {
        // The browser has no threads, but one type serves both targets.
        #[allow(clippy::arc_with_non_send_sync)]
        Self { backend: Arc::new(backend), term: None }
    }

    /// A handle on a back end that others share, such as a [`Hosted`](crate::Hosted) database.
    pub fn shared(backend: Arc<dyn Backend>) -> Self {
        Self { backend, term: None }
    }

    /// Whether both are handles on the same open database. One that was opened again is another.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.backend, &other.backend)
    }

    /// Writes edits in one transaction. Returns an outcome for each, in their order, once they are
    /// durable. An edit that fails doesn't affect the others; after a [`BackendError`] none is
    /// written.
    pub async fn write(
        &self,
        edits: Vec<Edit>,
    ) -> Result<Vec<Result<Applied, OperationError>>, BackendError> {
        let operations = edits.into_iter().map(Operation::Edit).collect();
        Ok(self.commit(operations).await?.outcomes)
    }

    /// Runs operations in one transaction. More than
    /// [`COMMIT_LIMIT`](crate::operation::COMMIT_LIMIT) of them are [`BackendError::TooMany`].
    pub async fn commit(&self, mut operations: Vec<Operation>) -> Result<Commit, BackendError> {
        let Some(term) = self.term else { return self.backend.commit(operations).await };
        operations.insert(0, Operation::Under { term });
        let count = operations.len();
        let mut commit = self.backend.commit(operations).await?;
        assert_eq!(commit.outcomes.len(), count, "a back end has an outcome for each operation");
        match commit.outcomes.remove(0) {
            Ok(_) => Ok(commit),
            Err(_) => Err(BackendError::Superseded),
        }
    }

    /// Begins a term, and returns a handle that writes under it. Once a later term begins, in this
    /// program or in another tab, every commit of this handle fails with
    /// [`BackendError::Superseded`] and changes nothing.
    ///
    /// If several tabs believe that they are the one that syncs a database, only the last one can
    /// save its checkpoint. Fails with [`BackendError::Superseded`] if others keep beginning terms
    /// at the same time.
    pub async fn lead(&self) -> Result<Self, BackendError> {
        for _ in 0..TERM_ATTEMPTS {
            let present = self.backend.local(TERM.to_owned()).await?;
            let term = read_term(present.as_deref()) + 1;
            let commit = self.backend.commit(vec![Operation::Lead { term }]).await?;
            // If it fails, somebody else has begun this term in the meantime.
            if commit.outcomes.iter().all(Result::is_ok) {
                return Ok(Self { backend: self.backend.clone(), term: Some(term) });
            }
        }
        Err(BackendError::Superseded)
    }

    /// The document of that id; if it is deleted, with [`Document::deleted`] set. `None` if there
    /// is none, if its record can't be read, or if all of its revisions were refused.
    pub async fn get(&self, id: &DocumentId) -> Result<Option<Document>, BackendError> {
        let records = self.backend.read(vec![id.clone()]).await?;
        Ok(records.into_iter().next().flatten().and_then(|record| record.document()))
    }

    /// Which of another replica's revisions are missing here. Returns one answer for each document,
    /// in the order of the request (CouchDB: `_revs_diff`).
    pub async fn missing_revisions(
        &self,
        asked: Vec<(DocumentId, Vec<Revision>)>,
    ) -> Result<Vec<Missing>, BackendError> {
        let records = self.backend.read(asked.iter().map(|(id, _)| id.clone()).collect()).await?;
        let missing =
            |(record, (_, revisions)): (Option<Arc<Record>>, (_, Vec<Revision>))| match record {
                Some(record) => record.missing(&revisions),
                None => Missing { missing: revisions, possible_ancestors: Vec::new() },
            };
        Ok(records.into_iter().zip(asked).map(missing).collect())
    }

    /// Revisions of a document with their histories (CouchDB: `open_revs`). An unknown revision
    /// that was requested by name is returned as `Err` with its name.
    pub async fn open_revisions(
        &self,
        id: &DocumentId,
        which: &OpenRevisions,
    ) -> Result<Vec<Result<OpenRevision, Revision>>, BackendError> {
        let record = self.backend.read(vec![id.clone()]).await?.into_iter().next().flatten();
        let record = record.unwrap_or_else(|| Arc::new(Record::new(id.clone())));
        Ok(record.open_revisions(which))
    }

    /// The records of these ids, in their order; `None` if there is no record, or it can't be read.
    pub async fn records(
        &self,
        ids: Vec<DocumentId>,
    ) -> Result<Vec<Option<Arc<Record>>>, BackendError> {
        self.backend.read(ids).await
    }

    /// At most `limit` records that changed after the update sequence `since`, in the order of
    /// their `seq`. Each document appears once, at its latest change (CouchDB: `_changes`).
    ///
    /// There may be fewer than `limit` if they are large; only an empty answer means that there are
    /// no more.
    pub async fn changes(
        &self,
        since: u64,
        limit: usize,
    ) -> Result<Vec<Arc<Record>>, BackendError> {
        self.backend.changes(since, limit).await
    }

    /// The same, with word of whether they are the last ones.
    pub async fn page(&self, since: u64, limit: usize) -> Result<Page, BackendError> {
        Page::read(&*self.backend, since, limit).await
    }

    /// The changes after the update sequence `since`: first the existing ones, then new ones as
    /// they are committed, without a gap (CouchDB: `_changes` with `feed=continuous`).
    pub fn follow(&self, since: u64) -> Feed {
        Feed { database: self.clone(), news: self.backend.watch(), seq: since }
    }

    /// At most `limit` records with revisions that wait for the server, in the order of their
    /// `seq`. There may be fewer if they are large.
    pub async fn pending(&self, limit: usize) -> Result<Vec<Arc<Record>>, BackendError> {
        self.backend.pending(limit).await
    }

    /// The same, to be sent to the server. Revisions that may be [folded](crate::folding) are marked
    /// as handed out first, so that none of those returned is replaced later.
    ///
    /// Fails with [`BackendError::Superseded`] if a later term has begun, and with
    /// [`BackendError::Failed`] if others write faster than this reads.
    pub async fn to_send(&self, limit: usize) -> Result<Vec<Arc<Record>>, BackendError> {
        for _ in 0..SEND_ATTEMPTS {
            let records = self.backend.pending(limit).await?;
            let unmarked = records.iter().filter(|record| record.unsent.is_some());
            let marks: Vec<Operation> =
                unmarked.map(|record| Operation::HandOut { id: record.id.clone() }).collect();
            if marks.is_empty() {
                return Ok(records);
            }
            // What is there now may have been folded since it was read, so it is read again.
            self.commit(marks).await?;
        }
        Err(BackendError::Failed("others write faster than this one can read".to_owned()))
    }

    /// The number of documents, including deleted ones, and how many are pending or refused.
    pub async fn counts(&self) -> Result<Counts, BackendError> {
        self.backend.counts().await
    }

    /// Reduces each deleted document to a stub: its id, its leaf, and shortened names of its other
    /// revisions. The stub keeps the document deleted when another replica sends an old revision.
    /// Documents that are pending or refused stay as they are.
    ///
    /// Bodies of old revisions need no such call: each commit drops those that no leaf, conflict or
    /// pending edit of its documents needs. That is all that CouchDB's `_compact` does; it leaves
    /// deleted documents as they are.
    ///
    /// The documents are compacted in several commits, so if it fails a part may be done.
    pub async fn compact(&self) -> Result<Compaction, BackendError> {
        let (mut since, end) = (0, self.seq());
        let mut total = Compaction::default();
        while since < end {
            let records = self.backend.changes(since, COMPACT_BATCH).await?;
            let Some(last) = records.last() else { break };
            since = last.seq;
            let mut operations = Vec::new();
            for record in &records {
                let mut small = Record::clone(record);
                let revisions = small.compact();
                if revisions > 0 {
                    let (before, after) = total.bytes;
                    total.documents += 1;
                    total.revisions += revisions;
                    total.bytes = (before + record.encode().len(), after + small.encode().len());
                    operations.push(Operation::Compact { id: record.id.clone() });
                }
            }
            if !operations.is_empty() {
                self.commit(operations).await?;
            }
        }
        Ok(total)
    }

    /// Stored records that can't be read: damaged ones, and those of a later version. What happens to a
    /// file while it is open may be noticed at the next opening only.
    pub async fn unreadable(&self) -> Result<Vec<Unreadable>, BackendError> {
        self.backend.unreadable().await
    }

    /// A local document: device state, which is never synced (CouchDB: `_local`, without
    /// revisions). `None` if there is none of that key.
    pub async fn local(&self, key: &str) -> Result<Option<Vec<u8>>, BackendError> {
        self.backend.local(key.to_owned()).await
    }

    /// Sets a local document, or removes it with `None`. A key may be any text except `_term`
    /// and `_lost`, which the store itself uses; a value may be any bytes.
    pub async fn set_local(&self, key: &str, value: Option<Vec<u8>>) -> Result<(), BackendError> {
        let operation = Operation::Local { key: key.to_owned(), value };
        self.commit(vec![operation]).await.map(drop)
    }

    /// Looks for what other tabs have written, should word of it have got lost. It returns at once,
    /// and writes nothing.
    pub fn refresh(&self) {
        self.backend.refresh();
    }

    /// The update sequence of the latest durable commit, with a notification of each later one.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.backend.watch()
    }

    /// The update sequence of the latest durable commit; 0 before the first.
    pub fn seq(&self) -> u64 {
        *self.backend.watch().borrow()
    }

    /// Identifies this creation or restore; sequences of another aren't comparable.
    pub fn incarnation(&self) -> Incarnation {
        self.backend.incarnation()
    }
}

/// A live changes feed: see [`Database::follow`].
pub struct Feed {
    database: Database,
    news: watch::Receiver<u64>,
    seq: u64,
}

impl Feed {
    /// Waits for changes, and returns them in the order of their `seq`. A document that has changed
    /// several times since the last call appears once, as it is now. `None` once the database is
    /// closed.
    pub async fn next(&mut self) -> Result<Option<Vec<Arc<Record>>>, BackendError> {
        loop {
            // Marked as seen before reading, so that a commit during the read isn't missed.
            self.news.borrow_and_update();
            let records = self.database.changes(self.seq, FEED_BATCH).await?;
            if let Some(last) = records.last() {
                self.seq = last.seq;
                return Ok(Some(records));
            }
            if self.news.changed().await.is_err() {
                return Ok(None);
            }
        }
    }

    /// The `seq` of the last record that was returned. A new feed could continue from there.
    pub fn seq(&self) -> u64 {
        self.seq
    }
}
