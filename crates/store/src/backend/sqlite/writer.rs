//! The one thread that writes. It commits jobs that are waiting in one transaction. Databases take
//! turns in it.

use std::time::Instant;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::{
    log::{Emptying, Log},
    turns::{Lane, Queued, Turns},
    workers::{Workers, caught},
};
use crate::backend::BackendError;

/// Most jobs of one transaction, and what they cost at most together; a job that costs more is alone.
/// These limit how long the first job waits for the last one, and one that comes meanwhile for its
/// turn.
const GROUP_JOBS: usize = 1024;
const GROUP_COST: u64 = 100_000;
/// The cost of a row that is short, with its indexes.
pub const ROW_COST: u64 = 300;

/// Called when the transaction is durable, or has failed.
type Finish = Box<dyn FnOnce(Result<(), BackendError>) + Send>;
/// Does the job's part of the transaction. If it fails, or gets an error instead of a transaction,
/// it reports that to the caller itself and returns no [`Finish`].
type Work =
    Box<dyn FnOnce(Result<&Connection, BackendError>) -> Result<Finish, BackendError> + Send>;

pub struct Writer {
    workers: Workers<Work>,
}

impl Writer {
    pub fn start(connection: Connection, log: Log) -> Result<Self, BackendError> {
        let mut emptying = Emptying::new(log, &connection);
        let work = move |connection: &mut Connection, queue: &Turns<Work>| {
            run_jobs(connection, queue, &mut emptying);
        };
        let workers = Workers::start("settee-writer", vec![(connection, work)])?;
        Ok(Self { workers })
    }

    /// Runs `work` in a transaction; `cost` is about the bytes that it writes. Once that is durable, `publish` runs, in the order of the
    /// commits: it notifies others in this process, and returns the result.
    ///
    /// Dropping the future doesn't cancel the work. If the work panics, it is undone, and the caller
    /// gets [`BackendError::Failed`].
    pub async fn run<W: Send + 'static, T: Send + 'static>(
        &self,
        lane: &Lane,
        cost: u64,
        work: impl FnOnce(&Connection) -> Result<W, BackendError> + Send + 'static,
        publish: impl FnOnce(W) -> T + Send + 'static,
    ) -> Result<T, BackendError> {
        let (reply, answer) = oneshot::channel();
        let work: Work = Box::new(move |transaction| {
            match transaction.and_then(|transaction| caught(|| work(transaction))) {
                Ok(written) => Ok(Box::new(move |committed: Result<(), BackendError>| {
                    let published = committed.and_then(|()| caught(|| Ok(publish(written))));
                    // It fails if the caller has stopped waiting.
                    let _ = reply.send(published);
                })),
                Err(error) => {
                    let _ = reply.send(Err(error.clone()));
                    Err(error)
                }
            }
        });
        self.workers.ask(lane, cost, work, answer).await
    }

    pub async fn close(&self) {
        self.workers.close().await;
    }
}

fn run_jobs(connection: &mut Connection, queue: &Turns<Work>, emptying: &mut Emptying) {
    while let Some(first) = queue.next() {
        let mut cost = first.cost;
        let mut group = vec![first];
        while group.len() < GROUP_JOBS {
            let fits = |next| cost.saturating_add(next) <= GROUP_COST;
            let Some(next) = queue.next_if(fits) else { break };
            cost += next.cost;
            group.push(next);
        }
        write_group(connection, group);
        emptying.work(connection, queue.is_idle(), Instant::now());
    }
    // If this fails, later queries may be slower.
    let _ = connection.execute_batch("PRAGMA optimize");
}

fn write_group(connection: &mut Connection, group: Vec<Queued<Work>>) {
    let mut group = group.into_iter();
    let mut finishes = Vec::with_capacity(group.len());
    let is_shared = group.len() > 1;
    let written = write_all(connection, &mut group, is_shared, &mut finishes);
    if let Err(error) = &written {
        for queued in group {
            let _ = (queued.job)(Err(error.clone()));
        }
    }
    for finish in finishes {
        finish(written.clone());
    }
}

/// Writes the group in one transaction. A job that fails doesn't undo the others.
fn write_all(
    connection: &mut Connection,
    group: &mut impl Iterator<Item = Queued<Work>>,
    is_shared: bool,
    finishes: &mut Vec<Finish>,
) -> Result<(), BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for queued in group {
        // A single job is undone with its transaction.
        if is_shared {
            transaction.prepare_cached("SAVEPOINT job")?.execute([])?;
        }
        match (queued.job)(Ok(&transaction)) {
            Ok(finish) => finishes.push(finish),
            // Some errors, such as a full disk, undo the whole transaction.
            Err(error) if !is_shared || transaction.is_autocommit() => return Err(error),
            Err(_) => drop(transaction.prepare_cached("ROLLBACK TO job")?.execute([])?),
        }
        if is_shared {
            transaction.prepare_cached("RELEASE job")?.execute([])?;
        }
    }
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, mpsc};

    use futures_util::future::{join, join_all};
    use tokio::sync::oneshot;

    use super::*;

    fn insert(bytes: i32, fails: bool) -> impl FnOnce(&Connection) -> Result<(), BackendError> {
        move |connection: &Connection| {
            connection.execute("INSERT INTO blobs VALUES (zeroblob(?1))", [bytes])?;
            if fails { Err(BackendError::Blocked) } else { Ok(()) }
        }
    }

    fn writer(setting: &str) -> (tempfile::TempDir, Writer) {
        let folder = tempfile::TempDir::new().unwrap();
        let connection = Connection::open(folder.path().join("blobs.db")).unwrap();
        connection.execute_batch("CREATE TABLE blobs (bytes BLOB)").unwrap();
        connection.execute_batch(setting).unwrap();
        (folder, Writer::start(connection, Log::default()).unwrap())
    }

    /// Queues all jobs while the thread is kept busy by a transaction that takes no other job, and
    /// returns their outcomes.
    async fn queued<T>(
        writer: &Writer,
        jobs: impl IntoIterator<Item: Future<Output = T>>,
    ) -> Vec<T> {
        let (release, released) = mpsc::channel::<()>();
        let (begin, is_busy) = oneshot::channel();
        let lane = Lane::default();
        let wait = move |_: &Connection| {
            begin.send(()).unwrap();
            released.recv().map_err(|_| BackendError::Closed)
        };
        let busy = writer.run(&lane, GROUP_COST, wait, |()| ());
        let rest = async {
            // Cheaper jobs would come first otherwise.
            is_busy.await.unwrap();
            join(join_all(jobs), async { release.send(()).unwrap() }).await.0
        };
        join(busy, rest).await.1
    }

    async fn rows(writer: &Writer) -> i64 {
        let count = |connection: &Connection| {
            Ok(connection.query_row("SELECT count(*) FROM blobs", [], |row| row.get(0))?)
        };
        writer.run(&Lane::default(), 1, count, |count| count).await.unwrap()
    }

    /// The outcomes of jobs that are one group, and the number of rows afterwards.
    async fn group(setting: &str, jobs: &[(i32, bool)]) -> (Vec<Result<(), BackendError>>, i64) {
        let ((_folder, writer), lane) = (writer(setting), Lane::default());
        let jobs =
            jobs.iter().map(|(bytes, fails)| writer.run(&lane, 1, insert(*bytes, *fails), |()| ()));
        let outcomes = queued(&writer, jobs).await;
        (outcomes, rows(&writer).await)
    }

    #[tokio::test]
    async fn a_job_that_fails_is_undone_alone() {
        let (outcomes, rows) = group("", &[(1, false), (1, true), (1, false)]).await;
        assert_eq!(outcomes, [Ok(()), Err(BackendError::Blocked), Ok(())]);
        assert_eq!(rows, 2);
        let (outcomes, rows) = group("", &[(1, true)]).await;
        assert_eq!((outcomes, rows), (vec![Err(BackendError::Blocked)], 0));
    }

    /// SQLite undoes the whole transaction then, so every job has to be reported as failed.
    #[tokio::test]
    async fn a_full_disk_fails_every_job_of_the_group() {
        let jobs = [(1, false), (1_000_000, false), (1, false)];
        let (outcomes, rows) = group("PRAGMA max_page_count = 20", &jobs).await;
        assert_eq!(outcomes, vec![Err(BackendError::Full); 3]);
        assert_eq!(rows, 0);
    }

    /// Each job fills a transaction, so this is also the order of the transactions.
    #[tokio::test]
    async fn databases_take_turns() {
        let (_folder, writer) = writer("");
        let (one, other) = (Lane::default(), Lane::default());
        let order = Arc::new(Mutex::new(Vec::new()));
        let job = |lane, name: &'static str| {
            let order = order.clone();
            let note = move |()| order.lock().unwrap().push(name);
            writer.run(lane, GROUP_COST, insert(1, false), note)
        };
        let jobs = [
            job(&one, "a1"),
            job(&one, "a2"),
            job(&one, "a3"),
            job(&one, "a4"),
            job(&other, "b1"),
            job(&other, "b2"),
        ];
        assert!(queued(&writer, jobs).await.iter().all(Result::is_ok));
        assert_eq!(*order.lock().unwrap(), ["a1", "b1", "a2", "b2", "a3", "a4"]);
    }

    fn panicking(connection: &Connection) -> Result<(), BackendError> {
        insert(1, false)(connection)?;
        panic!("this panic is a part of the test")
    }

    #[tokio::test]
    async fn a_job_that_panics_is_undone_alone_and_the_writer_goes_on() {
        let ((_folder, writer), lane) = (writer(""), Lane::default());
        assert!(matches!(
            writer.run(&lane, 1, panicking, |()| ()).await,
            Err(BackendError::Failed(_))
        ));
        assert_eq!(rows(&writer).await, 0);
        let work = |panics: bool| {
            move |connection: &Connection| {
                if panics { panicking(connection) } else { insert(1, false)(connection) }
            }
        };
        let jobs = [false, true, false].map(|panics| writer.run(&lane, 1, work(panics), |()| ()));
        let outcomes = queued(&writer, jobs).await;
        assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(rows(&writer).await, 2);
        let published = writer.run(&lane, 1, insert(1, false), |()| panic!("so is this one")).await;
        assert_eq!(published, Err::<(), _>(BackendError::Failed("the store has panicked".into())));
        assert_eq!(rows(&writer).await, 3, "it was durable before");
    }
}
