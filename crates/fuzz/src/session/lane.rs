//! The frames on their way in one direction of a connection.

use std::collections::VecDeque;

use settee_sync::message::{Message, Part};

/// The longest small frame that answers another, in bytes.
const ANSWER: usize = 160;

/// Frames in order. The fuzzer may change the order.
#[derive(Default)]
pub struct Lane {
    frames: VecDeque<Vec<u8>>,
    /// The bytes of `frames`.
    waiting: usize,
    /// The frame that was taken last.
    last: Vec<u8>,
    /// The number of channels that were opened.
    channels: usize,
    /// The bytes of the parts so far of an incomplete frame.
    in_parts: usize,
    /// The length of the longest frame, whole or in parts.
    longest: usize,
    /// The number of events that may have caused an answer.
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

    /// The frame that was taken last.
    pub fn last(&self) -> Vec<u8> {
        self.last.clone()
    }

    /// Moves the next frame behind all others.
    pub fn delay(&mut self) {
        if !self.frames.is_empty() {
            self.frames.rotate_left(1);
        }
    }

    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Checks the bytes in flight. Each channel has its credit and one batch more, and each cause one
    /// answer. A document is a little longer than its weight.
    pub fn check(&self, credit: usize) {
        let most = self.channels * (2 * credit + self.longest) + self.causes * ANSWER;
        assert!(self.waiting <= most, "more is in flight than there is credit for");
    }
}
