//! What everybody in a world shares: time, chance, the network, the tally and the trace.

use std::time::Duration;

use settee_sync::{Limits, Time};

use crate::{
    agenda::Agenda, event::Event, faults::Faults, network::Network, random::Random, tally::Tally,
    trace::Trace,
};

#[derive(Debug)]
pub struct Context {
    pub now: Time,
    pub agenda: Agenda<Event>,
    pub random: Random,
    pub network: Network,
    pub faults: Faults,
    /// Frames may arrive twice, so the machines may end connections.
    pub has_duplicates: bool,
    pub limits: Limits,
    #[cfg(feature = "sabotage")]
    pub sabotage: crate::Sabotage,
    pub tally: Tally,
    pub trace: Trace,
}

impl Context {
    pub fn plan(&mut self, wait: Duration, event: Event) {
        self.agenda.plan(self.now + wait, event);
    }

    pub fn note(&mut self, line: impl FnOnce() -> String) {
        self.trace.note(self.now, line);
    }

    /// Plans a machine's next timeout, unless it is planned already.
    pub fn arm(&mut self, armed: &mut Option<Time>, next: Option<Time>, event: Event) {
        // A timeout that is late comes in the next millisecond, so that time goes on.
        let next = next.map(|at| at.max(self.now + Duration::from_millis(1)));
        if *armed != next {
            *armed = next;
            if let Some(at) = next {
                self.agenda.plan(at, event);
            }
        }
    }
}
