//! A few threads that read, concurrently with each other and with the writer.

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    log::Log,
    turns::{Lane, Turns},
    workers::{Workers, caught},
};
use crate::backend::BackendError;

const READERS: usize = 3;

type Job = Box<dyn FnOnce(&Connection) + Send>;

pub struct Readers {
    workers: Workers<Job>,
    log: Log,
}

impl Readers {
    /// Starts threads with a connection each.
    pub fn start(
        log: &Log,
        open: impl Fn() -> Result<Connection, BackendError>,
    ) -> Result<Self, BackendError> {
        let connections = (0..READERS).map(|_| Ok((open()?, run_jobs)));
        let connections: Result<_, BackendError> = connections.collect();
        Ok(Self { workers: Workers::start("settee-reader", connections?)?, log: log.clone() })
    }

    /// Runs `work` on one state of the file: it doesn't see later commits.
    pub async fn run<T: Send + 'static>(
        &self,
        lane: &Lane,
        work: impl FnOnce(&Connection) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let (reply, answer) = oneshot::channel();
        let log = self.log.clone();
        let job: Job = Box::new(move |connection| {
            let read = || {
                let _held = log.hold();
                let transaction = connection.unchecked_transaction()?;
                work(&transaction)
            };
            // It fails if the caller has stopped waiting.
            let _ = reply.send(caught(read));
        });
        self.workers.ask(lane, 1, job, answer).await
    }

    pub async fn close(&self) {
        self.workers.close().await;
    }
}

fn run_jobs(connection: &mut Connection, queue: &Turns<Job>) {
    while let Some(queued) = queue.next() {
        (queued.job)(connection);
    }
}
