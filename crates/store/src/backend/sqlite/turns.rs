//! A queue of jobs that is fair between databases: neither a long backlog of one nor the heavy jobs of
//! many hold up another that asks for little.
//!
//! Fair queueing: the queue reckons when each job would end if all lanes were served at once, and the
//! job that would end first is next. Its time is counted in costs: a job begins when its lane's job
//! before it ends, but not before now, and takes its cost.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::workers::lock;

/// Most jobs of one lane in a queue; with more, the caller waits for room.
const LANE_LIMIT: usize = 256;

/// Whoever queues jobs one after another: a database, or what concerns the whole file. A lane belongs
/// to one queue.
pub struct Lane {
    standing: Arc<Standing>,
    room: Arc<Semaphore>,
}

/// Where a lane stands. The queue alone changes it, under its lock.
#[derive(Default)]
struct Standing {
    /// When its last job would end.
    end: AtomicU64,
    /// How many jobs are waiting.
    waiting: AtomicUsize,
}

impl Default for Lane {
    fn default() -> Self {
        Self { standing: Arc::default(), room: Arc::new(Semaphore::new(LANE_LIMIT)) }
    }
}

/// A job in the queue. It gives its place back when it is dropped, after it was run.
pub struct Queued<J> {
    pub job: J,
    pub cost: u64,
    place: Place,
    lane: Arc<Standing>,
    _room: Option<OwnedSemaphorePermit>,
}

/// Where a job stands: when it would end, and its number, so that the older one of two is first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    end: u64,
    number: u64,
}

impl<J> PartialEq for Queued<J> {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place
    }
}

impl<J> Eq for Queued<J> {}

impl<J> PartialOrd for Queued<J> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<J> Ord for Queued<J> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.place.cmp(&other.place)
    }
}

/// The jobs of all lanes. The jobs of one lane stay in their order.
pub struct Turns<J> {
    state: Mutex<State<J>>,
    news: Condvar,
}

struct State<J> {
    jobs: BinaryHeap<Reverse<Queued<J>>>,
    /// How many lanes have jobs.
    lanes: u64,
    now: u64,
    /// How many jobs have been queued.
    count: u64,
    is_closed: bool,
}

impl<J> Default for Turns<J> {
    fn default() -> Self {
        let jobs = BinaryHeap::new();
        let state = State { jobs, lanes: 0, now: 0, count: 0, is_closed: false };
        Self { state: Mutex::new(state), news: Condvar::new() }
    }
}

impl<J> Turns<J> {
    /// Queues a job of this cost, once there is room in its lane. Returns whether the queue took it: a
    /// closed one takes no more.
    pub async fn push(&self, lane: &Lane, cost: u64, job: J) -> bool {
        // A lane's semaphore is never closed.
        let room = lane.room.clone().acquire_owned().await.ok();
        let mut state = lock(&self.state);
        if state.is_closed {
            return false;
        }
        let lane = lane.standing.clone();
        let end = lane.end.load(Ordering::Relaxed).max(state.now).saturating_add(cost);
        lane.end.store(end, Ordering::Relaxed);
        state.lanes += u64::from(lane.waiting.fetch_add(1, Ordering::Relaxed) == 0);
        let place = Place { end, number: state.count };
        state.count += 1;
        state.jobs.push(Reverse(Queued { job, cost, place, lane, _room: room }));
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

    /// The next job, if there is one now whose cost is accepted.
    pub fn next_if(&self, accepts: impl FnOnce(u64) -> bool) -> Option<Queued<J>> {
        let mut state = lock(&self.state);
        let is_accepted = state.jobs.peek().is_some_and(|Reverse(next)| accepts(next.cost));
        if is_accepted { state.take() } else { None }
    }

    /// Whether no job waits.
    pub fn is_idle(&self) -> bool {
        lock(&self.state).jobs.is_empty()
    }

    /// Accepts no more jobs. Those in the queue are still handed out.
    pub fn close(&self) {
        lock(&self.state).is_closed = true;
        self.news.notify_all();
    }

    /// Closes the queue, and drops the jobs in it.
    pub fn abandon(&self) {
        self.close();
        let jobs = std::mem::take(&mut lock(&self.state).jobs);
        drop(jobs);
    }
}

impl<J> State<J> {
    fn take(&mut self) -> Option<Queued<J>> {
        let Reverse(queued) = self.jobs.pop()?;
        // All lanes with jobs would have been served meanwhile, a part each.
        self.now = self.now.saturating_add(queued.cost.div_ceil(self.lanes.max(1)));
        self.lanes -= u64::from(queued.lane.waiting.fetch_sub(1, Ordering::Relaxed) == 1);
        Some(queued)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn push(turns: &Turns<&'static str>, lane: &Lane, job: &'static str) -> Option<bool> {
        turns.push(lane, 1, job).now_or_never()
    }

    fn order(turns: &Turns<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| turns.next_if(|_| true)).map(|queued| queued.job).collect()
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
        assert_eq!(order(&turns), ["a1", "b1", "a2", "b2", "a3"]);
        assert!(turns.next().is_none());
    }

    #[test]
    fn a_job_that_is_not_accepted_stays() {
        let (turns, lane) = (Turns::default(), Lane::default());
        assert_eq!(push(&turns, &lane, "a"), Some(true));
        assert!(turns.next_if(|_| false).is_none());
        assert_eq!(order(&turns), ["a"]);
    }

    #[test]
    fn a_light_job_passes_heavy_ones_that_came_before() {
        let (turns, light) = (Turns::default(), Lane::default());
        let heavy = [Lane::default(), Lane::default(), Lane::default()];
        for job in ["first", "second"] {
            for lane in &heavy {
                assert_eq!(turns.push(lane, 100, job).now_or_never(), Some(true));
            }
        }
        assert_eq!(turns.next().map(|queued| queued.job), Some("first"));
        for job in ["light", "light again"] {
            assert_eq!(push(&turns, &light, job), Some(true));
        }
        let rest = ["light", "light again", "first", "first", "second", "second", "second"];
        assert_eq!(order(&turns), rest);
    }

    #[test]
    fn light_jobs_of_ever_new_lanes_do_not_hold_up_a_heavy_one() {
        let (turns, heavy) = (Turns::default(), Lane::default());
        assert_eq!(turns.push(&heavy, 100, "heavy").now_or_never(), Some(true));
        let passed = (0..1000).take_while(|_| {
            assert_eq!(push(&turns, &Lane::default(), "light"), Some(true));
            turns.next().is_some_and(|queued| queued.job == "light")
        });
        // They get as much of the time as it does, and then it is done.
        assert!((90..=200).contains(&passed.count()));
    }

    #[test]
    fn a_backlog_that_held_nobody_up_is_no_debt() {
        let (turns, one, other) = (Turns::default(), Lane::default(), Lane::default());
        for _ in 0..100 {
            assert_eq!(push(&turns, &one, "backlog"), Some(true));
        }
        assert_eq!(order(&turns).len(), 100);
        for (lane, job) in [(&other, "b1"), (&other, "b2"), (&other, "b3"), (&one, "a1")] {
            assert_eq!(push(&turns, lane, job), Some(true));
        }
        assert_eq!(order(&turns), ["b1", "a1", "b2", "b3"]);
    }

    #[test]
    fn a_lane_that_has_rested_has_no_more_than_its_turn() {
        let (turns, rested, busy) = (Turns::default(), Lane::default(), Lane::default());
        for _ in 0..100 {
            assert_eq!(push(&turns, &busy, "busy"), Some(true));
            assert!(turns.next().is_some());
        }
        for (lane, job) in [(&rested, "a"), (&rested, "b"), (&rested, "c"), (&busy, "busy")] {
            assert_eq!(push(&turns, lane, job), Some(true));
        }
        assert_eq!(order(&turns), ["a", "busy", "b", "c"]);
    }

    #[test]
    fn a_full_lane_has_others_wait_for_room_in_it_only() {
        let (turns, full, other) = (Turns::default(), Lane::default(), Lane::default());
        for _ in 0..LANE_LIMIT {
            assert_eq!(push(&turns, &full, "a"), Some(true));
        }
        assert_eq!(push(&turns, &full, "a"), None, "it waits");
        assert_eq!(push(&turns, &other, "b"), Some(true));
        let running = turns.next_if(|_| true);
        assert_eq!(push(&turns, &full, "a"), None, "a job that runs takes its place still");
        drop(running);
        assert_eq!(push(&turns, &full, "a"), Some(true));
    }
}
