//! Limits of sizes, counts and times.

use std::time::Duration;

use crate::message::Allowance;

/// The limits of one side of a connection. The defaults are the protocol's.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest frame before the first channel is open, in bytes.
    pub first_frame: usize,
    /// Longest frame afterwards, in bytes, whole or in parts. It has room for a document of the largest
    /// size, with its history.
    pub frame: usize,
    /// Weight of documents at which a batch is full, in bytes. A single document may weigh more.
    pub batch: usize,
    /// Most documents of a batch.
    pub batch_documents: usize,
    /// Weight of documents that may be in flight on a channel in one direction, in bytes.
    pub credit: usize,
    /// The send window of a connection in one direction, in bytes: the first one, and the least one on
    /// a slow link. It grows up to the credit of a channel.
    pub window: (usize, usize),
    /// Weight from which a document that the other side may have is offered before it is sent, in bytes.
    pub offer: usize,
    /// Most channels of a connection at a time.
    pub channels: usize,
    /// How often the server pings the client, and how long a client that woke waits for an answer.
    pub heartbeat: Duration,
    /// How long nothing may arrive before the connection counts as lost.
    pub silence: Duration,
    /// How long connecting, greeting and opening a channel may take. An acknowledgement may take twice
    /// as long.
    pub answer: Duration,
    /// How long the server waits for an acknowledgement, or for the answer to an offer, while nothing
    /// else arrives of what it has sent. Then it closes the channel.
    pub patience: Duration,
    /// The ceilings of the first and of the longest random wait before the next attempt to connect.
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
            patience: Duration::from_mins(1),
            backoff: (Duration::from_millis(500), Duration::from_secs(30)),
        }
    }
}

impl Limits {
    /// What the server tells a client about its limits.
    pub fn allowance(&self) -> Allowance {
        let wide = |limit: usize| u64::try_from(limit).unwrap_or(u64::MAX);
        Allowance {
            credit: wide(self.credit),
            batch: wide(self.batch),
            batch_documents: wide(self.batch_documents),
            frame: wide(self.frame),
        }
    }

    /// These limits if several databases share a connection. They are lower, because each database has
    /// to wait for what is in flight of the others.
    #[must_use]
    pub fn shared(&self) -> Self {
        Self {
            batch: self.batch / SHARE,
            batch_documents: (self.batch_documents / SHARE).max(1),
            credit: self.credit / SHARE,
            ..self.clone()
        }
    }

    /// These limits, reduced to what the other side takes.
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

/// A server that sends on several channels of a connection uses this part of batch and credit.
const SHARE: usize = 8;

/// Longest name of a database, in bytes.
pub const NAME_LIMIT: usize = 128;
/// Most documents of an offer. The receiver reads all of them at once.
pub const OFFERED_LIMIT: usize = 32;
/// Longest state of somebody who is here, in bytes.
pub const STATE_LIMIT: usize = 256;
/// Of how many others who are here a client is told.
pub const OTHERS_LIMIT: usize = 32;
/// Longest credentials, in bytes.
pub const CREDENTIALS_LIMIT: usize = 4096;
