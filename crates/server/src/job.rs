//! What a connection asks of a database.

use std::{borrow::Cow, collections::HashSet, sync::Arc, time::Duration};

use settee_store::{
    Applied, BackendError, Commit, DocumentId, Operation, Page, replication::ReplicatedDocument,
};
use settee_sync::{
    Channel, Role,
    access::{LINKS_ID, is_clerks, says_who_may},
    digest::Digests,
    helping::{self, Helper, HelpingError},
    message::BatchNumber,
    server::{Committed, Found},
};

use crate::{
    authorize::decide,
    databases::Handle,
    guard::{Failure, guarded},
    hub::Hub,
    policy::Access,
    room::{NoRoom, is_removal},
    shared::{Ruling, Turn},
    validator::Verdicts,
    work::Share,
};

/// How long a job may take. The client is patient for longer.
const JOB_LIMIT: Duration = Duration::from_secs(10);
/// How long reading a whole database may take, for a comparison.
const DIGEST_LIMIT: Duration = Duration::from_secs(30);
/// How long the store may take for a commit before it is given up. The client has long been told by
/// then.
const STORE_LIMIT: Duration = Duration::from_mins(2);
/// What a received document and each of its revisions take in memory besides their contents, in bytes:
/// in the commit, and in what the channel remembers of it.
const DOCUMENT_COST: usize = 448;
const REVISION_COST: usize = 64;

/// What is to be done.
pub enum Task {
    Commit { batch: BatchNumber, documents: Vec<ReplicatedDocument> },
    Read { since: u64, limit: usize },
    Digest,
    Find { ids: Vec<DocumentId> },
}

/// What came of it; `None` if it failed.
pub enum Done {
    Committed(BatchNumber, Option<Committed>),
    Changes(Option<Page>),
    Digests(Option<Arc<Digests>>),
    Found(Option<Found>),
    /// The grant doesn't hold any more.
    Withheld,
}

/// What the channel's client may do, and what it has shown for that.
#[derive(Clone)]
pub struct Grant {
    pub role: Role,
    /// What a helper's own documents are known by.
    pub tag: Option<String>,
    /// Whether a helper may add what needs leave.
    pub adds: bool,
    pub credentials: Arc<[u8]>,
    /// What this was decided by.
    pub ruling: Ruling,
}

/// A task on the database of a channel.
pub struct Job {
    pub channel: Channel,
    pub database: Handle,
    pub grant: Grant,
    pub task: Task,
    /// What it holds of the server's memory.
    pub share: Share,
}

impl Task {
    /// About what the task takes in memory, in bytes.
    pub fn weight(&self) -> usize {
        match self {
            Self::Commit { documents, .. } => documents.iter().map(size).sum(),
            Self::Find { ids } => ids.iter().map(|id| id.as_str().len()).sum(),
            Self::Read { .. } | Self::Digest => 0,
        }
    }
}

/// About what a received document takes in memory, in bytes. Small ones take several times what they
/// take on the wire.
fn size(document: &ReplicatedDocument) -> usize {
    DOCUMENT_COST + REVISION_COST * document.revisions.len() + document.weight()
}

impl Job {
    pub async fn run(self, hub: Arc<Hub>) -> (Channel, Done) {
        let Self { channel, database, grant, task, share } = self;
        let done = match task {
            Task::Commit { batch, documents } => {
                let committed = commit(&hub, &database, &grant, documents, share);
                let committed = guarded(JOB_LIMIT, committed).await;
                let done = match committed {
                    Ok(Err(Failure::Withheld)) => Done::Withheld,
                    told => Done::Committed(batch, succeeded(&database, "commit", told)),
                };
                return (channel, done);
            }
            Task::Read { since, limit } => {
                let changes = guarded(JOB_LIMIT, changes(&database, since, limit)).await;
                Done::Changes(succeeded(&database, "read", changes))
            }
            Task::Digest => {
                let digests = guarded(DIGEST_LIMIT, hub.comparisons.digests(&database)).await;
                Done::Digests(succeeded(&database, "digest", digests))
            }
            Task::Find { ids } => {
                let found = guarded(JOB_LIMIT, find(&database, ids)).await;
                Done::Found(succeeded(&database, "find", found))
            }
        };
        // What was read may be newer than the grant.
        let holds = grant.holds(&hub, &database).await;
        (channel, if holds { done } else { Done::Withheld })
    }
}

impl Grant {
    /// Whether the client may still do what it might when the channel was opened.
    async fn holds(&self, hub: &Hub, database: &Handle) -> bool {
        if self.ruling.holds() {
            return true;
        }
        let decision = decide(hub, database.name(), self.credentials.to_vec()).await;
        decision.is_ok_and(|(access, _)| self.is_of(&access))
    }

    /// Whether this access allows the same.
    pub fn is_of(&self, access: &Access) -> bool {
        (access.role, access.adds) == (self.role, self.adds)
    }
}

async fn changes(database: &Handle, since: u64, limit: usize) -> Result<Page, Failure> {
    Ok(Page::read(database.store(), since, limit).await?)
}

async fn find(database: &Handle, ids: Vec<DocumentId>) -> Result<Found, Failure> {
    let records = database.store().read(ids).await?;
    Ok((records, database.seq()))
}

/// Commits what is valid and what there is room for, and says of each document what became of it.
async fn commit(
    hub: &Hub,
    database: &Handle,
    grant: &Grant,
    documents: Vec<ReplicatedDocument>,
    share: Share,
) -> Result<Committed, Failure> {
    let mut verdicts = validate(hub, database, grant.role, &documents).await?;
    if grant.role == Role::Helper {
        refuse_edits(database, grant, &documents, &mut verdicts).await?;
    }
    let mut judged = documents.iter().zip(&verdicts);
    let rules = judged.any(|(document, verdict)| verdict.is_ok() && says_who_may(&document.id));
    let turn = database.shared.clone().turn(rules).await;
    if !grant.holds(hub, database).await {
        return Err(Failure::Withheld);
    }
    if let Err(full) = hub.databases.room_for(database, &documents).await? {
        refuse_growth(database, &documents, full, &mut verdicts).await?;
    }
    let there = there_already(database, &documents, &verdicts).await?;
    let valid = documents.into_iter().zip(&verdicts).filter(|(_, verdict)| verdict.is_ok());
    let operations =
        valid.map(|(document, _)| Operation::Replicate { document, acknowledges: false }).collect();
    let Commit { outcomes, seq } = commit_to_store(database, operations, turn, share).await?;
    let mut outcomes = outcomes.into_iter();
    let mut next =
        || outcomes.next().ok_or_else(|| BackendError::Failed("an outcome is missing".into()));
    let told = verdicts.into_iter().zip(there).map(|(verdict, there)| match verdict {
        Ok(()) => Ok(next()?.map_err(|error| error.to_string())),
        Err(refusal) => Ok(there.ok_or(refusal)),
    });
    Ok((told.collect::<Result<_, BackendError>>()?, seq))
}

async fn validate(
    hub: &Hub,
    database: &Handle,
    role: Role,
    documents: &[ReplicatedDocument],
) -> Result<Verdicts, Failure> {
    let checked = |document: &ReplicatedDocument| {
        // The machine lets no such document through. Nothing here relies on that.
        if !role.can_write() {
            return Some(Err("this may only be read".to_owned()));
        }
        if is_clerks(&document.id) {
            return Some(Err("only the server writes this".to_owned()));
        }
        says_who_may(&document.id).then(|| {
            if role.can_write_to(&document.id) {
                hub.policy.check(document)
            } else {
                Err("only an owner says who may do what".to_owned())
            }
        })
    };
    let checked: Vec<_> = documents.iter().map(checked).collect();
    let left = documents.iter().zip(&checked).filter(|(_, checked)| checked.is_none());
    let left: Cow<'_, [ReplicatedDocument]> = if checked.iter().all(Option::is_none) {
        documents.into()
    } else {
        left.map(|(document, _)| document.clone()).collect()
    };
    let verdicts = database.kind.validator.validate(role, &left).await;
    if verdicts.len() != left.len() {
        return Err(Failure::Verdicts { asked: left.len(), given: verdicts.len() });
    }
    let mut verdicts = verdicts.into_iter();
    let all = checked.into_iter().map(|checked| checked.or_else(|| verdicts.next()));
    Ok(all.map(|verdict| verdict.expect("each document has one")).collect())
}

/// Refuses what a helper may not do. Each document is judged by what is here before the batch, so the batch has one of
/// each id: several would leave more versions open than helpers may.
async fn refuse_edits(
    database: &Handle,
    grant: &Grant,
    documents: &[ReplicatedDocument],
    verdicts: &mut Verdicts,
) -> Result<(), BackendError> {
    let ids = documents.iter().map(|document| document.id.clone()).collect();
    let found = database.store().read(ids).await?;
    let mut judged = HashSet::new();
    for ((document, found), verdict) in documents.iter().zip(found).zip(verdicts) {
        if verdict.is_ok() && !judged.insert(&document.id) {
            *verdict = Err(HelpingError::Crowded.to_string());
        }
        let helper = Helper { tag: grant.tag.as_deref(), adds: grant.adds };
        let rules = &database.kind.helping;
        if verdict.is_ok()
            && let Err(error) = helping::check(rules, helper, document, found.as_deref())
        {
            *verdict = Err(error.to_string());
        }
    }
    Ok(())
}

/// What comes of refused documents that bring nothing new. Their sender may have had more rights when they first
/// came, and would otherwise take out what everybody else has.
async fn there_already(
    database: &Handle,
    documents: &[ReplicatedDocument],
    verdicts: &Verdicts,
) -> Result<Vec<Option<Applied>>, BackendError> {
    if verdicts.iter().all(Result::is_ok) {
        return Ok(vec![None; documents.len()]);
    }
    let ids = documents.iter().map(|document| document.id.clone()).collect();
    let found = database.store().read(ids).await?;
    let unchanged =
        documents.iter().zip(&found).zip(verdicts).map(|((document, found), verdict)| {
            found.as_ref().filter(|_| verdict.is_err())?.unchanged_by(document)
        });
    Ok(unchanged.collect())
}

/// Commits operations. The store goes on with what it has begun when nobody waits for it any more, so
/// they count as work until it is done.
async fn commit_to_store(
    database: &Handle,
    operations: Vec<Operation>,
    turn: Turn,
    share: Share,
) -> Result<Commit, Failure> {
    let database = database.clone();
    let committing = tokio::spawn(async move {
        let committed = database.store().commit(operations).await;
        // The turn is over when the store is done, however long that takes.
        drop(turn);
        committed
    });
    let committed = tokio::spawn(async move {
        let committed = guarded(STORE_LIMIT, committing).await;
        drop(share);
        committed
    });
    // A task that isn't joined has panicked.
    let committed = committed.await.map_err(|_| Failure::Panicked)??;
    Ok(committed.map_err(|_| Failure::Panicked)??)
}

/// Refuses what needs room in a database that is full. What is there can be deleted all the same, and
/// access can be taken back.
async fn refuse_growth(
    database: &Handle,
    documents: &[ReplicatedDocument],
    full: NoRoom,
    verdicts: &mut Verdicts,
) -> Result<(), BackendError> {
    tracing::info!(database = database.short_name(), %full, "there is no room");
    let ids = documents.iter().map(|document| document.id.clone()).collect();
    let found = database.store().read(ids).await?;
    for ((document, found), verdict) in documents.iter().zip(found).zip(verdicts) {
        // Whoever fills a database would otherwise keep their access to it.
        let takes_away = is_removal(document) || says_who_may(&document.id);
        let is_needed = found.is_some() && takes_away || document.id.as_str() == LINKS_ID;
        let may_pass = is_needed && full != NoRoom::Storage;
        if verdict.is_ok() && !may_pass {
            *verdict = Err(full.to_string());
        }
    }
    Ok(())
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
