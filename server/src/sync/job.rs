//! What a connection asks of the databases. One connection's jobs are done one after the other,
//! while it goes on reading.

use std::{sync::Arc, time::Duration};

use settee_store::{BackendError, Commit, DocumentId, Operation, replication::ReplicatedDocument};
use settee_sync::{
    Channel,
    digest::Digests,
    message::BatchNumber,
    server::{Committed, Found, Page},
};
use tokio::time::timeout;

use super::Hub;
use crate::{databases::Handle, telemetry::short};

/// How long a job may take. The client has given up by then.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many documents are read at once to be digested.
const DIGEST_PAGE: usize = 1000;

pub enum Job {
    Commit {
        channel: Channel,
        batch: BatchNumber,
        database: Handle,
        documents: Vec<ReplicatedDocument>,
    },
    Read {
        channel: Channel,
        database: Handle,
        since: u64,
        limit: usize,
    },
    Digest {
        channel: Channel,
        database: Handle,
    },
    Find {
        channel: Channel,
        database: Handle,
        ids: Vec<DocumentId>,
    },
}

pub enum Done {
    Committed(Channel, BatchNumber, Option<Committed>),
    Changes(Channel, Option<Page>),
    Digests(Channel, Option<Digests>),
    Found(Channel, Option<Found>),
}

impl Job {
    pub fn channel(&self) -> Channel {
        match self {
            Self::Commit { channel, .. }
            | Self::Read { channel, .. }
            | Self::Digest { channel, .. }
            | Self::Find { channel, .. } => *channel,
        }
    }

    pub async fn run(self, hub: Arc<Hub>) -> Done {
        match self {
            Self::Commit { channel, batch, database, documents } => {
                let committed = timeout(PATIENCE, commit(&database, documents)).await;
                Done::Committed(channel, batch, succeeded(&database, "commit", committed))
            }
            Self::Read { channel, database, since, limit } => {
                let changes = timeout(PATIENCE, database.changes(since, limit)).await;
                let changes = succeeded(&database, "read", changes);
                let seq = *database.watch().borrow();
                Done::Changes(channel, changes.map(|records| (records, seq)))
            }
            Self::Digest { channel, database } => {
                let digests = timeout(PATIENCE, digests(&hub, &database)).await;
                Done::Digests(channel, succeeded(&database, "digest", digests))
            }
            Self::Find { channel, database, ids } => {
                let records = timeout(PATIENCE, database.read(ids)).await;
                let records = succeeded(&database, "find", records);
                let seq = *database.watch().borrow();
                Done::Found(channel, records.map(|records| (records, seq)))
            }
        }
    }
}

/// Commits what is valid, and says of each document what became of it.
async fn commit(
    database: &Handle,
    documents: Vec<ReplicatedDocument>,
) -> Result<Committed, BackendError> {
    let mut operations = Vec::with_capacity(documents.len());
    let mut verdicts = Vec::with_capacity(documents.len());
    for document in documents {
        let verdict = settee_todo::validate(&document);
        if verdict.is_ok() {
            operations.push(Operation::Replicate { document, acknowledges: false });
        }
        verdicts.push(verdict);
    }
    let Commit { outcomes, seq } = database.commit(operations).await?;
    let mut outcomes = outcomes.into_iter();
    let mut next =
        || outcomes.next().ok_or_else(|| BackendError::Failed("an outcome is missing".into()));
    let told = verdicts.into_iter().map(|verdict| match verdict {
        Ok(()) => Ok(next()?.map_err(|error| error.to_string())),
        Err(invalid) => Ok(Err(invalid.to_string())),
    });
    Ok((told.collect::<Result<_, BackendError>>()?, seq))
}

/// All documents, to be compared.
async fn digests(hub: &Hub, database: &Handle) -> Result<Digests, BackendError> {
    // Each holds all ids of a database, and anybody with access may ask for it.
    let _turn = hub.digesting.acquire().await;
    let mut digests = Digests::default();
    loop {
        let records = database.changes(digests.seq(), DIGEST_PAGE).await?;
        if records.is_empty() {
            return Ok(digests);
        }
        digests.add(records.iter().map(AsRef::as_ref));
        tokio::task::yield_now().await;
    }
}

/// What was asked for, or a line in the log.
fn succeeded<T>(
    database: &Handle,
    what: &str,
    outcome: Result<Result<T, BackendError>, tokio::time::error::Elapsed>,
) -> Option<T> {
    let database = short(database.name());
    match outcome {
        Ok(Ok(value)) => Some(value),
        Ok(Err(error)) => {
            tracing::error!(database, what, %error, "storage failed");
            None
        }
        Err(_) => {
            tracing::error!(database, what, "storage took too long");
            None
        }
    }
}
