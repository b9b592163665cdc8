//! The handle that programs use: documents in, documents out, and word of changes.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{
    backend::{Backend, BackendError, Commit, Counts, Incarnation, Unreadable},
    document_id::DocumentId,
    history::{Missing, OpenRevision, OpenRevisions},
    operation::{Applied, Edit, Operation, OperationError, TERM, read_term},
    record::{Document, Record},
    revision::Revision,
};

/// Most documents that the changes feed hands out at a time.
const FEED_BATCH: usize = 10_000;

/// How often a term is proposed, where others propose theirs at the same time.
const TERM_ATTEMPTS: usize = 16;
/// Documents that are compacted in one commit, at most.
const COMPACT_BATCH: usize = 1000;

/// What [`Database::compact`] has dropped. Nothing if there was nothing to drop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compaction {
    /// Deleted documents of which only a stub is left now.
    pub documents: usize,
    /// Revisions that they had besides.
    pub revisions: usize,
    /// Bytes of these documents' records before and after.
    pub bytes: (usize, usize),
}

/// A handle on one database. Clones are cheap, and speak of the same database.
#[derive(Clone)]
pub struct Database {
    backend: Arc<dyn Backend>,
    /// What this handle writes counts only under this term.
    term: Option<u64>,
}

impl Database {
    /// A handle on what the back end keeps. It leads no term: see [`Database::lead`].
    pub fn new(backend: impl Backend + 'static) -> Self {
        // In the browser nothing is shared between threads; the counter is the same for both.
        #[allow(clippy::arc_with_non_send_sync)]
        Self { backend: Arc::new(backend), term: None }
    }

    /// A handle on a back end that others share, such as a [`Hosted`](crate::Hosted) database.
    pub fn shared(backend: Arc<dyn Backend>) -> Self {
        Self { backend, term: None }
    }

    /// Writes edits in one transaction, with an outcome for each, in their order. On return they
    /// are durable. An edit that fails leaves the others done; after a [`BackendError`] none is.
    pub async fn write(
        &self,
        edits: Vec<Edit>,
    ) -> Result<Vec<Result<Applied, OperationError>>, BackendError> {
        let operations = edits.into_iter().map(Operation::Edit).collect();
        Ok(self.commit(operations).await?.outcomes)
    }

    /// Does any operations in one transaction: at most
    /// [`COMMIT_LIMIT`](crate::operation::COMMIT_LIMIT), or else [`BackendError::TooMany`].
    pub async fn commit(&self, mut operations: Vec<Operation>) -> Result<Commit, BackendError> {
        let Some(term) = self.term else { return self.backend.commit(operations).await };
        operations.insert(0, Operation::Under { term });
        let mut commit = self.backend.commit(operations).await?;
        match commit.outcomes.remove(0) {
            Ok(_) => Ok(commit),
            Err(_) => Err(BackendError::Superseded),
        }
    }

    /// Begins a term, and makes a handle that writes under it. As soon as somebody else begins
    /// another, in this program or in another tab, everything that this handle is to write fails
    /// with [`BackendError::Superseded`], and changes nothing.
    ///
    /// So of several tabs that believe that it is they who sync a database only the last one
    /// writes down how far it has come. Where others begin terms all the time, this itself fails
    /// with [`BackendError::Superseded`].
    pub async fn lead(&self) -> Result<Self, BackendError> {
        for _ in 0..TERM_ATTEMPTS {
            let present = self.backend.local(TERM.to_owned()).await?;
            let term = read_term(present.as_deref()) + 1;
            let commit = self.backend.commit(vec![Operation::Lead { term }]).await?;
            // Somebody else has begun one meanwhile, and this tab has read of it.
            if commit.outcomes.iter().all(Result::is_ok) {
                return Ok(Self { backend: self.backend.clone(), term: Some(term) });
            }
        }
        Err(BackendError::Superseded)
    }

    /// The document of that id; deleted ones too, with [`Document::deleted`] set. `None` if there
    /// is none, if it can't be read, or if all that is known of it was refused.
    pub async fn get(&self, id: &DocumentId) -> Result<Option<Document>, BackendError> {
        let records = self.backend.read(vec![id.clone()]).await?;
        Ok(records.into_iter().next().flatten().and_then(|record| record.document()))
    }

    /// Which of the revisions that somebody else has are missing here, document by document, in
    /// the order asked for (CouchDB: `_revs_diff`).
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

    /// Revisions of a document with their histories (CouchDB: `open_revs`). Those asked for by
    /// name that are not known come back as they are.
    pub async fn open_revisions(
        &self,
        id: &DocumentId,
        which: &OpenRevisions,
    ) -> Result<Vec<Result<OpenRevision, Revision>>, BackendError> {
        let record = self.backend.read(vec![id.clone()]).await?.into_iter().next().flatten();
        let record = record.unwrap_or_else(|| Arc::new(Record::new(id.clone())));
        Ok(record.open_revisions(which))
    }

    /// The records of these ids, in their order; `None` where there is none, or none that can be
    /// read.
    pub async fn records(
        &self,
        ids: Vec<DocumentId>,
    ) -> Result<Vec<Option<Arc<Record>>>, BackendError> {
        self.backend.read(ids).await
    }

    /// At most `limit` records that changed after the update sequence `since`, in its order. There
    /// may be fewer, where they are large: only none means that there are no more. Each document is
    /// there once, at its latest change (CouchDB: `_changes`).
    pub async fn changes(
        &self,
        since: u64,
        limit: usize,
    ) -> Result<Vec<Arc<Record>>, BackendError> {
        self.backend.changes(since, limit).await
    }

    /// The changes after the update sequence `since`, those that are there and then those to come,
    /// without a gap (CouchDB: `_changes` with `feed=continuous`).
    pub fn follow(&self, since: u64) -> Feed {
        Feed { database: self.clone(), news: self.backend.watch(), seq: since }
    }

    /// At most `limit` records that wait for the server, in the order of their `seq`. There may be
    /// fewer, where they are large.
    pub async fn pending(&self, limit: usize) -> Result<Vec<Arc<Record>>, BackendError> {
        self.backend.pending(limit).await
    }

    /// How many documents there are, deleted ones included, and how many wait or were refused.
    pub async fn counts(&self) -> Result<Counts, BackendError> {
        self.backend.counts().await
    }

    /// Forgets all of the deleted documents but a stub each, which keeps them dead: the id, the
    /// leaf, and the beginnings of the names of the others. Those that wait for the server, or
    /// that it has refused, stay as they are.
    ///
    /// Bodies of old revisions need no such call: each commit drops those that no leaf, no
    /// conflict and no pending edit of its documents needs. CouchDB's `_compact` does that alone,
    /// and leaves deleted documents as they are.
    ///
    /// It commits some documents at a time, so if it fails a part may be done.
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

    /// What is stored and can't be read: damaged records, and those of later versions.
    pub async fn unreadable(&self) -> Result<Vec<Unreadable>, BackendError> {
        self.backend.unreadable().await
    }

    /// A local document: device state, which is never synced (CouchDB: `_local`, without
    /// revisions). `None` if there is none under that key.
    pub async fn local(&self, key: &str) -> Result<Option<Vec<u8>>, BackendError> {
        self.backend.local(key.to_owned()).await
    }

    /// Sets a local document, or removes it. Keys and values are any text and any bytes; the key
    /// `_term` is the store's own.
    pub async fn set_local(&self, key: &str, value: Option<Vec<u8>>) -> Result<(), BackendError> {
        let operation = Operation::Local { key: key.to_owned(), value };
        self.commit(vec![operation]).await.map(drop)
    }

    /// Looks for what other tabs have written, should word of it have got lost. It returns at once,
    /// and writes nothing.
    pub fn refresh(&self) {
        self.backend.refresh();
    }

    /// The update sequence of the latest durable commit, and word of each later one.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.backend.watch()
    }

    /// The update sequence of the latest durable commit; 0 before the first.
    pub fn seq(&self) -> u64 {
        *self.backend.watch().borrow()
    }

    /// Which making of the database this is: an update sequence of another one says nothing here.
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
    /// Waits for changes, and hands them out in the order of their `seq`. A document that has
    /// changed several times meanwhile comes once, as it is now. `None` when the database is closed.
    pub async fn next(&mut self) -> Result<Option<Vec<Arc<Record>>>, BackendError> {
        loop {
            // Marked as seen before reading, so that a commit during the read wakes the next round.
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

    /// The `seq` of the last record that was handed out: where another feed would go on.
    pub fn seq(&self) -> u64 {
        self.seq
    }
}
