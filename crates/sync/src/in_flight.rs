//! Batches that were sent and wait for their acknowledgement.

use std::collections::VecDeque;

use settee_store::replication::ReplicatedDocument;

use crate::{limits::Limits, message::BatchNumber, send_window::SendWindow, time::Time};

/// The batches in flight on a channel in one direction. Each has a payload, which the sender gets
/// back when the batch is acknowledged.
#[derive(Debug)]
pub struct InFlight<T> {
    batches: VecDeque<Sent<T>>,
    /// The sum of the weights of `batches`.
    weight: usize,
    next: BatchNumber,
    last_acknowledged: Time,
}

#[derive(Debug)]
struct Sent<T> {
    batch: BatchNumber,
    weight: usize,
    /// The weight in flight right after this batch was sent.
    weight_in_flight: usize,
    at: Time,
    payload: T,
}

impl<T> Default for InFlight<T> {
    fn default() -> Self {
        Self { batches: VecDeque::new(), weight: 0, next: 0, last_acknowledged: Time::default() }
    }
}

impl<T> InFlight<T> {
    /// Whether another batch may be sent before one is acknowledged.
    pub fn has_credit(&self, limits: &Limits) -> bool {
        self.weight < limits.credit
    }

    /// Adds a batch that is sent now, and returns its number.
    pub fn push(&mut self, now: Time, weight: usize, payload: T) -> BatchNumber {
        let batch = self.next;
        let previous = self.batches.back();
        assert!(
            previous.is_none_or(|previous| previous.batch.wrapping_add(1) == batch),
            "batches are numbered without gaps"
        );
        debug_assert!(previous.is_none_or(|previous| previous.at <= now), "time never goes back");
        self.next = self.next.wrapping_add(1);
        self.weight += weight;
        let weight_in_flight = self.weight;
        self.batches.push_back(Sent { batch, weight, weight_in_flight, at: now, payload });
        self.check_weight();
        batch
    }

    /// Removes an acknowledged batch, tells the send window, and returns the payload. Batches are
    /// acknowledged in the order in which they were sent: for any other number this is `None`.
    pub fn acknowledge(
        &mut self,
        now: Time,
        batch: BatchNumber,
        window: &mut SendWindow,
        limits: &Limits,
    ) -> Option<T> {
        let sent = self.batches.pop_front_if(|sent| sent.batch == batch)?;
        assert!(self.weight >= sent.weight, "what is in flight weighs at least as much as a part");
        debug_assert!(sent.at <= now, "time never goes back");
        self.weight -= sent.weight;
        self.last_acknowledged = now;
        self.check_weight();
        window.acknowledged(sent.weight, sent.weight_in_flight, sent.at, now, limits);
        Some(sent.payload)
    }

    /// The weight of all batches in flight, in bytes.
    pub fn weight(&self) -> usize {
        self.weight
    }

    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// The time since which an acknowledgement is awaited; `None` if nothing is in flight.
    pub fn waiting_since(&self) -> Option<Time> {
        Some(self.acknowledged_since(self.batches.front()?.at))
    }

    /// The time of the latest acknowledgement, or the given time if that is later.
    pub fn acknowledged_since(&self, at: Time) -> Time {
        self.last_acknowledged.max(at)
    }

    fn check_weight(&self) {
        assert!(!self.batches.is_empty() || self.weight == 0, "nothing in flight weighs nothing");
        debug_assert_eq!(
            self.weight,
            self.batches.iter().map(|sent| sent.weight).sum::<usize>(),
            "the weight in flight is the sum of the batches' weights"
        );
    }
}

/// Collects documents until a batch is full.
#[derive(Debug, Default)]
pub struct Packer {
    pub documents: Vec<ReplicatedDocument>,
    pub weight: usize,
}

impl Packer {
    /// Adds a document, or returns it if the batch is full. The first document always fits.
    pub fn add(
        &mut self,
        document: ReplicatedDocument,
        limits: &Limits,
    ) -> Option<ReplicatedDocument> {
        let weight = document.weight();
        let is_full =
            self.weight + weight > limits.batch || self.documents.len() >= limits.batch_documents;
        if is_full && !self.documents.is_empty() {
            return Some(document);
        }
        self.weight += weight;
        self.documents.push(document);
        assert!(
            self.documents.len() == 1
                || self.weight <= limits.batch && self.documents.len() <= limits.batch_documents,
            "a batch of several documents keeps to the limits"
        );
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_oldest_batch_can_be_acknowledged_and_each_once() {
        let limits = Limits::default();
        let mut window = SendWindow::new(&limits);
        let mut in_flight = InFlight::default();
        let [first, second] =
            [10, 20].map(|weight| in_flight.push(Time::default(), weight, weight));
        let mut acknowledge = |in_flight: &mut InFlight<usize>, batch| {
            in_flight.acknowledge(Time::default(), batch, &mut window, &limits)
        };
        assert_eq!(acknowledge(&mut in_flight, second), None);
        assert_eq!(in_flight.weight(), 30);
        assert_eq!(acknowledge(&mut in_flight, first), Some(10));
        assert_eq!(acknowledge(&mut in_flight, first), None);
        assert_eq!(acknowledge(&mut in_flight, second), Some(20));
        assert!(in_flight.is_empty() && in_flight.weight() == 0);
    }
}
