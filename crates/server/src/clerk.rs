//! The clerks of the databases in use: see [`settee_store::clerk`].

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use settee_store::{
    Backend, BackendError, Operation, Storage,
    clerk::{Clerk, ClerkError, Decision, Reading, greeted},
};
use thiserror::Error;
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    databases::short,
    guard::{Failure, guarded},
    shared::Shared,
};

/// How long a clerk may take for the changes that it is shown at once.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// How long it rests after a failure: the first time, and at most.
const REST: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));
/// How often it hears of those who stay.
const AGAIN: Duration = Duration::from_hours(1);

/// Why a clerk has not written anything.
#[derive(Debug, Error)]
enum WorkError {
    #[error("{0}")]
    Failed(#[from] Failure),
    #[error("{0}")]
    Clerk(#[from] ClerkError),
    #[error("{0}")]
    Store(#[from] BackendError),
}

/// Has a clerk look at all that it hasn't seen.
async fn work(
    clerk: &dyn Clerk,
    database: &dyn Backend,
    shared: &Arc<Shared>,
    known: &mut Option<Reading>,
) -> Result<(), WorkError> {
    // After a failure the database says how far it was read, for it may have been written to nevertheless.
    let mut reading = match known.take().filter(|reading| reading.is_of(database)) {
        Some(reading) => reading,
        None => Reading::saved(clerk, database).await?,
    };
    while let Some(Decision { operations, then }) =
        guarded(ANSWER_LIMIT, reading.decide(clerk, database)).await??
    {
        if !operations.is_empty() {
            commit(clerk, database, shared, operations).await?;
        }
        reading = then;
    }
    *known = Some(reading);
    Ok(())
}

async fn commit(
    clerk: &dyn Clerk,
    database: &dyn Backend,
    shared: &Arc<Shared>,
    operations: Vec<Operation>,
) -> Result<(), BackendError> {
    let is_answer = |operation: &&Operation| matches!(operation, Operation::Replicate { .. });
    let answers = operations.iter().filter(is_answer);
    shared.usage.add(answers.clone().count(), answers.map(Operation::weight).sum());
    let turn = shared.clone().turn(false).await;
    let commit = database.commit(operations).await?;
    drop(turn);
    for outcome in commit.outcomes {
        if let Err(error) = outcome {
            tracing::error!(clerk = clerk.name(), %error, "an answer was not taken");
        }
    }
    Ok(())
}

/// Has a clerk hear of those of whom it hasn't heard.
async fn greet(
    clerk: &dyn Clerk,
    database: &dyn Backend,
    shared: &Arc<Shared>,
) -> Result<(), WorkError> {
    let names = shared.guests.unheard();
    if names.is_empty() {
        return Ok(());
    }
    let operations = guarded(ANSWER_LIMIT, greeted(clerk, database, names.clone())).await??;
    if !operations.is_empty() {
        commit(clerk, database, shared, operations).await?;
    }
    shared.guests.heard(&names);
    Ok(())
}

/// Works on a database as long as somebody uses it.
pub async fn run(
    clerk: Arc<dyn Clerk>,
    name: Arc<str>,
    storage: Weak<dyn Storage>,
    shared: Weak<Shared>,
) {
    let (mut rest, mut reading, mut again) = (REST.0, None, Instant::now() + AGAIN);
    loop {
        // Nothing of it is held while there is nothing to do, so that the database can be closed.
        let Some((place, state)) = storage.upgrade().zip(shared.upgrade()) else { return };
        if again <= Instant::now() {
            again = Instant::now() + AGAIN;
            state.guests.again();
        }
        let (mut came, mut users) = (state.guests.came(), state.users.subscribe());
        let worked = round(&*clerk, &name, &*place, &state, &mut reading).await;
        drop((place, state));
        match worked {
            Ok(Some(mut news)) => {
                rest = REST.0;
                let is_closed = tokio::select! {
                    changed = news.changed() => changed.is_err(),
                    // This ends with what all who use it share.
                    _ = came.changed() => false,
                    () = sleep_until(again) => false,
                };
                if is_closed {
                    // Whoever comes may find it there again.
                    let _ = users.changed().await;
                }
                continue;
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

/// Has the clerk look at a database, and hear who uses it. Returns word of its next change; `None` if there is no such
/// database.
async fn round(
    clerk: &dyn Clerk,
    name: &str,
    storage: &dyn Storage,
    shared: &Arc<Shared>,
    reading: &mut Option<Reading>,
) -> Result<Option<watch::Receiver<u64>>, WorkError> {
    let Some(database) = storage.find(name.to_owned()).await? else { return Ok(None) };
    let mut news = database.watch();
    news.borrow_and_update();
    work(clerk, &*database, shared, reading).await?;
    greet(clerk, &*database, shared).await?;
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
    use settee_store::{
        Body, Commit, Counts, Database, Document, DocumentId, Memory, MemoryStorage, Record,
        Unreadable,
        backend::BoxFuture,
        clerk::{Answer, Desk},
    };
    use tokio::sync::mpsc;

    use crate::guests::Guest;

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
                        assert!(matches!(error, WorkError::Store(BackendError::Closed)), "{error}");
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
        let refused = work(&clerk, &memory, &shared, &mut None).await;
        assert!(matches!(refused, Err(WorkError::Clerk(ClerkError::Id(_)))));
        let failure = work(&clerk, &memory, &shared, &mut None).await;
        assert!(matches!(failure, Err(WorkError::Failed(Failure::Panicked))));
        // What says nothing new is not written.
        let id = DocumentId::new("clerk/none").unwrap();
        *clerk.0.lock().unwrap() = Some(vec![Answer { id, body: None }]);
        let before = *memory.watch().borrow();
        work(&clerk, &memory, &shared, &mut None).await.unwrap();
        assert_eq!(*memory.watch().borrow(), before);
    }

    /// Tells whom it hears of.
    struct Host(mpsc::UnboundedSender<Vec<String>>);

    impl Clerk for Host {
        fn name(&self) -> &'static str {
            "host"
        }

        fn answer<'a>(
            &'a self,
            _: Desk<'a>,
            _: Vec<Document>,
        ) -> BoxFuture<'a, Result<Vec<Answer>, BackendError>> {
            Box::pin(async { Ok(Vec::new()) })
        }

        fn greet<'a>(
            &'a self,
            _: Desk<'a>,
            mut grants: Vec<String>,
        ) -> BoxFuture<'a, Result<Vec<Answer>, BackendError>> {
            grants.sort();
            self.0.send(grants).unwrap();
            Box::pin(async { Ok(Vec::new()) })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_clerk_hears_of_who_comes_and_every_hour_of_who_stays() {
        let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new([1; 16]));
        let database = storage.create("tea".into(), [1; 16], Vec::new()).await.unwrap();
        let shared = Arc::<Shared>::default();
        let guest = |name: &str| Guest::new(shared.clone(), name.to_owned()).unwrap();
        let (host, mut heard) = mpsc::unbounded_channel();
        let anna = guest("anna");
        let (place, state) = (Arc::downgrade(&storage), Arc::downgrade(&shared));
        let clerk = tokio::spawn(run(Arc::new(Host(host)), "tea".into(), place, state));
        assert_eq!(heard.recv().await.unwrap(), ["anna"]);
        let bert = guest("bert");
        assert_eq!(heard.recv().await.unwrap(), ["bert"]);
        // It is about who comes, not about how often, and not about what they write.
        drop(guest("anna"));
        let busy = Database::shared(database);
        for number in 0..3 {
            ask(&busy, number).await;
            sleep(AGAIN / 4).await;
        }
        assert!(heard.try_recv().is_err());
        assert_eq!(heard.recv().await.unwrap(), ["anna", "bert"]);
        drop(anna);
        assert_eq!(heard.recv().await.unwrap(), ["bert"]);
        drop((bert, busy, shared));
        clerk.await.unwrap();
    }
}
