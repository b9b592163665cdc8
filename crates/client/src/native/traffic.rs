//! Counts what a native program's connections carry.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// The messages of `WebSocket`s and their bytes, in both directions, as they are on their way. Clones share
/// their counters.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    messages: AtomicU64,
    bytes: AtomicU64,
}

impl Traffic {
    /// How many messages there were.
    pub fn messages(&self) -> u64 {
        self.counters.messages.load(Ordering::Relaxed)
    }

    /// How many bytes they had.
    pub fn bytes(&self) -> u64 {
        self.counters.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self, message: &[u8]) {
        self.counters.messages.fetch_add(1, Ordering::Relaxed);
        self.counters.bytes.fetch_add(message.len() as u64, Ordering::Relaxed);
    }
}
