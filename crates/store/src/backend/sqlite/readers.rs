//! A few threads that read, concurrently with each other and with the writer.

use std::path::Path;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    connection::open_reader,
    turns::{Lane, Turns},
    workers::{Workers, caught},
};
use crate::backend::BackendError;

const READERS: usize = 3;

type Job = Box<dyn FnOnce(&Connection) + Send>;

pub struct Readers {
    workers: Workers<Job>,
}

impl Readers {
    pub fn start(path: &Path) -> Result<Self, BackendError> {
        let connections: Result<_, _> = (0..READERS).map(|_| open_reader(path)).collect();
        Ok(Self { workers: Workers::start("settee-reader", connections?, run_jobs)? })
    }

    /// Runs `work` on one state of the file: it doesn't see later commits.
    pub async fn run<T: Send + 'static>(
        &self,
        lane: &Lane,
        work: impl FnOnce(&Connection) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let read = || {
                let transaction = connection.unchecked_transaction()?;
                work(&transaction)
            };
            // It fails if the caller has stopped waiting.
            let _ = reply.send(caught(read));
        });
        self.workers.ask(lane, job, answer).await
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
