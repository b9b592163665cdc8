//! What the tab that syncs tells the others of it.

use minicbor::{Encode, bytes::ByteVec};
use settee_client::{ChannelStatus, ConnectionStatus, ReplicaStatus};
use settee_store::read_fields;
use settee_sync::{DenialCode, Role};

use crate::status::{Connection, Glance, Standing};

/// How it goes with the server.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Report {
    #[n(0)]
    pub connection: Connection,
    #[n(1)]
    pub databases: Vec<DatabaseReport>,
}

read_fields!(Map Report { 0 connection, 1 databases });

/// A database that is synced.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct DatabaseReport {
    #[n(0)]
    pub name: String,
    #[n(1)]
    pub standing: Standing,
    /// The sequence of this device's database. It is the same in all tabs that have read the
    /// database to its end.
    #[n(2)]
    pub seq: u64,
    /// While a lot comes from the server: how many changes are here, and how many there are.
    #[n(3)]
    pub progress: Option<(u64, u64)>,
    /// How many documents of the server this device could not take in.
    #[n(4)]
    pub rejected: usize,
    /// How many of its documents wait to be sent.
    #[n(5)]
    pub pending: usize,
    /// What others who are there have said of themselves.
    #[n(6)]
    pub others: Vec<ByteVec>,
}

read_fields!(Map DatabaseReport { 0 name, 1 standing, 2 seq, 3 progress, 4 rejected: default, 5 pending: default, 6 others: default });

impl DatabaseReport {
    pub fn glance(&self) -> (String, Glance) {
        let Self { standing, pending, seq, .. } = *self;
        (self.name.clone(), Glance { standing, pending, seq })
    }
}

#[cfg(target_arch = "wasm32")]
impl Report {
    pub fn encode(&self) -> Vec<u8> {
        minicbor::to_vec(self).expect("writing to memory doesn't fail")
    }

    /// `None` if another version of the app has written it, and this one can't read it.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        minicbor::decode(bytes).ok()
    }
}

impl Report {
    pub fn database(&self, name: &str) -> Option<&DatabaseReport> {
        self.databases.iter().find(|database| database.name == name)
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

pub fn connection(status: &ConnectionStatus) -> Connection {
    match status {
        ConnectionStatus::Connecting => Connection::Connecting,
        ConnectionStatus::Online => Connection::Online,
        ConnectionStatus::Offline { .. } => Connection::Offline,
        ConnectionStatus::UpdateNeeded => Connection::UpdateNeeded,
    }
}

pub fn standing(status: &ReplicaStatus) -> Standing {
    if status.is_unsaved {
        return Standing::Unsaved;
    }
    match &status.channel {
        ChannelStatus::Waiting => Standing::Waiting,
        ChannelStatus::Opening => Standing::Opening,
        ChannelStatus::Open if status.role == Some(Role::Viewer) && status.pending > 0 => {
            Standing::ReadOnly
        }
        ChannelStatus::Open if status.is_up_to_date() => Standing::UpToDate,
        ChannelStatus::Open => Standing::Behind,
        ChannelStatus::Denied(denial) => match denial.code {
            DenialCode::Denied => Standing::NoAccess,
            DenialCode::Revoked => Standing::Revoked,
            DenialCode::Unknown => Standing::Absent,
            DenialCode::Unavailable | DenialCode::TooMany => Standing::Busy,
            DenialCode::Downgraded => Standing::Opening,
        },
    }
}
