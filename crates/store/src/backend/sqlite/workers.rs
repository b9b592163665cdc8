//! Threads that each own a connection and run the jobs of a bounded queue. They need no runtime.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use crate::backend::BackendError;

/// Most jobs in a queue; with more, the caller waits for room.
const QUEUE_LIMIT: usize = 1024;

/// The receiving end of a queue. The threads take turns waiting for the next job.
pub type Queue<J> = Arc<Mutex<mpsc::Receiver<J>>>;

pub struct Workers<J> {
    /// `None` once closed. Jobs that are in the queue then are still run.
    queue: Mutex<Option<mpsc::Sender<J>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Closes once the last thread has ended.
    ended: watch::Receiver<()>,
}

impl<J: Send + 'static> Workers<J> {
    /// Starts a thread for each connection, which runs `work` until the queue is closed.
    pub fn start(
        name: &str,
        connections: Vec<Connection>,
        work: fn(&mut Connection, &Queue<J>),
    ) -> Result<Self, BackendError> {
        let (sender, receiver) = mpsc::channel(QUEUE_LIMIT);
        let receiver = Arc::new(Mutex::new(receiver));
        let (ending, ended) = watch::channel(());
        let ending = Arc::new(ending);
        let threads = connections.into_iter().map(|mut connection| {
            let (receiver, ending) = (receiver.clone(), ending.clone());
            thread::Builder::new().name(name.to_owned()).spawn(move || {
                work(&mut connection, &receiver);
                drop((connection, ending));
            })
        });
        let threads: Result<Vec<_>, _> = threads.collect();
        let threads = threads.map_err(|error| BackendError::Failed(error.to_string()))?;
        Ok(Self { queue: Mutex::new(Some(sender)), threads: Mutex::new(threads), ended })
    }

    /// Queues a job, and waits for its answer on the channel that it replies to.
    pub async fn ask<T>(
        &self,
        job: J,
        answer: oneshot::Receiver<Result<T, BackendError>>,
    ) -> Result<T, BackendError> {
        let queue = lock(&self.queue).clone().ok_or(BackendError::Closed)?;
        queue.send(job).await.map_err(|_| BackendError::Closed)?;
        drop(queue);
        answer.await.map_err(|_| BackendError::Closed)?
    }

    /// Accepts no more jobs, and waits until those in the queue are done.
    pub async fn close(&self) {
        drop(lock(&self.queue).take());
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }
}

impl<J> Drop for Workers<J> {
    fn drop(&mut self) {
        drop(lock(&self.queue).take());
        for thread in lock(&self.threads).drain(..) {
            // A panic was reported by the thread's panic hook.
            let _ = thread.join();
        }
    }
}

/// Waits for the next job; `None` once the queue is closed and empty.
pub fn next<J>(queue: &Queue<J>) -> Option<J> {
    lock(queue).blocking_recv()
}

/// Locks a mutex. Poisoning is ignored, because a panic leaves none of these values half changed.
pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
