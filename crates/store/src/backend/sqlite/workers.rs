//! Threads that each own a connection and run the jobs of a queue. They need no runtime.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use super::turns::{Lane, Turns};
use crate::backend::BackendError;

pub struct Workers<J> {
    queue: Arc<Turns<J>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Closes once the last thread has ended.
    ended: watch::Receiver<()>,
}

/// Dropped with the last thread. Jobs that are in the queue then would wait for ever.
struct Ending<J> {
    queue: Arc<Turns<J>>,
    _ended: watch::Sender<()>,
}

impl<J> Drop for Ending<J> {
    fn drop(&mut self) {
        self.queue.abandon();
    }
}

impl<J: Send + 'static> Workers<J> {
    /// Starts a thread for each connection, which does its work until the queue is closed.
    pub fn start(
        name: &str,
        connections: Vec<(Connection, impl FnOnce(&mut Connection, &Turns<J>) + Send + 'static)>,
    ) -> Result<Self, BackendError> {
        let queue = Arc::new(Turns::default());
        let (ending, ended) = watch::channel(());
        let ending = Arc::new(Ending { queue: queue.clone(), _ended: ending });
        let threads = connections.into_iter().map(|(mut connection, work)| {
            let ending = ending.clone();
            thread::Builder::new().name(name.to_owned()).spawn(move || {
                work(&mut connection, &ending.queue);
                drop((connection, ending));
            })
        });
        let threads: Result<Vec<_>, _> = threads.collect();
        let threads = threads.map_err(|error| BackendError::Failed(error.to_string()))?;
        Ok(Self { queue, threads: Mutex::new(threads), ended })
    }

    /// Queues a job of this cost in the turn of its lane, and waits for its answer on the channel that it
    /// replies to.
    pub async fn ask<T>(
        &self,
        lane: &Lane,
        cost: u64,
        job: J,
        answer: oneshot::Receiver<Result<T, BackendError>>,
    ) -> Result<T, BackendError> {
        if !self.queue.push(lane, cost, job).await {
            return Err(BackendError::Closed);
        }
        answer.await.map_err(|_| BackendError::Closed)?
    }

    /// Accepts no more jobs, and waits until those in the queue are done.
    pub async fn close(&self) {
        self.queue.close();
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }
}

impl<J> Drop for Workers<J> {
    fn drop(&mut self) {
        self.queue.close();
        for thread in lock(&self.threads).drain(..) {
            // A panic was reported by the thread's panic hook.
            let _ = thread.join();
        }
    }
}

/// Runs a part of a job. A panic in it becomes an error, so that the thread goes on with the next
/// job. The panic hook has reported it by then.
pub fn caught<T>(part: impl FnOnce() -> Result<T, BackendError>) -> Result<T, BackendError> {
    let panicked = |_| Err(BackendError::Failed("the store has panicked".to_owned()));
    // What a part changes is undone with its transaction.
    catch_unwind(AssertUnwindSafe(part)).unwrap_or_else(panicked)
}

/// Locks a mutex. Poisoning is ignored, because a panic leaves none of these values half changed.
pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
