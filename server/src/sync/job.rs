//! What a connection asks of the databases. One connection's jobs are done one after the other,
//! while it goes on reading.

use std::{sync::Arc, time::Duration};

use settee_store::{BackendError, Commit, DocumentId, Operation, replication::ReplicatedDocument};
use settee_sync::{
    Channel, Denial, DenialCode,
    digest::Digests,
    message::{BatchNumber, Open},
    server::{Committed, Found, Grant, Page},
};
use tokio::time::timeout;

use super::Hub;
use crate::{databases::Handle, telemetry::short};

/// How long a job may take. The client has given up by then.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many documents are read at once to be digested.
const DIGEST_PAGE: usize = 1000;

pub enum Job {
    Authorize(Open),
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
    Authorized(Channel, Result<(Grant, Handle), Denial>),
    Committed(Channel, BatchNumber, Option<Committed>),
    Changes(Channel, Option<Page>),
    Digests(Channel, Option<Digests>),
    Found(Channel, Option<Found>),
}

impl Job {
    pub async fn run(self, hub: Arc<Hub>) -> Done {
        match self {
            Self::Authorize(open) => {
                let channel = open.channel;
                let decision = timeout(PATIENCE, authorize(&hub, open)).await;
                Done::Authorized(channel, decision.unwrap_or_else(|_| Err(unavailable())))
            }
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
                let digests = timeout(PATIENCE, digests(&database)).await;
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

async fn authorize(hub: &Hub, open: Open) -> Result<(Grant, Handle), Denial> {
    let Open { channel: _, database: name, credentials, checkpoint } = open;
    let role = hub.access.authorize(name.clone(), credentials).await.inspect_err(|denial| {
        tracing::info!(database = short(&name), code = ?denial.code, "denied");
    })?;
    let opened = hub.databases.find(&name).await.inspect_err(|error| {
        tracing::error!(database = short(&name), %error, "can't open");
    });
    let database = opened.map_err(|_| unavailable())?.ok_or_else(unavailable)?;
    let resumed = checkpoint.is_some_and(|checkpoint| database.knows(&checkpoint));
    let position = database.position();
    tracing::info!(database = short(&name), ?role, resumed, "granted");
    Ok((Grant { role, position, resumed }, database))
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
async fn digests(database: &Handle) -> Result<Digests, BackendError> {
    let mut digests = Digests::default();
    loop {
        let records = database.changes(digests.seq(), DIGEST_PAGE).await?;
        if records.is_empty() {
            return Ok(digests);
        }
        digests.add(records.iter().map(AsRef::as_ref));
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

fn unavailable() -> Denial {
    Denial::new(DenialCode::Unavailable, "the server can't open the list now")
}
