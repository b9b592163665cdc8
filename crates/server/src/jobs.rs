//! The jobs of one connection. Those of a channel are done one after the other, in the order in
//! which they came. Channels don't wait for each other, so that one slow database doesn't hold up
//! the rest.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use settee_sync::Channel;
use tokio::time::Instant;

use crate::{
    hub::Hub,
    job::{Done, Job},
};

/// Most jobs that wait at a time before the connection stops reading.
const WAITING_LIMIT: usize = 16;
/// The same, with the jobs that wait behind one that takes long.
const STUCK_LIMIT: usize = 1024;
/// A channel whose job takes longer than this is stuck: its jobs don't stop the others.
const STUCK: Duration = Duration::from_secs(1);

#[derive(Default)]
pub struct Jobs {
    /// A queue for each channel with a job that waits or runs.
    queues: HashMap<Channel, Queue>,
    running: FuturesUnordered<BoxFuture<'static, (Channel, Done)>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    /// Since when its first job has been running.
    since: Option<Instant>,
}

impl Queue {
    fn is_stuck(&self, now: Instant) -> bool {
        self.since.is_some_and(|since| now.duration_since(since) >= STUCK)
    }
}

impl Jobs {
    /// Whether there is room for what the next frame may ask.
    pub fn have_room(&self, deciding: usize) -> bool {
        if self.queues.is_empty() {
            return deciding < WAITING_LIMIT;
        }
        let now = Instant::now();
        let (mut moving, mut stuck) = (deciding, 0);
        for queue in self.queues.values() {
            let count = if queue.is_stuck(now) { &mut stuck } else { &mut moving };
            *count += queue.waiting.len();
        }
        moving < WAITING_LIMIT && stuck < STUCK_LIMIT
    }

    /// When a channel becomes stuck, if that may make room.
    pub fn next_stuck(&self) -> Option<Instant> {
        let waited_for = self.queues.values().filter(|queue| !queue.waiting.is_empty());
        let due = waited_for.filter_map(|queue| Some(queue.since? + STUCK));
        let now = Instant::now();
        due.filter(|due| *due > now).min()
    }

    pub fn add(&mut self, job: Job) {
        self.queues.entry(job.channel).or_default().waiting.push_back(job);
    }

    /// Starts the first job of each channel that has none running.
    pub fn start(&mut self, hub: &Arc<Hub>) {
        if self.queues.len() == self.running.len() {
            return;
        }
        for queue in self.queues.values_mut().filter(|queue| queue.since.is_none()) {
            if let Some(job) = queue.waiting.pop_front() {
                queue.since = Some(Instant::now());
                self.running.push(Box::pin(job.run(hub.clone())));
            }
        }
    }

    /// Drops the jobs of a channel that haven't begun.
    pub fn drop_waiting(&mut self, channel: Channel) {
        if let Some(queue) = self.queues.get_mut(&channel) {
            queue.waiting.clear();
        }
    }

    /// Waits for a job to end; if none is running, it never returns. Dropping the future loses
    /// nothing.
    pub async fn next(&mut self) -> (Channel, Done) {
        let Some((channel, done)) = self.running.next().await else {
            return std::future::pending().await;
        };
        if let Some(queue) = self.queues.get_mut(&channel) {
            queue.since = None;
            if queue.waiting.is_empty() {
                self.queues.remove(&channel);
            }
        }
        (channel, done)
    }
}
