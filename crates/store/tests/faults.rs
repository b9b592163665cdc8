//! A failure at every commit and a cancellation at every await leave no partial state and no lost
//! notification.
//!
//! The same story is run many times. Each time it is interrupted at another point, and then
//! continued.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

#[path = "faults/scenario.rs"]
mod scenario;

use std::{
    cell::RefCell,
    collections::HashMap,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::FutureExt;
use scenario::World;
use settee_store::{BackendError, Database, DocumentId, Memory, Record, backend::memory::Fault};

// ---------------------------------------------------------------------------------------------
// A task that is polled only when it was woken

struct Task<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + 'a>>,
    bell: Arc<Bell>,
}

struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<'a, T> Task<'a, T> {
    fn new(future: impl Future<Output = T> + 'a) -> Self {
        Self { future: Box::pin(future), bell: Arc::new(Bell(AtomicBool::new(true))) }
    }

    /// Runs as far as its next await, if it was woken.
    fn step(&mut self) -> Poll<T> {
        if !self.bell.0.swap(false, Ordering::Relaxed) {
            return Poll::Pending;
        }
        let waker = Waker::from(self.bell.clone());
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// Runs until nothing wakes it any more.
    fn settle(&mut self) -> Poll<T> {
        while self.bell.0.load(Ordering::Relaxed) {
            if let Poll::Ready(result) = self.step() {
                return Poll::Ready(result);
            }
        }
        Poll::Pending
    }
}

// ---------------------------------------------------------------------------------------------
// The state of a database, and the changes that its followers have received

/// Everything that can be read from a database.
#[derive(Debug, Clone, PartialEq)]
struct State {
    records: Vec<Arc<Record>>,
    pending: Vec<Arc<Record>>,
    counts: settee_store::Counts,
    locals: Vec<Option<Vec<u8>>>,
    seq: u64,
}

fn state(memory: &Memory) -> State {
    memory.suspend_calls(false);
    let database = Database::new(memory.clone());
    let local = |key| now(database.local(key));
    State {
        records: now(database.changes(0, usize::MAX)),
        pending: now(database.pending(usize::MAX)),
        counts: now(database.counts()),
        locals: vec![local("place"), local("checkpoint")],
        seq: database.seq(),
    }
}

fn now<T>(future: impl Future<Output = Result<T, BackendError>>) -> T {
    future.now_or_never().expect("memory doesn't wait").unwrap()
}

type Seen = Rc<RefCell<HashMap<DocumentId, Arc<Record>>>>;

/// Follows a database from its beginning, and notes the changes.
fn following(database: &Database) -> (Task<'static, ()>, Seen) {
    let (seen, mut feed) = (Seen::default(), database.follow(0));
    let noted = seen.clone();
    let follow = async move {
        let mut last = 0;
        while let Some(records) = feed.next().await.unwrap() {
            for record in records {
                assert!(record.seq > last, "the feed has gone back");
                last = record.seq;
                noted.borrow_mut().insert(record.id.clone(), record);
            }
        }
    };
    (Task::new(follow), seen)
}

fn knows_all(seen: &Seen, state: &State) {
    let seen = seen.borrow();
    assert_eq!(seen.len(), state.records.len());
    for record in &state.records {
        assert_eq!(seen.get(&record.id), Some(record), "a change was missed");
    }
}

// ---------------------------------------------------------------------------------------------
// The story, run once without a fault and then with one

/// A world with a follower for each of its databases.
struct Told {
    world: World,
    followers: [(Task<'static, ()>, Seen); 2],
}

impl Told {
    fn new(is_slow: bool) -> Self {
        let world = World::new();
        let mut followers = [following(&world.client()), following(&world.server())];
        for (follower, _) in &mut followers {
            assert!(follower.settle().is_pending());
        }
        let told = Self { world, followers };
        told.suspend_calls(is_slow);
        told
    }

    fn suspend_calls(&self, is_slow: bool) {
        self.world.client.suspend_calls(is_slow);
        self.world.server.suspend_calls(is_slow);
    }

    fn memories(&self) -> [&Memory; 2] {
        [&self.world.client, &self.world.server]
    }

    /// Runs the story to its end, or for `polls` polls. Returns its result, and the number of
    /// polls.
    fn tell(&mut self, polls: usize) -> (Option<Result<(), BackendError>>, usize) {
        let mut story = Task::new(self.world.go_on());
        for count in 0..polls {
            let polled = story.step();
            for (follower, _) in &mut self.followers {
                assert!(follower.step().is_pending());
            }
            if let Poll::Ready(result) = polled {
                return (Some(result), count + 1);
            }
        }
        (None, polls)
    }

    /// Checks that each database is in the state that its number of commits leads to without a
    /// fault.
    fn is_between_commits(&self, tale: &Tale, undone: [u64; 2]) {
        for ((memory, states), undone) in self.memories().into_iter().zip(&tale.states).zip(undone)
        {
            let done = usize::try_from(memory.commits() - undone).unwrap();
            assert_eq!(state(memory), states[done], "after {done} commits");
        }
    }

    /// Continues the interrupted story, and checks how it ends.
    fn ends_well(mut self, tale: &Tale) {
        assert_eq!(self.tell(usize::MAX).0, Some(Ok(())));
        for (memory, states) in self.memories().into_iter().zip(&tale.states) {
            assert_eq!(Some(&state(memory)), states.last(), "it ends differently");
        }
        let states = self.memories().map(state);
        for ((follower, seen), state) in self.followers.iter_mut().zip(states) {
            assert!(follower.settle().is_pending(), "the feed doesn't end");
            knows_all(seen, &state);
        }
    }
}

/// The story without a fault.
struct Tale {
    /// The client's states and the server's, each after 0, 1, 2, … commits.
    states: [Vec<State>; 2],
    /// The number of polls if every call waits.
    polls: usize,
}

impl Tale {
    fn learn() -> Self {
        let mut told = Told::new(true);
        let mut states = told.memories().map(|memory| vec![state(memory)]);
        told.suspend_calls(true);
        let World { client, server, .. } = &told.world;
        let memories = [client.clone(), server.clone()];
        let mut story = Task::new(told.world.go_on());
        let mut polls = 0;
        loop {
            polls += 1;
            let polled = story.step();
            for (memory, states) in memories.iter().zip(&mut states) {
                if memory.commits() == states.len() as u64 {
                    states.push(state(memory));
                    memory.suspend_calls(true);
                }
                assert_eq!(memory.commits() + 1, states.len() as u64);
            }
            if let Poll::Ready(result) = polled {
                assert_eq!(result, Ok(()));
                break;
            }
        }
        drop(story);
        for (follower, _) in &mut told.followers {
            assert!(follower.settle().is_pending());
        }
        let tale = Self { states, polls };
        tale.is_worth_telling();
        tale
    }

    /// Checks that everything happens in the story that it is meant to cover.
    fn is_worth_telling(&self) {
        let [client, server] = &self.states;
        let some = |states: &[State], what: fn(&Record) -> bool| {
            states.iter().any(|state| state.records.iter().any(|record| what(record)))
        };
        let is_conflict =
            |record: &Record| record.document().is_some_and(|d| !d.conflicts.is_empty());
        assert!(some(client, is_conflict) && some(server, is_conflict));
        assert!(some(client, |record| record.refused.is_some()));
        let last = client.last().unwrap();
        assert_eq!((last.counts.pending, last.counts.refused), (0, 2));
        let commits = client.len().min(20) + server.len().min(6);
        assert!(commits == 26 && self.polls > 70, "{commits} commits, {} awaits", self.polls);
    }
}

fn lost() -> BackendError {
    BackendError::Failed("the lights went out".to_owned())
}

#[test]
fn each_commit_may_fail_before_or_after_it_is_durable() {
    let tale = Tale::learn();
    for (side, states) in tale.states.iter().enumerate() {
        for nth in 1..states.len() as u64 {
            for fault in [Fault::Undone(lost()), Fault::Unanswered(lost())] {
                for is_slow in [false, true] {
                    let mut told = Told::new(is_slow);
                    told.memories()[side].fail_once(nth, fault.clone());
                    assert_eq!(told.tell(usize::MAX).0, Some(Err(lost())));
                    assert_eq!(told.memories()[side].commits(), nth);
                    let mut undone = [0, 0];
                    undone[side] = u64::from(matches!(fault, Fault::Undone(_)));
                    told.is_between_commits(&tale, undone);
                    told.ends_well(&tale);
                }
            }
        }
    }
}

#[test]
fn the_story_may_be_cancelled_at_every_await() {
    let tale = Tale::learn();
    for polls in 0..tale.polls {
        let mut told = Told::new(true);
        assert_eq!(told.tell(polls), (None, polls));
        told.is_between_commits(&tale, [0, 0]);
        told.ends_well(&tale);
    }
}

/// A cancelled read of the feed loses no change.
#[test]
fn waiting_for_changes_may_be_cancelled_at_every_await() {
    let tale = Tale::learn();
    for polls in 1..6 {
        let told = Told::new(true);
        let mut story = Task::new(told.world.go_on());
        let mut feed = told.world.client().follow(0);
        let mut seen = HashMap::new();
        let mut note = |records: Result<Option<Vec<Arc<Record>>>, _>| {
            seen.extend(records.unwrap().unwrap().into_iter().map(|r| (r.id.clone(), r)));
        };
        for _ in 0..tale.polls {
            let _ = story.step();
            let mut next = Task::new(feed.next());
            let polled = (0..polls).map(|_| next.step()).find(Poll::is_ready);
            if let Some(Poll::Ready(records)) = polled {
                note(records);
            }
        }
        drop(story);
        told.suspend_calls(false);
        while let Some(records) = feed.next().now_or_never() {
            note(records);
        }
        knows_all(&Rc::new(RefCell::new(seen)), &state(&told.world.client));
    }
}
