//! How much of everything there may be, and how long anything may take.

use std::time::Duration;

/// What one side of a connection allows. The defaults are the protocol's own.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest frame before the first channel is open, in bytes.
    pub first_frame: usize,
    /// Longest frame afterwards, in bytes: a document of the largest size, with its history.
    pub frame: usize,
    /// Bytes of documents after which a batch of changes is full. One document may pass it.
    pub batch: usize,
    /// Most documents of a batch.
    pub batch_documents: usize,
    /// Bytes of documents that may wait for their acknowledgement on a channel.
    pub credit: usize,
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
            channels: 256,
            heartbeat: Duration::from_secs(5),
            silence: Duration::from_secs(15),
            answer: Duration::from_secs(15),
            backoff: (Duration::from_millis(500), Duration::from_secs(30)),
        }
    }
}

/// Longest name of a database, in bytes.
pub const NAME_LIMIT: usize = 128;
/// Longest credentials, in bytes.
pub const CREDENTIALS_LIMIT: usize = 4096;
