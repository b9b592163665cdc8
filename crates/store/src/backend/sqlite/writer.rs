//! The one thread that writes. It commits all jobs that are waiting in one transaction.

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::workers::{Queue, Workers, lock, next};
use crate::backend::BackendError;

/// Most jobs of one transaction, and the number of operations after which no job is added to it.
/// They limit how long the first job waits for the last one.
const GROUP_JOBS: usize = 1024;
const GROUP_OPERATIONS: usize = 10_000;

/// Called when the transaction is durable, or has failed.
type Finish = Box<dyn FnOnce(Result<(), BackendError>) + Send>;
/// Does the job's part of the transaction. If it fails, or gets an error instead of a transaction,
/// it reports that to the caller itself and returns no [`Finish`].
type Work =
    Box<dyn FnOnce(Result<&Connection, BackendError>) -> Result<Finish, BackendError> + Send>;

struct Job {
    operations: usize,
    work: Work,
}

pub struct Writer {
    workers: Workers<Job>,
}

impl Writer {
    pub fn start(connection: Connection) -> Result<Self, BackendError> {
        Ok(Self { workers: Workers::start("settee-writer", vec![connection], run_jobs)? })
    }

    /// Runs `work` in a transaction. Once that is durable, `publish` runs, in the order of the
    /// commits: it notifies others in this process, and returns the result.
    ///
    /// Dropping the future doesn't cancel the work.
    pub async fn run<W: Send + 'static, T: Send + 'static>(
        &self,
        operations: usize,
        work: impl FnOnce(&Connection) -> Result<W, BackendError> + Send + 'static,
        publish: impl FnOnce(W) -> T + Send + 'static,
    ) -> Result<T, BackendError> {
        let (reply, answer) = oneshot::channel();
        let work: Work = Box::new(move |transaction| match transaction.and_then(work) {
            Ok(written) => Ok(Box::new(move |committed: Result<(), BackendError>| {
                // It fails if the caller has stopped waiting.
                let _ = reply.send(committed.map(|()| publish(written)));
            })),
            Err(error) => {
                let _ = reply.send(Err(error.clone()));
                Err(error)
            }
        });
        self.workers.ask(Job { operations, work }, answer).await
    }

    pub async fn close(&self) {
        self.workers.close().await;
    }
}

fn run_jobs(connection: &mut Connection, queue: &Queue<Job>) {
    while let Some(first) = next(queue) {
        let mut operations = first.operations;
        let mut group = vec![first.work];
        while group.len() < GROUP_JOBS && operations < GROUP_OPERATIONS {
            let Ok(job) = lock(queue).try_recv() else { break };
            operations += job.operations;
            group.push(job.work);
        }
        write_group(connection, group);
    }
    // If this fails, later queries may be slower.
    let _ = connection.execute_batch("PRAGMA optimize");
}

fn write_group(connection: &mut Connection, group: Vec<Work>) {
    let mut group = group.into_iter();
    let mut finishes = Vec::with_capacity(group.len());
    let is_shared = group.len() > 1;
    let written = write_all(connection, &mut group, is_shared, &mut finishes);
    if let Err(error) = &written {
        for work in group {
            let _ = work(Err(error.clone()));
        }
    }
    for finish in finishes {
        finish(written.clone());
    }
}

/// Writes the group in one transaction. A job that fails doesn't undo the others.
fn write_all(
    connection: &mut Connection,
    group: &mut impl Iterator<Item = Work>,
    is_shared: bool,
    finishes: &mut Vec<Finish>,
) -> Result<(), BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for work in group {
        // A single job is undone with its transaction.
        if is_shared {
            transaction.prepare_cached("SAVEPOINT job")?.execute([])?;
        }
        match work(Ok(&transaction)) {
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
    use std::sync::mpsc;

    use futures_util::future::{join_all, join3};

    use super::*;

    fn insert(bytes: i32, fails: bool) -> impl FnOnce(&Connection) -> Result<(), BackendError> {
        move |connection: &Connection| {
            connection.execute("INSERT INTO blobs VALUES (zeroblob(?1))", [bytes])?;
            if fails { Err(BackendError::Blocked) } else { Ok(()) }
        }
    }

    /// The outcomes of jobs that are one group, and the number of rows afterwards.
    async fn group(setting: &str, jobs: &[(i32, bool)]) -> (Vec<Result<(), BackendError>>, i64) {
        let folder = tempfile::TempDir::new().unwrap();
        let connection = Connection::open(folder.path().join("blobs.db")).unwrap();
        connection.execute_batch("CREATE TABLE blobs (bytes BLOB)").unwrap();
        connection.execute_batch(setting).unwrap();
        let writer = Writer::start(connection).unwrap();

        // The thread is kept busy until the whole group is in the queue.
        let (release, released) = mpsc::channel::<()>();
        let busy =
            writer.run(1, move |_| released.recv().map_err(|_| BackendError::Closed), |()| ());
        let jobs = jobs.iter().map(|(bytes, fails)| writer.run(1, insert(*bytes, *fails), |()| ()));
        let release = async { release.send(()).unwrap() };
        let (_, outcomes, ()) = join3(busy, join_all(jobs), release).await;

        let count = |connection: &Connection| {
            Ok(connection.query_row("SELECT count(*) FROM blobs", [], |row| row.get(0))?)
        };
        (outcomes, writer.run(1, count, |count| count).await.unwrap())
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
}
