//! How much of everything there may be, and how long anything may take.

use std::time::Duration;

use crate::message::Allowance;

/// What one side of a connection allows. The defaults are the protocol's own.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest frame before the first channel is open, in bytes.
    pub first_frame: usize,
    /// Longest frame afterwards, in bytes, also where it comes in parts: a document of the largest
    /// size, with its history.
    pub frame: usize,
    /// Bytes of documents after which a batch of changes is full. One document may pass it.
    pub batch: usize,
    /// Most documents of a batch.
    pub batch_documents: usize,
    /// Bytes of documents that may wait for their acknowledgement on a channel.
    pub credit: usize,
    /// Bytes under way on a connection in one direction: at first, and at least where it is slow. At
    /// most it is the credit of a channel.
    pub window: (usize, usize),
    /// Weight from which on a document is offered before it is sent, if the other side may have it.
    pub offer: usize,
    /// Most channels of a connection.
    pub channels: usize,
    /// How often the server asks whether the client is there.
    pub heartbeat: Duration,
    /// How long a side may be silent before the connection counts as lost.
    pub silence: Duration,
    /// How long connecting, greeting, opening a channel or an acknowledgement may take.
    pub answer: Duration,
    /// The first and the longest wait before connecting again; each is a ceiling for chance.
    pub backoff: (Duration, Duration),
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            first_frame: 64 * 1024,
            frame: 1280 * 1024,
            batch: 256 * 1024,
            batch_documents: 4096,
            credit: 1024 * 1024,
            window: (32 * 1024, 4 * 1024),
            offer: 64 * 1024,
            channels: 256,
            heartbeat: Duration::from_secs(5),
            silence: Duration::from_secs(15),
            answer: Duration::from_secs(15),
            backoff: (Duration::from_millis(500), Duration::from_secs(30)),
        }
    }
}

impl Limits {
    /// What a client is told that it may send.
    pub fn allowance(&self) -> Allowance {
        let wide = |limit: usize| u64::try_from(limit).unwrap_or(u64::MAX);
        Allowance {
            credit: wide(self.credit),
            batch: wide(self.batch),
            batch_documents: wide(self.batch_documents),
            frame: wide(self.frame),
        }
    }

    /// These, where several databases share a connection: what is under way of one is what the
    /// others wait for.
    #[must_use]
    pub fn shared(&self) -> Self {
        Self {
            batch: self.batch / SHARE,
            batch_documents: (self.batch_documents / SHARE).max(1),
            credit: self.credit / SHARE,
            ..self.clone()
        }
    }

    /// These, as far as the other side takes as much.
    #[must_use]
    pub fn within(&self, told: Allowance) -> Self {
        let least = |ours: usize, theirs: u64| {
            usize::try_from(theirs).map_or(ours, |theirs| ours.min(theirs.max(1)))
        };
        Self {
            credit: least(self.credit, told.credit),
            batch: least(self.batch, told.batch),
            batch_documents: least(self.batch_documents, told.batch_documents),
            frame: least(self.frame, told.frame),
            ..self.clone()
        }
    }
}

/// The part of a batch and of credit that a server uses where a connection has several channels.
const SHARE: usize = 8;

/// Longest name of a database, in bytes.
pub const NAME_LIMIT: usize = 128;
/// Most documents of an offer: whoever gets one reads them all.
pub const OFFERED_LIMIT: usize = 32;
/// Longest credentials, in bytes.
pub const CREDENTIALS_LIMIT: usize = 4096;
