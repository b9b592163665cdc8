//! The jobs of all databases. Those of one database run one after the other, in the order of
//! asking; those of different databases run at the same time.

use std::collections::{HashMap, VecDeque};

use futures_util::{StreamExt, stream::FuturesUnordered};
use settee_store::{Database, backend::BoxFuture};
use settee_sync::client::Replica;

use crate::{
    command::Counted,
    job::{Answer, Job},
};

pub(crate) struct Jobs {
    queues: HashMap<Replica, Queue>,
    /// Replicas whose next job may begin.
    ready: Vec<Replica>,
    running: FuturesUnordered<BoxFuture<'static, Done>>,
    /// How many bytes of jobs may wait for one database.
    limit: usize,
}

/// The jobs of one database.
struct Queue {
    database: Database,
    waiting: VecDeque<Job>,
    /// The weight of the waiting jobs.
    weight: usize,
    is_running: bool,
    /// Grows when a channel ends. Answers to jobs of an ended channel are ignored.
    channel: u64,
}

/// A job that is done.
pub(crate) struct Done {
    pub replica: Replica,
    pub answer: Answer,
    channel: u64,
}

/// Too many jobs wait for the database.
#[derive(Debug)]
pub(crate) struct Full;

impl Jobs {
    pub fn new(limit: usize) -> Self {
        let (queues, ready, running) = Default::default();
        Self { queues, ready, running, limit }
    }

    pub fn add(&mut self, replica: Replica, database: Database) {
        let waiting = VecDeque::new();
        let queue = Queue { database, waiting, weight: 0, is_running: false, channel: 0 };
        self.queues.insert(replica, queue);
    }

    /// Drops the jobs that wait. The one that runs may still complete; its answer is ignored.
    pub fn remove(&mut self, replica: Replica) {
        self.queues.remove(&replica);
    }

    pub fn replicas(&self) -> impl Iterator<Item = Replica> {
        self.queues.keys().copied()
    }

    /// Queues a job. It is dropped if the database is closed.
    pub fn push(&mut self, replica: Replica, job: Job) -> Result<(), Full> {
        let Some(queue) = self.queues.get_mut(&replica) else { return Ok(()) };
        if queue.weight >= self.limit {
            return Err(Full);
        }
        queue.push(job);
        self.ready.push(replica);
        Ok(())
    }

    /// Queues a count, if none waits yet.
    pub fn count(&mut self, replica: Replica, asked: Option<Counted>) {
        let Some(queue) = self.queues.get_mut(&replica) else { return };
        let waiting = queue.waiting.iter_mut().find_map(|job| match job {
            Job::Count(all) => Some(all),
            _ => None,
        });
        match waiting {
            Some(all) => all.extend(asked),
            None => queue.push(Job::Count(asked.into_iter().collect())),
        }
        self.ready.push(replica);
    }

    /// Drops the jobs of a channel that has ended, and ignores the answer to the one that runs.
    pub fn end_channel(&mut self, replica: Replica) {
        let Some(queue) = self.queues.get_mut(&replica) else { return };
        queue.channel += 1;
        queue.waiting.retain(|job| !job.is_of_channel());
        queue.weight = queue.waiting.iter().map(Job::weight).sum();
    }

    /// Begins each database's next job. Call this only after the machine's outputs for the last answer
    /// were applied: when a commit fails, the commits behind it are dropped and must not begin, or their
    /// checkpoint would cover documents that are missing.
    pub fn begin(&mut self) {
        for replica in std::mem::take(&mut self.ready) {
            let Some(queue) = self.queues.get_mut(&replica) else { continue };
            if queue.is_running {
                continue;
            }
            let Some(job) = queue.waiting.pop_front() else { continue };
            queue.weight -= job.weight();
            queue.is_running = true;
            let (database, channel) = (queue.database.clone(), queue.channel);
            self.running.push(Box::pin(async move {
                Done { replica, answer: job.run(database).await, channel }
            }));
        }
    }

    /// The next job that is done. Nothing is lost by dropping the future.
    pub async fn next(&mut self) -> Done {
        loop {
            match self.running.next().await {
                Some(done) => {
                    let Some(queue) = self.queues.get_mut(&done.replica) else { continue };
                    queue.is_running = false;
                    self.ready.push(done.replica);
                    return done;
                }
                None => std::future::pending().await,
            }
        }
    }

    /// Whether the machine still waits for this answer.
    pub fn is_awaited(&self, done: &Done) -> bool {
        let is_count = matches!(done.answer, Answer::Counted { .. });
        let queue = self.queues.get(&done.replica);
        queue.is_some_and(|queue| is_count || queue.channel == done.channel)
    }
}

impl Queue {
    fn push(&mut self, job: Job) {
        self.weight += job.weight();
        self.waiting.push_back(job);
    }
}
