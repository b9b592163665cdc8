//! Clerks: code of the server that answers documents with documents.
//!
//! Devices ask offline, and everybody gets one answer. A person writes a request as a document of its own; a
//! clerk reads it and writes what it decides into a document that nobody else may write. What it has decided
//! and how far it has read are saved in one commit. So each change is looked at at least once, and what follows
//! from it happens exactly once, however often the server is killed meanwhile.

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use settee_store::{
    Backend, BackendError, Body, Document, DocumentId, Operation, Record, Storage,
    backend::BoxFuture,
    replication::{ReplicatedDocument, ReplicatedRevision, ReplicationError},
    revision::{Revision, RevisionError},
};
use settee_sync::access::is_clerks;
use thiserror::Error;
use tokio::{sync::watch, time::sleep};

use crate::{
    databases::short,
    guard::{Failure, guarded},
    shared::Shared,
};

/// After how many changes that needed no answer it is saved how far a clerk has read.
const SAVED_EVERY: u64 = 256;
/// How many changes a clerk is shown at once. The others wait in the changes feed.
const PAGE: usize = 256;
/// How long a clerk may take for them.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// How long it rests after a failure: the first time, and at most.
const REST: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// Decides on the documents of a kind of database, one database at a time.
///
/// A clerk that panics, fails or takes longer than 10 seconds is asked again after a while, about the same
/// documents. Nobody else waits for it.
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
    /// store doesn't take is logged and left out.
    fn answer<'a>(
        &'a self,
        desk: Desk<'a>,
        changed: Vec<Document>,
    ) -> BoxFuture<'a, Result<Vec<Answer>, BackendError>>;
}

/// What a clerk can look up in its database.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    database: &'a dyn Backend,
}

/// A document that a clerk writes: one whose id begins with
/// [`CLERK_PREFIX`](settee_sync::access::CLERK_PREFIX).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Which one.
    pub id: DocumentId,
    /// What it says from now on; `None` deletes it.
    pub body: Option<Body>,
}

/// Why a clerk has not written anything.
#[derive(Debug, Error)]
enum ClerkError {
    #[error("{0}")]
    Failed(#[from] Failure),
    #[error("{0}")]
    Store(#[from] BackendError),
    #[error("what it keeps can't be read")]
    Kept,
    #[error("it may not write “{0}”")]
    Id(DocumentId),
    #[error("{0}")]
    Revision(#[from] RevisionError),
    #[error("{0}")]
    Replication(#[from] ReplicationError),
}

impl<'a> Desk<'a> {
    pub(crate) fn of(database: &'a dyn Backend) -> Self {
        Self { database }
    }

    /// The documents under these ids, in their order; `None` where there is none.
    pub async fn read(self, ids: Vec<DocumentId>) -> Result<Vec<Option<Document>>, BackendError> {
        let records = self.database.read(ids).await?;
        Ok(records.iter().map(|record| record.as_deref().and_then(Record::document)).collect())
    }
}

impl fmt::Debug for Desk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Desk")
    }
}

/// How far a clerk has read a database.
#[derive(Debug, Clone, Copy)]
struct Position {
    incarnation: [u8; 16],
    read: u64,
    saved: u64,
}

/// Has a clerk look at all that it hasn't seen.
async fn work(
    clerk: &dyn Clerk,
    database: &dyn Backend,
    shared: &Arc<Shared>,
    known: &mut Option<Position>,
) -> Result<(), ClerkError> {
    let key = format!("clerk/{}", clerk.name());
    let incarnation = database.incarnation();
    // The database of that name may be another one by now.
    let position = if let Some(position) = known.take().filter(|it| it.incarnation == incarnation) {
        position
    } else {
        let saved = match database.local(key.clone()).await? {
            Some(kept) => u64::from_be_bytes(kept.try_into().map_err(|_| ClerkError::Kept)?),
            None => 0,
        };
        Position { incarnation, read: saved, saved }
    };
    let position = known.insert(position);
    loop {
        let records = database.changes(position.read, PAGE).await?;
        let Some(until) = records.last().map(|record| record.seq) else { return Ok(()) };
        let is_followed =
            |record: &&Arc<Record>| !is_clerks(&record.id) && clerk.follows(&record.id);
        let followed = records.iter().filter(is_followed);
        let changed: Vec<Document> = followed.filter_map(|record| record.document()).collect();
        let mut operations = Vec::new();
        if !changed.is_empty() {
            let answering = clerk.answer(Desk { database }, changed);
            for answer in guarded(ANSWER_LIMIT, answering).await?? {
                operations.extend(written(database, answer).await?);
            }
        }
        // To look at something again does no harm as long as nothing has followed from it.
        if operations.is_empty() && until - position.saved < SAVED_EVERY {
            position.read = until;
            continue;
        }
        let count = operations.len();
        shared.usage.add(count, operations.iter().map(Operation::weight).sum());
        let value = Some(until.to_be_bytes().into());
        operations.push(Operation::Local { key: key.clone(), value });
        let turn = shared.clone().turn(false).await;
        let commit = database.commit(operations).await?;
        drop(turn);
        *position = Position { incarnation, read: until, saved: until };
        for outcome in commit.outcomes {
            if let Err(error) = outcome {
                tracing::error!(clerk = clerk.name(), %error, "an answer was not taken");
            }
        }
    }
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

/// Works on a database as long as somebody uses it.
pub async fn run(
    clerk: Arc<dyn Clerk>,
    name: Arc<str>,
    storage: Weak<dyn Storage>,
    shared: Weak<Shared>,
) {
    let (mut rest, mut position) = (REST.0, None);
    loop {
        // Nothing of it is held while there is nothing to do, so that the database can be closed.
        let Some((place, state)) = storage.upgrade().zip(shared.upgrade()) else { return };
        let worked = round(&*clerk, &name, &*place, &state, &mut position).await;
        drop((place, state));
        match worked {
            Ok(Some(mut news)) => {
                rest = REST.0;
                if news.changed().await.is_ok() {
                    continue;
                }
                // It was closed. Whoever comes may find it there again.
            }
            Ok(None) => {}
            Err(error) => {
                let database = short(&name);
                tracing::error!(database, clerk = clerk.name(), %error, "a clerk failed");
            }
        }
        sleep(rest).await;
        rest = (rest * 2).min(REST.1);
    }
}

/// Has the clerk look at a database. Returns word of its next change; `None` if there is no such database.
async fn round(
    clerk: &dyn Clerk,
    name: &str,
    storage: &dyn Storage,
    shared: &Arc<Shared>,
    position: &mut Option<Position>,
) -> Result<Option<watch::Receiver<u64>>, ClerkError> {
    let Some(database) = storage.find(name.to_owned()).await? else { return Ok(None) };
    let mut news = database.watch();
    news.borrow_and_update();
    work(clerk, &*database, shared, position).await?;
    Ok(Some(news))
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;
    use serde_json::{Value, json};
    use settee_store::{Commit, Counts, Database, Memory, Unreadable};

    const PLACES: usize = 3;

    /// Gives out places, in the order in which they are asked for.
    struct Giver;

    impl Clerk for Giver {
        fn name(&self) -> &'static str {
            "giver"
        }

        fn answer<'a>(
            &'a self,
            desk: Desk<'a>,
            changed: Vec<Document>,
        ) -> BoxFuture<'a, Result<Vec<Answer>, BackendError>> {
            Box::pin(async move {
                let id = DocumentId::new("clerk/given").unwrap();
                let known = desk.read(vec![id.clone()]).await?.remove(0);
                let mut given = known.map(|known| known.body.fields()).unwrap_or_default();
                // A number that would be wrong if anything were done twice.
                let looks = given.get("looks").and_then(Value::as_u64).unwrap_or_default();
                for asked in changed.iter().filter(|it| it.id.as_str().starts_with("ask/")) {
                    let granted = given.values().filter(|it| **it == json!(true)).count();
                    let name = asked.id.to_string();
                    given.entry(name).or_insert_with(|| json!(granted < PLACES));
                }
                given.insert("looks".into(), json!(looks + changed.len() as u64));
                Ok(vec![Answer { id, body: Some(Body::from_serialize(&given).unwrap()) }])
            })
        }
    }

    /// A database whose process is killed at one of its commits, before or after it is done.
    struct Dying {
        database: Memory,
        commits: AtomicUsize,
        dies_at: usize,
        is_done: bool,
    }

    impl Backend for Dying {
        fn commit(
            &self,
            operations: Vec<Operation>,
        ) -> BoxFuture<'_, Result<Commit, BackendError>> {
            Box::pin(async move {
                let dies = self.commits.fetch_add(1, Ordering::Relaxed) == self.dies_at;
                if dies && !self.is_done {
                    return Err(BackendError::Closed);
                }
                let done = self.database.commit(operations).await;
                if dies { Err(BackendError::Closed) } else { done }
            })
        }

        fn read(
            &self,
            ids: Vec<DocumentId>,
        ) -> BoxFuture<'_, Result<Vec<Option<Arc<Record>>>, BackendError>> {
            self.database.read(ids)
        }

        fn changes(
            &self,
            since: u64,
            limit: usize,
        ) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
            self.database.changes(since, limit.min(4))
        }

        fn pending(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
            self.database.pending(limit)
        }

        fn counts(&self) -> BoxFuture<'_, Result<Counts, BackendError>> {
            self.database.counts()
        }

        fn local(&self, key: String) -> BoxFuture<'_, Result<Option<Vec<u8>>, BackendError>> {
            self.database.local(key)
        }

        fn unreadable(&self) -> BoxFuture<'_, Result<Vec<Unreadable>, BackendError>> {
            self.database.unreadable()
        }

        fn watch(&self) -> watch::Receiver<u64> {
            self.database.watch()
        }

        fn incarnation(&self) -> [u8; 16] {
            self.database.incarnation()
        }
    }

    async fn ask(database: &Database, number: usize) {
        database.put(&format!("ask/{number}"), &json!({"who": number})).await.unwrap();
    }

    #[tokio::test]
    async fn killed_at_any_commit_it_has_answered_each_once_in_the_end() {
        for dies_at in 0..9 {
            for is_done in [false, true] {
                let memory = Memory::new([1; 16]);
                let asking = Database::new(memory.clone());
                let mut database =
                    Dying { database: memory, commits: AtomicUsize::new(0), dies_at, is_done };
                let shared = Arc::<Shared>::default();
                let mut deaths = 0;
                for round in 0..4 {
                    for number in 0..5 {
                        ask(&asking, 5 * round + number).await;
                    }
                    while let Err(error) = work(&Giver, &database, &shared, &mut None).await {
                        assert!(
                            matches!(error, ClerkError::Store(BackendError::Closed)),
                            "{error}"
                        );
                        deaths += 1;
                        database.dies_at = usize::MAX;
                    }
                }
                let given = asking.find::<Value>("clerk/given").await.unwrap().unwrap();
                assert_eq!(given["looks"], 20, "{dies_at} {is_done}: {given}");
                let granted = (0..20).filter(|number| given[&format!("ask/{number}")] == true);
                assert_eq!(granted.collect::<Vec<_>>(), [0, 1, 2]);
                assert_eq!(deaths, usize::from(dies_at < 8), "{dies_at}");
                let record = asking.records(vec![DocumentId::new("clerk/given").unwrap()]).await;
                assert_eq!(record.unwrap()[0].as_ref().unwrap().tree.leaves().len(), 1);
            }
        }
    }

    /// Does whatever it is told to, once.
    struct Odd(Mutex<Option<Vec<Answer>>>);

    impl Clerk for Odd {
        fn name(&self) -> &'static str {
            "odd"
        }

        fn answer<'a>(
            &'a self,
            _: Desk<'a>,
            _: Vec<Document>,
        ) -> BoxFuture<'a, Result<Vec<Answer>, BackendError>> {
            let answers = self.0.lock().unwrap().take();
            Box::pin(async { Ok(answers.expect("it panics the second time")) })
        }
    }

    #[tokio::test]
    async fn a_clerk_writes_its_own_documents_alone_and_may_panic() {
        let memory = Memory::new([1; 16]);
        let shared = Arc::<Shared>::default();
        ask(&Database::new(memory.clone()), 1).await;
        let id = DocumentId::new("ask/1").unwrap();
        let clerk = Odd(Mutex::new(Some(vec![Answer { id, body: None }])));
        assert!(matches!(work(&clerk, &memory, &shared, &mut None).await, Err(ClerkError::Id(_))));
        let failure = work(&clerk, &memory, &shared, &mut None).await;
        assert!(matches!(failure, Err(ClerkError::Failed(Failure::Panicked))));
        // What says nothing new is not written.
        let id = DocumentId::new("clerk/none").unwrap();
        *clerk.0.lock().unwrap() = Some(vec![Answer { id, body: None }]);
        let before = *memory.watch().borrow();
        work(&clerk, &memory, &shared, &mut None).await.unwrap();
        assert_eq!(*memory.watch().borrow(), before);
    }
}
