//! What all connections together hold in memory: frames that aren't whole, commits that the store isn't
//! done with, and frames that wait to be sent.
//!
//! A frame of more than 64 KiB is admitted once there is room, counts as the longest one from then on,
//! and is read to its end. Otherwise half-read frames could fill the budget and wait for each other for
//! ever.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};

/// What every connection may hold in any case, in bytes. It doesn't count. Ordinary frames are
/// shorter, so they go on where others send as much as they can.
pub const FREE: usize = 64 * 1024;
/// How soon a connection looks again whether there is room.
const LOOK: Duration = Duration::from_millis(20);

/// The budget of all connections.
#[derive(Debug)]
pub struct Work {
    limit: usize,
    longest_frame: usize,
    held: AtomicUsize,
}

/// What one connection holds. It is given back with this value.
#[derive(Debug)]
pub struct Held {
    work: Arc<Work>,
    amounts: Mutex<Amounts>,
}

#[derive(Debug, Default)]
struct Amounts {
    /// What was read of a frame that isn't whole.
    read: usize,
    /// Whether all of that frame may be read.
    is_admitted: bool,
    /// Frames that wait to be sent.
    waiting: usize,
    /// What is in shares.
    shared: usize,
    /// What of all that is counted.
    counted: usize,
}

/// A part of what a connection holds. It is given back with this value, whether the connection is
/// still there or not.
#[derive(Debug)]
pub struct Share {
    held: Arc<Held>,
    bytes: usize,
}

/// Waits for room to read.
#[derive(Debug)]
pub struct Admission {
    held: Arc<Held>,
    /// Runs while there is none, which is rare.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Work {
    pub fn new(limit: u32, longest_frame: usize) -> Arc<Self> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Arc::new(Self { limit, longest_frame, held: AtomicUsize::new(0) })
    }

    /// A connection that holds nothing yet.
    pub fn held(self: &Arc<Self>) -> Held {
        Held { work: self.clone(), amounts: Mutex::default() }
    }

    fn has_room(&self) -> bool {
        self.held.load(Ordering::Relaxed) < self.limit
    }
}

impl Held {
    /// Whether the connection may go on.
    pub fn has_room(&self) -> bool {
        self.is_free(&self.amounts())
    }

    /// Whether the connection may read more. A frame that becomes a long one is admitted here.
    pub fn admit_read(&self) -> bool {
        let mut amounts = self.amounts();
        if amounts.read < FREE || amounts.is_admitted {
            return self.is_free(&amounts);
        }
        amounts.is_admitted = self.work.has_room();
        self.count(&mut amounts);
        amounts.is_admitted
    }

    /// So much more was read.
    pub fn count_read(&self, bytes: usize) {
        self.change(|amounts| amounts.read += bytes);
    }

    /// A compressed frame was read that expands to more than is free.
    pub fn count_long(&self) {
        self.count_read(FREE);
    }

    /// What was read is done with, but for this much, whose rest hasn't come.
    pub fn frame_done(&self, rest: usize) {
        self.change(|amounts| {
            amounts.read = rest;
            amounts.is_admitted &= rest > 0;
        });
    }

    /// So much waits to be sent now.
    pub fn set_waiting(&self, bytes: usize) {
        self.change(|amounts| amounts.waiting = bytes);
    }

    /// Holds so much until the share is dropped.
    pub fn share(self: &Arc<Self>, bytes: usize) -> Share {
        self.change(|amounts| amounts.shared += bytes);
        Share { held: self.clone(), bytes }
    }

    fn is_free(&self, amounts: &Amounts) -> bool {
        // An admission is for that frame alone. Meanwhile a client may send others.
        let read = if amounts.is_admitted { 0 } else { amounts.read };
        read + amounts.waiting + amounts.shared < FREE || self.work.has_room()
    }

    fn change(&self, change: impl FnOnce(&mut Amounts)) {
        let mut amounts = self.amounts();
        change(&mut amounts);
        self.count(&mut amounts);
    }

    fn count(&self, amounts: &mut Amounts) {
        // A read may go past the free part before the frame is admitted. Counting that would take the
        // room for the frame itself.
        let read = if amounts.is_admitted {
            amounts.read.max(self.work.longest_frame)
        } else {
            amounts.read.min(FREE)
        };
        let counted = (read + amounts.waiting + amounts.shared).saturating_sub(FREE);
        let before = std::mem::replace(&mut amounts.counted, counted);
        if counted >= before {
            self.work.held.fetch_add(counted - before, Ordering::Relaxed);
        } else {
            self.work.held.fetch_sub(before - counted, Ordering::Relaxed);
        }
    }

    fn amounts(&self) -> MutexGuard<'_, Amounts> {
        self.amounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission {
    pub fn new(held: Arc<Held>) -> Self {
        Self { held, timer: None }
    }

    /// Ready when there is room.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while !self.held.admit_read() {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(LOOK)));
            ready!(timer.as_mut().poll(context));
            timer.as_mut().reset(Instant::now() + LOOK);
        }
        self.timer = None;
        Poll::Ready(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.change(|amounts| {
            *amounts = Amounts { counted: amounts.counted, ..Amounts::default() }
        });
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.held.change(|amounts| amounts.shared -= self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_little_is_free_and_the_rest_is_shared() {
        let work = Work::new(1_000_000, FREE);
        let (greedy, modest) = (work.held(), work.held());
        greedy.set_waiting(FREE + 1_000_000);
        modest.set_waiting(1000);
        assert!(!greedy.has_room() && modest.has_room());
        greedy.set_waiting(900_000);
        assert!(greedy.has_room());
        modest.set_waiting(FREE + 200_000);
        assert!(!greedy.has_room() && !modest.has_room());
        drop(greedy);
        assert!(modest.has_room());
    }

    #[test]
    fn a_share_counts_until_it_is_dropped() {
        let work = Work::new(100_000, FREE);
        let (gone, other) = (Arc::new(work.held()), work.held());
        other.set_waiting(FREE);
        let share = gone.share(FREE + 100_000);
        assert!(!gone.has_room() && !other.has_room());
        drop(gone);
        assert!(!other.has_room(), "its connection has ended, but it is there");
        drop(share);
        assert!(other.has_room());
    }

    #[test]
    fn a_long_frame_that_has_begun_is_read_to_its_end() {
        let work = Work::new(1, 1_200_000);
        let (first, second) = (work.held(), work.held());
        for held in [&first, &second] {
            assert!(held.admit_read());
            held.count_read(FREE + 4096);
        }
        assert!(first.admit_read(), "and all of it counts now");
        assert!(!second.admit_read() && !second.has_room());
        first.count_read(1_000_000);
        assert!(first.admit_read() && first.has_room());
        first.frame_done(0);
        assert!(second.admit_read());
        // What has come of a frame in amounts.
        second.count_read(100_000);
        second.frame_done(FREE + 100_000);
        assert!(second.admit_read());
    }

    #[test]
    fn an_admission_is_for_that_frame_alone() {
        let work = Work::new(100_000, 100_000);
        let held = Arc::new(work.held());
        held.count_read(FREE);
        assert!(held.admit_read() && held.has_room(), "the frame is read to its end");
        let share = held.share(FREE);
        assert!(!held.admit_read() && !held.has_room(), "others came between its parts");
        drop(share);
        assert!(held.admit_read());
    }
}
