//! A queue of jobs in which databases take turns, so that a long backlog of one doesn't hold up the
//! others.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::workers::lock;

/// Most jobs of one lane in a queue; with more, the caller waits for room.
const LANE_LIMIT: usize = 256;

/// Whoever queues jobs one after another: a database, or what concerns the whole file.
pub struct Lane {
    number: u64,
    room: Arc<Semaphore>,
}

impl Default for Lane {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { number, room: Arc::new(Semaphore::new(LANE_LIMIT)) }
    }
}

/// A job in the queue. It gives its place back when it is dropped, after it was run.
pub struct Queued<J> {
    pub job: J,
    _place: Option<OwnedSemaphorePermit>,
}

/// The jobs of all lanes. Lanes with jobs take turns; the jobs of one lane stay in their order.
pub struct Turns<J> {
    state: Mutex<State<J>>,
    news: Condvar,
}

struct State<J> {
    /// The lanes with jobs, in the order of their turns.
    turns: VecDeque<u64>,
    jobs: HashMap<u64, VecDeque<Queued<J>>>,
    is_closed: bool,
}

impl<J> Default for Turns<J> {
    fn default() -> Self {
        let (turns, jobs) = (VecDeque::new(), HashMap::new());
        Self { state: Mutex::new(State { turns, jobs, is_closed: false }), news: Condvar::new() }
    }
}

impl<J> Turns<J> {
    /// Queues a job, once there is room in its lane. Returns whether the queue took it: a closed
    /// one takes no more.
    pub async fn push(&self, lane: &Lane, job: J) -> bool {
        // A lane's semaphore is never closed.
        let place = lane.room.clone().acquire_owned().await.ok();
        let mut state = lock(&self.state);
        if state.is_closed {
            return false;
        }
        let jobs = state.jobs.entry(lane.number).or_default();
        let is_first = jobs.is_empty();
        jobs.push_back(Queued { job, _place: place });
        if is_first {
            state.turns.push_back(lane.number);
        }
        drop(state);
        self.news.notify_one();
        true
    }

    /// Waits for the next job; `None` once the queue is closed and empty.
    pub fn next(&self) -> Option<Queued<J>> {
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.take() {
                return Some(job);
            }
            if state.is_closed {
                return None;
            }
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next job, if there is one now.
    pub fn try_next(&self) -> Option<Queued<J>> {
        lock(&self.state).take()
    }

    /// Whether no job waits.
    pub fn is_idle(&self) -> bool {
        lock(&self.state).turns.is_empty()
    }

    /// Accepts no more jobs. Those in the queue are still handed out.
    pub fn close(&self) {
        lock(&self.state).is_closed = true;
        self.news.notify_all();
    }

    /// Closes the queue, and drops the jobs in it.
    pub fn abandon(&self) {
        self.close();
        let mut state = lock(&self.state);
        let jobs = std::mem::take(&mut state.jobs);
        state.turns.clear();
        drop(state);
        drop(jobs);
    }
}

impl<J> State<J> {
    fn take(&mut self) -> Option<Queued<J>> {
        let lane = self.turns.pop_front()?;
        let jobs = self.jobs.get_mut(&lane)?;
        let job = jobs.pop_front();
        if jobs.is_empty() {
            self.jobs.remove(&lane);
        } else {
            self.turns.push_back(lane);
        }
        job
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn push(turns: &Turns<&'static str>, lane: &Lane, job: &'static str) -> Option<bool> {
        turns.push(lane, job).now_or_never()
    }

    #[test]
    fn lanes_take_turns() {
        let (turns, one, other) = (Turns::default(), Lane::default(), Lane::default());
        for job in ["a1", "a2", "a3"] {
            assert_eq!(push(&turns, &one, job), Some(true));
        }
        for job in ["b1", "b2"] {
            assert_eq!(push(&turns, &other, job), Some(true));
        }
        turns.close();
        assert_eq!(push(&turns, &one, "late"), Some(false));
        let order: Vec<_> = std::iter::from_fn(|| turns.next()).map(|queued| queued.job).collect();
        assert_eq!(order, ["a1", "b1", "a2", "b2", "a3"]);
    }

    #[test]
    fn a_full_lane_has_others_wait_for_room_in_it_only() {
        let (turns, full, other) = (Turns::default(), Lane::default(), Lane::default());
        for _ in 0..LANE_LIMIT {
            assert_eq!(push(&turns, &full, "a"), Some(true));
        }
        assert_eq!(push(&turns, &full, "a"), None, "it waits");
        assert_eq!(push(&turns, &other, "b"), Some(true));
        let running = turns.try_next();
        assert_eq!(push(&turns, &full, "a"), None, "a job that runs takes its place still");
        drop(running);
        assert_eq!(push(&turns, &full, "a"), Some(true));
    }
}
