//! What the tab that syncs tells the others of it.

use minicbor::{Decode, Encode};
use settee_client::{ChannelStatus, ConnectionStatus, ReplicaStatus};
use settee_sync::{DenialCode, Role};

/// How it goes with the server. It names no times, for each page has a clock of its own.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Report {
    #[n(0)]
    pub connection: Connection,
    #[n(1)]
    pub lists: Vec<ListReport>,
}

/// A list that is synced.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListReport {
    #[n(0)]
    pub id: String,
    #[n(1)]
    pub standing: Standing,
    /// The sequence of this device's database, which is the same in all tabs that have read it to
    /// its end.
    #[n(2)]
    pub seq: u64,
    /// While a lot comes from the server: how many changes are here, and how many there are.
    #[n(3)]
    pub progress: Option<(u64, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Connection {
    #[n(0)]
    Connecting,
    #[n(1)]
    Online,
    #[n(2)]
    Offline,
    #[n(3)]
    UpdateNeeded,
}

/// How a list is. What waits on this device each tab knows by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Standing {
    /// There is no connection, or nothing to send or to fetch yet.
    #[n(0)]
    Waiting,
    #[n(1)]
    Opening,
    #[n(2)]
    Behind,
    #[n(3)]
    UpToDate,
    /// None of this device's tokens opens it.
    #[n(4)]
    NoAccess,
    /// The server doesn't have it yet.
    #[n(5)]
    Absent,
    #[n(6)]
    Busy,
    /// This device could not save what the server sent.
    #[n(7)]
    Unsaved,
    /// One of the tokens opened it once.
    #[n(8)]
    Revoked,
    /// It may only be read, and there is something that waits to be sent.
    #[n(9)]
    ReadOnly,
}

impl Report {
    pub fn encode(&self) -> Vec<u8> {
        minicbor::to_vec(self).expect("writing to memory doesn't fail")
    }

    /// `None` of what another version of the app has written, and this one can't read.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        minicbor::decode(bytes).ok()
    }

    pub fn list(&self, id: &str) -> Option<&ListReport> {
        self.lists.iter().find(|list| list.id == id)
    }
}

/// Fewer changes than these come too quickly for anybody to read how many there are.
const A_LOT: u64 = 200;

/// How far a replica has come that lacks a lot.
pub fn progress(status: &ReplicaStatus) -> Option<(u64, u64)> {
    let (here, there) = status.progress;
    let is_behind = status.channel == ChannelStatus::Open && here + A_LOT < there;
    is_behind.then_some((here, there))
}

impl From<&ConnectionStatus> for Connection {
    fn from(status: &ConnectionStatus) -> Self {
        match status {
            ConnectionStatus::Connecting => Self::Connecting,
            ConnectionStatus::Online => Self::Online,
            ConnectionStatus::Offline { .. } => Self::Offline,
            ConnectionStatus::UpdateNeeded => Self::UpdateNeeded,
        }
    }
}

impl From<&ReplicaStatus> for Standing {
    fn from(status: &ReplicaStatus) -> Self {
        if status.is_unsaved {
            return Self::Unsaved;
        }
        match &status.channel {
            ChannelStatus::Waiting => Self::Waiting,
            ChannelStatus::Opening => Self::Opening,
            ChannelStatus::Open if status.role == Some(Role::Viewer) && status.pending > 0 => {
                Self::ReadOnly
            }
            ChannelStatus::Open if status.is_up_to_date() => Self::UpToDate,
            ChannelStatus::Open => Self::Behind,
            ChannelStatus::Denied(denial) => match denial.code {
                DenialCode::Denied => Self::NoAccess,
                DenialCode::Revoked => Self::Revoked,
                DenialCode::Unknown => Self::Absent,
                DenialCode::Unavailable | DenialCode::TooMany => Self::Busy,
                DenialCode::Downgraded => Self::Opening,
            },
        }
    }
}
