//! Messages that are too long to travel whole: a long frame would be taken for silence on a slow
//! link, and so it comes in parts, each of which is a sign of life and gets one in return.

use crate::{
    message::{Message, PARTS, Part},
    time::Time,
};

/// The parts that were sent on a connection, and when any last were on their way.
#[derive(Debug, Default)]
pub struct Outgoing {
    unanswered: usize,
    /// When one last arrived, on this side or on the other.
    moved: Time,
}

impl Outgoing {
    /// The frames of a message: one, or its parts where it is much longer than a part.
    pub fn frames(&mut self, message: &Message, part: usize, version: u8) -> Vec<Vec<u8>> {
        let frame = message.encode();
        if version < PARTS || frame.len() <= part * 2 {
            return vec![frame];
        }
        let parts: Vec<&[u8]> = frame.chunks(part).collect();
        self.unanswered += parts.len();
        let last = parts.len() - 1;
        let parts = parts.into_iter().enumerate().map(|(at, bytes)| {
            let is_last = (at == last).then_some(true);
            Message::from(Part { bytes: bytes.to_vec(), is_last }).encode()
        });
        parts.collect()
    }

    /// One of them has arrived. Tells whether there was one.
    pub fn answered(&mut self, now: Time) -> bool {
        self.heard(now);
        let one_less = self.unanswered.checked_sub(1);
        self.unanswered = one_less.unwrap_or_default();
        one_less.is_some()
    }

    /// One has come from the other side: what else comes from there may be behind others.
    pub fn heard(&mut self, now: Time) {
        self.moved = now;
    }

    /// When the answer to something is waited for that was sent then: not while parts arrive, which
    /// may come before it.
    pub fn since(&self, sent: Time) -> Time {
        self.moved.max(sent)
    }
}

/// The parts that have come of a message.
#[derive(Debug, Default)]
pub struct Incoming {
    bytes: Vec<u8>,
    /// When the last of them came.
    heard: Time,
}

impl Incoming {
    /// Adds one, up to so many bytes altogether. The whole frame, once it is complete.
    pub fn add(&mut self, now: Time, part: Part, limit: usize) -> Result<Option<Vec<u8>>, TooLong> {
        if self.bytes.len() + part.bytes.len() > limit {
            return Err(TooLong);
        }
        self.heard = now;
        self.bytes.extend(part.bytes);
        let is_last = part.is_last == Some(true);
        Ok(is_last.then(|| std::mem::take(&mut self.bytes)))
    }

    /// Nobody has listened until now.
    pub fn pause(&mut self, now: Time) {
        self.heard = now;
    }

    /// Since when the next part of a message is waited for.
    pub fn since(&self) -> Option<Time> {
        (!self.bytes.is_empty()).then_some(self.heard)
    }
}

/// There is more of a message than there may be.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;
