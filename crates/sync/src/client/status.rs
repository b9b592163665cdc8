//! What a client says of itself: honest, complete, and never two things at once.

use crate::{
    access::{Denial, Role},
    time::Time,
};

/// How the connection is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionStatus {
    /// For the first time.
    Connecting,
    Online,
    /// Until the server has greeted, however often it is tried.
    Offline {
        reason: OfflineReason,
        /// In the past while it is under way.
        next_attempt: Time,
    },
    /// The server speaks no version that this client does. Writes wait until it is updated.
    UpdateNeeded,
}

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OfflineReason {
    /// The device says that it has no network.
    NoNetwork,
    /// The server was not reached.
    Unreachable,
    /// The connection was there, and was lost.
    Lost,
    /// Nothing was heard for too long.
    Silence,
    /// The server said that it stops, or is overloaded.
    ServerStopped,
    /// One side didn't understand the other.
    Misunderstanding,
}

/// How one database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaStatus {
    pub channel: ChannelStatus,
    /// The role that the server granted last; it stays known while offline.
    pub role: Option<Role>,
    /// Documents with changes that the server has not acknowledged.
    pub pending: usize,
    /// Documents with changes that the server has refused.
    pub refused: usize,
    /// The server's update sequence: how far this replica has read it, and how far there is.
    pub progress: (u64, u64),
    /// Since when both sides have had the same, or had it when this was last known. Nothing before
    /// that first was so.
    pub up_to_date: Option<UpToDate>,
    /// What the server sent and can't be right, and so was not taken.
    pub unreadable: usize,
    /// This device could not save what the server sent.
    pub is_unsaved: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelStatus {
    /// There is no connection, or nothing to open the channel for yet.
    Waiting,
    Opening,
    Open,
    Denied(Denial),
}

/// When both sides had the same, as far as either knew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpToDate {
    /// They have the same since then.
    Since(Time),
    /// They had the same until then.
    Until(Time),
}

impl ReplicaStatus {
    /// Both sides have the same, as far as either knows.
    pub fn is_up_to_date(&self) -> bool {
        self.channel == ChannelStatus::Open
            && self.pending == 0
            && self.progress.0 >= self.progress.1
    }
}
