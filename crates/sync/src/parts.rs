//! Messages that are too long to send whole. On a slow link a long frame would look like silence, so
//! it is sent in parts. Each part shows that its sender is alive, and each answer to one that its
//! receiver is.

use crate::{
    message::{Message, NAMES_LEFT_OUT, PARTS, Part, WireDocument},
    time::Time,
};

/// The parts that were sent on a connection and are not answered, and the latest progress.
#[derive(Debug, Default)]
pub struct Outgoing {
    unanswered: usize,
    /// When a part last arrived, on either side.
    last_progress: Time,
}

impl Outgoing {
    /// The frames of a message in a version of the protocol: one, or its parts if it is much longer than
    /// a part.
    pub fn frames(&mut self, mut message: Message, part: usize, version: u8) -> Vec<Vec<u8>> {
        if version >= NAMES_LEFT_OUT
            && let Message::Changes(changes) = &mut message
        {
            changes.documents.iter_mut().for_each(WireDocument::leave_out_names);
        }
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

    /// The other side has received a part. False if none waits for an answer.
    pub fn answered(&mut self, now: Time) -> bool {
        self.progressed(now);
        let one_less = self.unanswered.checked_sub(1);
        self.unanswered = one_less.unwrap_or_default();
        one_less.is_some()
    }

    /// A part has come from the other side. An answer may be queued behind it.
    pub fn progressed(&mut self, now: Time) {
        self.last_progress = now;
    }

    /// The time from which a timeout counts for something that was sent at this time. As long as
    /// parts arrive it begins anew, because the answer may be queued behind them.
    pub fn waiting_since(&self, sent: Time) -> Time {
        self.last_progress.max(sent)
    }
}

/// The parts of one message that have arrived.
#[derive(Debug, Default)]
pub struct Incoming {
    bytes: Vec<u8>,
    /// When the last of them arrived.
    last_part: Time,
}

impl Incoming {
    /// Adds a part, and returns the whole frame once it is complete. A frame may have `limit` bytes.
    pub fn add(&mut self, now: Time, part: Part, limit: usize) -> Result<Option<Vec<u8>>, TooLong> {
        if self.bytes.len() + part.bytes.len() > limit {
            return Err(TooLong);
        }
        self.last_part = now;
        self.bytes.extend(part.bytes);
        assert!(self.bytes.len() <= limit, "the buffer for parts keeps to the limit");
        let is_last = part.is_last == Some(true);
        Ok(is_last.then(|| std::mem::take(&mut self.bytes)))
    }

    /// The bytes of a frame whose rest hasn't come.
    pub fn unfinished(&self) -> usize {
        self.bytes.len()
    }

    /// The driver has not read for a while, so the timeout for the next part begins anew.
    pub fn pause(&mut self, now: Time) {
        self.last_part = now;
    }

    /// The time since which the next part is awaited; `None` if no message is incomplete.
    pub fn waiting_since(&self) -> Option<Time> {
        (!self.bytes.is_empty()).then_some(self.last_part)
    }
}

/// The parts of a message are longer than a frame may be.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;
