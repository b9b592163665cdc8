//! What all connections together hold in memory of frames that are not done with.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The part of a frame that every connection may hold in any case, in bytes. Ordinary frames are
/// shorter, so they go on where others send as much as they can.
const FREE: usize = 64 * 1024;

/// The budget of all connections.
#[derive(Debug)]
pub struct Work {
    limit: usize,
    held: AtomicUsize,
}

/// What one connection holds of the budget. It is given back with this value.
#[derive(Debug)]
pub struct Held {
    work: Arc<Work>,
    bytes: AtomicUsize,
}

impl Work {
    pub fn new(limit: u32) -> Arc<Self> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Arc::new(Self { limit, held: AtomicUsize::new(0) })
    }

    /// A connection that holds nothing yet.
    pub fn held(self: &Arc<Self>) -> Held {
        Held { work: self.clone(), bytes: AtomicUsize::new(0) }
    }
}

impl Held {
    /// Whether the connection may read more.
    pub fn has_room(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) < FREE
            || self.work.held.load(Ordering::Relaxed) < self.work.limit
    }

    /// The connection holds this now.
    pub fn set(&self, bytes: usize) {
        let before = self.bytes.swap(bytes, Ordering::Relaxed);
        if bytes >= before {
            self.work.held.fetch_add(bytes - before, Ordering::Relaxed);
        } else {
            self.work.held.fetch_sub(before - bytes, Ordering::Relaxed);
        }
    }

    /// The connection holds so much more.
    pub fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.work.held.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_little_is_free_and_the_rest_is_shared() {
        let work = Work::new(1_000_000);
        let (greedy, modest) = (work.held(), work.held());
        greedy.add(1_000_000);
        modest.add(1000);
        assert!(!greedy.has_room() && modest.has_room());
        greedy.set(900_000);
        assert!(greedy.has_room());
        modest.set(200_000);
        assert!(!greedy.has_room() && !modest.has_room());
        drop(greedy);
        assert!(modest.has_room());
    }
}
