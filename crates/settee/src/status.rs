//! How the connection is, and each database. Apps make their sentences of this.
//!
//! In a browser the tab that syncs tells the others, so these types travel between tabs. They name
//! no times, for each page has a clock of its own.

use minicbor::{Decode, Encode};
use settee_store::Counts;

/// How the connection to the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Connection {
    /// For the first time.
    #[n(0)]
    Connecting,
    /// The server has greeted.
    #[n(1)]
    Online,
    /// There is none, until the server has greeted again.
    #[n(2)]
    Offline,
    /// The server speaks no version of the protocol that this program does.
    #[n(3)]
    UpdateNeeded,
}

/// How a database stands with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Standing {
    /// There is no connection, or nothing to send or to fetch yet.
    #[n(0)]
    Waiting,
    /// The server has been asked for access.
    #[n(1)]
    Opening,
    /// Something is still to be sent or fetched.
    #[n(2)]
    Behind,
    /// Both sides have the same.
    #[n(3)]
    UpToDate,
    /// None of this device's credentials opens it.
    #[n(4)]
    NoAccess,
    /// The server doesn't have it yet.
    #[n(5)]
    Absent,
    /// The server can't serve it now.
    #[n(6)]
    Busy,
    /// This device could not save what the server sent.
    #[n(7)]
    Unsaved,
    /// The credentials opened it once, and don't any more.
    #[n(8)]
    Revoked,
    /// It may only be read, and something waits to be sent.
    #[n(9)]
    ReadOnly,
}

/// All that is known of how one database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseStatus {
    /// How the connection is, as far as this program has heard.
    pub connection: Connection,
    /// How it stands with the server; `None` as long as nobody has said.
    pub standing: Option<Standing>,
    /// While a lot comes from the server: how many changes are here, and how many there are.
    pub progress: Option<(u64, u64)>,
    /// How many documents that the server has sent could not be taken in here.
    pub rejected: usize,
    /// How many documents can't be read on this device any more: they come from the server again.
    pub damaged: usize,
    /// How many documents have lost edits of this device with that, which the server didn't have:
    /// see [`Database::forget_lost`](settee_store::Database::forget_lost).
    pub lost: usize,
    /// How many documents it has, and how many of them wait or were refused.
    pub counts: Counts,
    /// Whether what is written to it stays, and what opens it: a browser may let nothing be saved.
    pub is_saved: bool,
    /// How many edits could not be saved on this device and are on the server nevertheless; 0 as long as
    /// not all of them are.
    pub server_has_unsaved: usize,
}

/// What is known of a database whether or not this program uses it, as long as it is synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance {
    /// How it stands with the server.
    pub standing: Standing,
    /// How many of its documents wait to be sent.
    pub pending: usize,
    /// Its update sequence, which says whether anything has changed in it.
    pub seq: u64,
}

impl DatabaseStatus {
    /// That of a database of which nothing is known yet.
    pub fn unknown() -> Self {
        Self {
            connection: Connection::Connecting,
            standing: None,
            progress: None,
            rejected: 0,
            damaged: 0,
            lost: 0,
            counts: Counts::default(),
            is_saved: true,
            server_has_unsaved: 0,
        }
    }

    /// Both sides have the same, as far as either knows.
    pub fn is_up_to_date(&self) -> bool {
        self.connection == Connection::Online
            && self.standing == Some(Standing::UpToDate)
            && self.counts.pending == 0
    }
}
