//! The status of a client, as a person can be shown it.

use crate::{
    access::{Denial, Role},
    time::Time,
};

/// The status of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionStatus {
    /// The client connects for the first time.
    Connecting,
    /// The server has greeted.
    Online,
    /// There is no connection. This lasts until the server has greeted, through all attempts.
    Offline {
        /// Why there is no connection.
        reason: OfflineReason,
        /// When the next attempt begins. A time in the past if it has begun.
        next_attempt: Time,
    },
    /// The server speaks no version that this client does. Writes wait until it is updated.
    UpdateNeeded,
}

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OfflineReason {
    /// The device reports that it has no network.
    NoNetwork,
    /// The server could not be reached.
    Unreachable,
    /// The connection was lost.
    Lost,
    /// Nothing arrived for too long.
    Silence,
    /// The server is stopping or overloaded, and said so.
    ServerStopped,
    /// One side sent what the other doesn't understand.
    ProtocolError,
}

/// The status of one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaStatus {
    /// The status of its channel.
    pub channel: ChannelStatus,
    /// The role that the server granted last. It stays known while offline.
    pub role: Option<Role>,
    /// The number of documents with changes that the server has not acknowledged.
    pub pending: usize,
    /// The number of documents with changes that the server has refused.
    pub refused: usize,
    /// How far this replica has read the server's update sequence, and how far that goes.
    pub progress: (u64, u64),
    /// When both sides had the same; `None` before that was ever so.
    pub up_to_date: Option<UpToDate>,
    /// The number of documents from the server that contradict themselves or what is here, and were
    /// left out.
    pub unreadable: usize,
    /// This device could not save what the server sent.
    pub is_unsaved: bool,
    /// What others who are here have said last. It ends with the channel.
    pub others: Vec<Vec<u8>>,
}

/// The status of a database's channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelStatus {
    /// There is no connection, or no reason yet to open the channel.
    Waiting,
    /// The server was asked.
    Opening,
    /// The server has granted it.
    Open,
    /// The server has denied it.
    Denied(Denial),
}

/// When both sides had the same, as far as either knew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpToDate {
    /// They have had the same since then.
    Since(Time),
    /// They had the same until then.
    Until(Time),
}

impl ReplicaStatus {
    /// Whether both sides have the same, as far as either knows.
    pub fn is_up_to_date(&self) -> bool {
        self.channel == ChannelStatus::Open
            && self.pending == 0
            && self.progress.0 >= self.progress.1
    }
}
