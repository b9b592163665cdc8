//! The update sequence of an open database, and those who watch it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// How far a database has come. Watchers hear of each step, and of the end.
#[derive(Debug)]
pub struct Sequence {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// `None` once the database is closed.
    sender: Option<watch::Sender<u64>>,
    latest: u64,
}

impl Sequence {
    pub fn new(latest: u64) -> Self {
        let sender = Some(watch::Sender::new(latest));
        Self { state: Mutex::new(State { sender, latest }) }
    }

    pub fn latest(&self) -> u64 {
        self.state().latest
    }

    pub fn is_closed(&self) -> bool {
        self.state().sender.is_none()
    }

    /// Moves to this sequence. Watchers hear of it if it differs.
    pub fn advance(&self, to: u64) {
        let mut state = self.state();
        state.latest = to;
        if let Some(sender) = &state.sender {
            sender.send_if_modified(|known| std::mem::replace(known, to) != to);
        }
    }

    /// A receiver of each later step. Its channel ends when the database is closed.
    pub fn watch(&self) -> watch::Receiver<u64> {
        let state = self.state();
        match &state.sender {
            Some(sender) => sender.subscribe(),
            None => watch::channel(state.latest).1,
        }
    }

    /// Ends the channels of all watchers.
    pub fn close(&self) {
        self.state().sender = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_sequence_ends_its_watchers() {
        let sequence = Sequence::new(3);
        let watcher = sequence.watch();
        sequence.advance(4);
        assert!(watcher.has_changed().unwrap());
        sequence.close();
        assert!(watcher.has_changed().is_err() && sequence.watch().has_changed().is_err());
        assert_eq!((*watcher.borrow(), *sequence.watch().borrow()), (4, 4));
    }
}
