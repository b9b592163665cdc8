//! Batches that were sent and wait for their acknowledgement.

use std::collections::VecDeque;

use settee_store::replication::ReplicatedDocument;

use crate::{limits::Limits, message::BatchNumber, pace::Pace, time::Time};

/// What is under way on a channel in one direction, with what the sender wants back when it lands.
#[derive(Debug)]
pub struct Flight<T> {
    batches: VecDeque<Sent<T>>,
    weight: usize,
    next: BatchNumber,
    /// When one last landed.
    moved: Time,
}

#[derive(Debug)]
struct Sent<T> {
    batch: BatchNumber,
    weight: usize,
    /// What was under way then, itself included.
    under_way: usize,
    at: Time,
    cargo: T,
}

impl<T> Default for Flight<T> {
    fn default() -> Self {
        Self { batches: VecDeque::new(), weight: 0, next: 0, moved: Time::default() }
    }
}

impl<T> Flight<T> {
    /// Whether another batch may be sent before one has landed.
    pub fn has_credit(&self, limits: &Limits) -> bool {
        self.weight < limits.credit
    }

    pub fn launch(&mut self, now: Time, weight: usize, cargo: T) -> BatchNumber {
        let batch = self.next;
        self.next = self.next.wrapping_add(1);
        self.weight += weight;
        let under_way = self.weight;
        self.batches.push_back(Sent { batch, weight, under_way, at: now, cargo });
        batch
    }

    /// Takes out an acknowledged batch, and tells the pace. Batches are acknowledged in the order they
    /// were sent; any other number is `None`.
    pub fn land(
        &mut self,
        now: Time,
        batch: BatchNumber,
        pace: &mut Pace,
        limits: &Limits,
    ) -> Option<T> {
        let sent = self.batches.pop_front_if(|sent| sent.batch == batch)?;
        self.weight -= sent.weight;
        self.moved = now;
        pace.answered(sent.weight, sent.under_way, sent.at, now, limits);
        Some(sent.cargo)
    }

    /// The weight of what is under way.
    pub fn weight(&self) -> usize {
        self.weight
    }

    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// Since when nothing has landed of what is under way.
    pub fn since(&self) -> Option<Time> {
        Some(self.moved_since(self.batches.front()?.at))
    }

    /// When something last landed, if that was after this.
    pub fn moved_since(&self, at: Time) -> Time {
        self.moved.max(at)
    }
}

/// Collects documents until a batch is full.
#[derive(Debug, Default)]
pub struct Packer {
    pub documents: Vec<ReplicatedDocument>,
    pub weight: usize,
}

impl Packer {
    /// Adds a document, or gives it back when the batch is full. The first always fits.
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
        None
    }
}
