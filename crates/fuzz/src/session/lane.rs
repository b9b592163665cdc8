//! What is under way from one end of a connection to the other.

use std::collections::VecDeque;

use settee_sync::message::{Message, Part};

/// What one small frame that answers another takes at most.
const ANSWER: usize = 160;

/// Frames in their order, which the fuzzer may change.
#[derive(Default)]
pub struct Lane {
    frames: VecDeque<Vec<u8>>,
    waiting: usize,
    last: Vec<u8>,
    channels: usize,
    /// Bytes of the parts so far of what comes in parts, and of the longest frame, whole or in parts.
    in_parts: usize,
    longest: usize,
    /// How often the sender had cause for an answer.
    pub causes: usize,
}

impl Lane {
    pub fn send(&mut self, frame: Vec<u8>) {
        // A frame's second byte is its type: `Open` one way, `Opened` the other.
        self.channels += usize::from(matches!(frame.get(1), Some(10 | 11)));
        self.waiting += frame.len();
        self.in_parts += frame.len();
        self.longest = self.longest.max(self.in_parts);
        let part = Message::decode(&frame);
        if !matches!(part, Ok(Some(Message::Part(Part { is_last: None, .. })))) {
            self.in_parts = 0;
        }
        self.frames.push_back(frame);
    }

    pub fn next(&mut self) -> Option<Vec<u8>> {
        let frame = self.frames.pop_front()?;
        self.waiting -= frame.len();
        self.last.clone_from(&frame);
        Some(frame)
    }

    /// The frame that came last.
    pub fn last(&self) -> Vec<u8> {
        self.last.clone()
    }

    /// The next frame comes after all others.
    pub fn delay(&mut self) {
        if !self.frames.is_empty() {
            self.frames.rotate_left(1);
        }
    }

    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Each channel has its credit and the batch that passes it, and each cause its answer. A
    /// document weighs a little less than it is long.
    pub fn check(&self, credit: usize) {
        let most = self.channels * (2 * credit + self.longest) + self.causes * ANSWER;
        assert!(self.waiting <= most, "more is under way than there is credit for");
    }
}
