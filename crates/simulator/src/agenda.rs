//! Events to come, in order.

use std::collections::BTreeMap;

use settee_sync::Time;

/// Events in the order of their times. Events of the same time keep the order of planning.
#[derive(Debug)]
pub struct Agenda<E> {
    events: BTreeMap<(Time, u64), E>,
    planned: u64,
}

impl<E> Default for Agenda<E> {
    fn default() -> Self {
        Self { events: BTreeMap::new(), planned: 0 }
    }
}

impl<E> Agenda<E> {
    pub fn plan(&mut self, at: Time, event: E) {
        self.events.insert((at, self.planned), event);
        self.planned += 1;
    }

    pub fn next(&mut self) -> Option<(Time, E)> {
        self.events.pop_first().map(|((at, _), event)| (at, event))
    }

    /// The number of events that were planned so far.
    pub fn planned(&self) -> u64 {
        self.planned
    }
}
