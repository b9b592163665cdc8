//! What a connection asks of a database.

use std::{sync::Arc, time::Duration};

use settee_store::{BackendError, Commit, DocumentId, Operation, replication::ReplicatedDocument};
use settee_sync::{
    Channel, Role,
    digest::Digests,
    message::BatchNumber,
    server::{Committed, Found, Page},
};

use crate::{
    databases::Handle,
    guard::{Failure, guarded},
    hub::Hub,
};

/// How long a job may take. The client is patient for longer.
const JOB_LIMIT: Duration = Duration::from_secs(10);
/// How long reading a whole database may take, for a comparison.
const DIGEST_LIMIT: Duration = Duration::from_secs(30);
/// How many documents are read at once to be digested.
const DIGEST_PAGE: usize = 1000;

/// What is to be done.
pub enum Task {
    Commit { batch: BatchNumber, role: Role, documents: Vec<ReplicatedDocument> },
    Read { since: u64, limit: usize },
    Digest,
    Find { ids: Vec<DocumentId> },
}

/// What came of it; `None` if it failed.
pub enum Done {
    Committed(BatchNumber, Option<Committed>),
    Changes(Option<Page>),
    Digests(Option<Digests>),
    Found(Option<Found>),
}

/// A task on the database of a channel.
pub struct Job {
    pub channel: Channel,
    pub database: Handle,
    pub task: Task,
}

impl Job {
    pub async fn run(self, hub: Arc<Hub>) -> (Channel, Done) {
        let Self { channel, database, task } = self;
        let done = match task {
            Task::Commit { batch, role, documents } => {
                let committed = guarded(JOB_LIMIT, commit(&database, role, documents)).await;
                Done::Committed(batch, succeeded(&database, "commit", committed))
            }
            Task::Read { since, limit } => {
                let changes = guarded(JOB_LIMIT, changes(&database, since, limit)).await;
                Done::Changes(succeeded(&database, "read", changes))
            }
            Task::Digest => {
                let digests = guarded(DIGEST_LIMIT, digests(&hub, &database)).await;
                Done::Digests(succeeded(&database, "digest", digests))
            }
            Task::Find { ids } => {
                let found = guarded(JOB_LIMIT, find(&database, ids)).await;
                Done::Found(succeeded(&database, "find", found))
            }
        };
        (channel, done)
    }
}

async fn changes(database: &Handle, since: u64, limit: usize) -> Result<Page, Failure> {
    let records = database.store().changes(since, limit).await?;
    Ok((records, database.seq()))
}

async fn find(database: &Handle, ids: Vec<DocumentId>) -> Result<Found, Failure> {
    let records = database.store().read(ids).await?;
    Ok((records, database.seq()))
}

/// Commits what is valid, and says of each document what became of it.
async fn commit(
    database: &Handle,
    role: Role,
    documents: Vec<ReplicatedDocument>,
) -> Result<Committed, Failure> {
    let verdicts = database.validator.validate(role, &documents).await;
    if verdicts.len() != documents.len() {
        return Err(Failure::Verdicts { asked: documents.len(), given: verdicts.len() });
    }
    let valid = documents.into_iter().zip(&verdicts).filter(|(_, verdict)| verdict.is_ok());
    let operations =
        valid.map(|(document, _)| Operation::Replicate { document, acknowledges: false }).collect();
    let Commit { outcomes, seq } = database.store().commit(operations).await?;
    let mut outcomes = outcomes.into_iter();
    let mut next =
        || outcomes.next().ok_or_else(|| BackendError::Failed("an outcome is missing".into()));
    let told = verdicts.into_iter().map(|verdict| match verdict {
        Ok(()) => Ok(next()?.map_err(|error| error.to_string())),
        Err(refusal) => Ok(Err(refusal)),
    });
    Ok((told.collect::<Result<_, BackendError>>()?, seq))
}

/// All documents, to be compared.
async fn digests(hub: &Hub, database: &Handle) -> Result<Digests, Failure> {
    // Each holds all ids of a database, and anybody with access may ask for it.
    let _turn = hub.digesting.acquire().await;
    let mut digests = Digests::default();
    loop {
        let records = database.store().changes(digests.seq(), DIGEST_PAGE).await?;
        if records.is_empty() {
            return Ok(digests);
        }
        digests.add(records.iter().map(AsRef::as_ref));
        tokio::task::yield_now().await;
    }
}

/// The answer, or a line in the log.
fn succeeded<T>(
    database: &Handle,
    what: &str,
    outcome: Result<Result<T, Failure>, Failure>,
) -> Option<T> {
    match outcome.flatten() {
        Ok(value) => Some(value),
        Err(failure) => {
            let database = database.short_name();
            tracing::error!(database, what, %failure, "a job failed");
            None
        }
    }
}
