//! What all connections together hold in memory of frames that are not done with.
//!
//! Whoever has begun to read a long frame may read all of it, and its length is counted in advance. If
//! many had a part of theirs and waited for each other, nobody would ever go on.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

/// What every connection may hold in any case, in bytes. It doesn't count. Ordinary frames are
/// shorter, so they go on where others send as much as they can.
const FREE: usize = 64 * 1024;

/// The budget of all connections.
#[derive(Debug)]
pub struct Work {
    limit: usize,
    /// The longest frame.
    frame: usize,
    held: AtomicUsize,
}

/// What one connection holds. It is given back with this value.
#[derive(Debug)]
pub struct Held {
    work: Arc<Work>,
    parts: Mutex<Parts>,
}

#[derive(Debug, Default)]
struct Parts {
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

impl Work {
    pub fn new(limit: u32, frame: usize) -> Arc<Self> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Arc::new(Self { limit, frame, held: AtomicUsize::new(0) })
    }

    /// A connection that holds nothing yet.
    pub fn held(self: &Arc<Self>) -> Held {
        Held { work: self.clone(), parts: Mutex::default() }
    }

    fn has_room(&self) -> bool {
        self.held.load(Ordering::Relaxed) < self.limit
    }
}

impl Parts {
    fn total(&self) -> usize {
        self.read + self.waiting + self.shared
    }
}

impl Held {
    /// Whether the connection may go on.
    pub fn has_room(&self) -> bool {
        self.is_free(&self.parts())
    }

    /// Whether the connection may read more. If that makes a frame a long one, it may read all of it.
    pub fn may_read(&self) -> bool {
        let mut parts = self.parts();
        if parts.read < FREE || parts.is_admitted {
            return self.is_free(&parts);
        }
        parts.is_admitted = self.work.has_room();
        self.count(&mut parts);
        parts.is_admitted
    }

    /// So much more was read.
    pub fn read(&self, bytes: usize) {
        self.change(|parts| parts.read += bytes);
    }

    /// What was read is done with, but for this much, whose rest hasn't come.
    pub fn done(&self, rest: usize) {
        self.change(|parts| {
            parts.read = rest;
            parts.is_admitted &= rest > 0;
        });
    }

    /// So much waits to be sent now.
    pub fn wait(&self, bytes: usize) {
        self.change(|parts| parts.waiting = bytes);
    }

    /// Holds so much until the share is dropped.
    pub fn share(self: &Arc<Self>, bytes: usize) -> Share {
        self.change(|parts| parts.shared += bytes);
        Share { held: self.clone(), bytes }
    }

    fn is_free(&self, parts: &Parts) -> bool {
        parts.is_admitted || parts.total() < FREE || self.work.has_room()
    }

    fn change(&self, change: impl FnOnce(&mut Parts)) {
        let mut parts = self.parts();
        change(&mut parts);
        self.count(&mut parts);
    }

    fn count(&self, parts: &mut Parts) {
        // What is read past the free part before anybody looks must not keep the frame from being admitted.
        let read =
            if parts.is_admitted { parts.read.max(self.work.frame) } else { parts.read.min(FREE) };
        let counted = (read + parts.waiting + parts.shared).saturating_sub(FREE);
        let before = std::mem::replace(&mut parts.counted, counted);
        if counted >= before {
            self.work.held.fetch_add(counted - before, Ordering::Relaxed);
        } else {
            self.work.held.fetch_sub(before - counted, Ordering::Relaxed);
        }
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.change(|parts| *parts = Parts { counted: parts.counted, ..Parts::default() });
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.held.change(|parts| parts.shared -= self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_little_is_free_and_the_rest_is_shared() {
        let work = Work::new(1_000_000, FREE);
        let (greedy, modest) = (work.held(), work.held());
        greedy.wait(FREE + 1_000_000);
        modest.wait(1000);
        assert!(!greedy.has_room() && modest.has_room());
        greedy.wait(900_000);
        assert!(greedy.has_room());
        modest.wait(FREE + 200_000);
        assert!(!greedy.has_room() && !modest.has_room());
        drop(greedy);
        assert!(modest.has_room());
    }

    #[test]
    fn a_share_counts_until_it_is_dropped() {
        let work = Work::new(100_000, FREE);
        let (gone, other) = (Arc::new(work.held()), work.held());
        other.wait(FREE);
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
            assert!(held.may_read());
            held.read(FREE + 4096);
        }
        assert!(first.may_read(), "and all of it counts now");
        assert!(!second.may_read() && !second.has_room());
        first.read(1_000_000);
        assert!(first.may_read() && first.has_room());
        first.done(0);
        assert!(second.may_read());
        // What has come of a frame in parts.
        second.read(100_000);
        second.done(FREE + 100_000);
        assert!(second.may_read());
    }
}
