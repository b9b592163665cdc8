//! One request to a database, and its answer.

use std::{sync::Arc, task::Poll, time::Duration};

use settee_store::replication::ReplicatedDocument;
use settee_store::{
    BackendError, Counts, Database, DocumentId, Operation, Record, backend::Commit,
};
use settee_sync::{
    Checkpoint,
    client::Verdict,
    digest::{Digests, DocumentDigest},
    message::BatchNumber,
};
use tokio::sync::watch;

use crate::{checkpoint, command::Counted, platform::sleep};

/// How long a job may take. The store may still complete what it was asked for afterwards.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// How many documents are read or marked at once.
const PAGE: usize = 1000;
/// What a job weighs besides its documents, so that a limit holds for empty ones as well.
const JOB_COST: usize = 160;

pub(crate) enum Job {
    /// Count what waits for the server, and tell whoever has asked.
    Count(Vec<Counted>),
    ReadPending {
        limit: usize,
    },
    Commit {
        batch: BatchNumber,
        documents: Vec<ReplicatedDocument>,
        checkpoint: Option<Checkpoint>,
        reconciles: bool,
    },
    Settle(Verdict),
    Digest,
    Resend(Vec<DocumentId>),
    Find(Vec<DocumentId>),
}

pub(crate) enum Answer {
    Counted {
        counts: Result<Counts, BackendError>,
        /// Tells of changes after the count.
        seq: watch::Receiver<u64>,
        asked: Vec<Counted>,
    },
    Pending(Result<Vec<Arc<Record>>, BackendError>),
    /// How many documents the store has rejected.
    Committed(BatchNumber, Result<usize, BackendError>),
    Settled(Vec<DocumentId>, Result<(), BackendError>),
    Digests(Result<Vec<DocumentDigest>, BackendError>),
    Resent(Result<(), BackendError>),
    Found(Result<Vec<Option<Arc<Record>>>, BackendError>),
}

impl Answer {
    /// Whether somebody else syncs the database now.
    pub fn is_superseded(&self) -> bool {
        let (Self::Pending(Err(error))
        | Self::Committed(_, Err(error))
        | Self::Settled(_, Err(error))
        | Self::Resent(Err(error))) = self
        else {
            return false;
        };
        matches!(error, BackendError::Superseded)
    }
}

impl Job {
    /// Whether the job is useless once the channel that it belongs to has ended.
    pub fn is_of_channel(&self) -> bool {
        !matches!(self, Self::Count(_))
    }

    /// Roughly how many bytes the job holds.
    pub fn weight(&self) -> usize {
        let held: usize = match self {
            Self::Commit { documents, .. } => {
                documents.iter().map(ReplicatedDocument::weight).sum()
            }
            Self::Resend(ids) | Self::Find(ids) => ids.iter().map(|id| id.as_str().len()).sum(),
            Self::Settle(verdict) => verdict.acknowledged.len() + verdict.refused.len(),
            Self::Count(_) | Self::ReadPending { .. } | Self::Digest => 0,
        };
        held + JOB_COST
    }

    pub async fn run(self, database: Database) -> Answer {
        match self {
            Self::Count(asked) => {
                let seq = database.watch();
                let counts = limited(database.counts()).await;
                Answer::Counted { counts, seq, asked }
            }
            Self::ReadPending { limit } => Answer::Pending(limited(database.to_send(limit)).await),
            Self::Commit { batch, documents, checkpoint, reconciles } => {
                let replicate = |document| Operation::from_server(document, reconciles);
                let operations = documents.into_iter().map(replicate);
                let operations = operations.chain(checkpoint.map(checkpoint::save)).collect();
                let committed = limited(commit(&database, operations)).await;
                Answer::Committed(batch, committed)
            }
            Self::Settle(verdict) => {
                let (ids, operations) = settlement(verdict);
                let settled = limited(database.commit(operations)).await;
                Answer::Settled(ids, settled.map(drop))
            }
            Self::Digest => Answer::Digests(limited(digests(&database)).await),
            Self::Resend(ids) => Answer::Resent(limited(mark_for_sending(&database, ids)).await),
            Self::Find(ids) => Answer::Found(limited(database.records(ids)).await),
        }
    }
}

/// The store's answer, or an error when it takes too long.
async fn limited<T>(
    answer: impl Future<Output = Result<T, BackendError>>,
) -> Result<T, BackendError> {
    tokio::select! {
        biased;
        answer = answer => answer,
        () = sleep(PATIENCE) => Err(BackendError::Failed("the store takes too long".into())),
    }
}

/// Commits documents from the server, and tells how many were rejected.
async fn commit(database: &Database, operations: Vec<Operation>) -> Result<usize, BackendError> {
    let Commit { outcomes, .. } = database.commit(operations).await?;
    Ok(outcomes.iter().filter(|outcome| outcome.is_err()).count())
}

/// The documents of a verdict, and the operations that write it down.
fn settlement(verdict: Verdict) -> (Vec<DocumentId>, Vec<Operation>) {
    let Verdict { acknowledged, refused, checkpoint } = verdict;
    let ids = acknowledged.iter().map(|(id, _)| id).chain(refused.iter().map(|(id, ..)| id));
    let ids = ids.cloned().collect();
    let acknowledged =
        acknowledged.into_iter().map(|(id, revisions)| Operation::Acknowledge { id, revisions });
    let refused = refused.into_iter().map(|(id, revisions, reason)| Operation::Refuse {
        id,
        revisions,
        reason,
    });
    let operations = acknowledged.chain(refused).chain(checkpoint.map(checkpoint::save));
    (ids, operations.collect())
}

/// Digests of all documents, to be compared with the server's.
async fn digests(database: &Database) -> Result<Vec<DocumentDigest>, BackendError> {
    let mut digests = Digests::default();
    loop {
        let records = database.changes(digests.seq(), PAGE).await?;
        if records.is_empty() {
            return Ok(digests.into_documents());
        }
        digests.add(records.iter().map(AsRef::as_ref));
        yield_now().await;
    }
}

/// Marks documents as pending. After an error some are marked, and sent without need.
async fn mark_for_sending(database: &Database, ids: Vec<DocumentId>) -> Result<(), BackendError> {
    for page in ids.chunks(PAGE) {
        let operations = page.iter().map(|id| Operation::Resend { id: id.clone() });
        database.commit(operations.collect()).await?;
    }
    Ok(())
}

/// Lets the driver do other things before this goes on.
async fn yield_now() {
    let mut has_yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
