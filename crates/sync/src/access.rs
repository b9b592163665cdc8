//! Who may do what with a database, as the two sides of a channel speak of it.

use std::str::FromStr;

use minicbor::{Decode, Encode};
use settee_store::DocumentId;
pub use settee_store::clerk::{CLERK_PREFIX, is_clerks};
use thiserror::Error;

/// Documents whose ids begin with this say who may do what with their database. Owners write them,
/// and nobody else does.
pub const ACCESS_PREFIX: &str = "access/";
/// The one of these documents that all members are subject to: a server takes it even in a full database.
pub const LINKS_ID: &str = "access/links";

/// What a channel allows. A role may do all that the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// Reads.
    #[n(0)]
    Viewer,
    /// Reads, and writes what the server lets helpers write. Clients of versions before
    /// [`HELPERS`](crate::message::HELPERS) are told that they are viewers.
    #[n(3)]
    Helper,
    /// Reads and writes.
    #[n(1)]
    Editor,
    /// Reads, writes and hands out access.
    #[n(2)]
    Owner,
}

impl Role {
    /// Whether it may write at all.
    pub fn can_write(self) -> bool {
        self > Role::Viewer
    }

    /// Whether it may write this document.
    ///
    /// Of a helper's documents only the server can tell.
    pub fn can_write_to(self, id: &DocumentId) -> bool {
        self.can_write() && !is_clerks(id) && (self == Role::Owner || !says_who_may(id))
    }

    /// Whether it may bring back what the server has lost of this document, whoever wrote it.
    pub fn can_bring_back(self, id: &DocumentId) -> bool {
        self > Role::Helper && self.can_write_to(id)
    }

    /// The role's name, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Helper => "helper",
            Self::Editor => "editor",
            Self::Owner => "owner",
        }
    }
}

/// Whether a document says who may do what: see [`ACCESS_PREFIX`].
pub fn says_who_may(id: &DocumentId) -> bool {
    id.as_str().starts_with(ACCESS_PREFIX)
}

/// The text is no role's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a role is owner, editor, helper or viewer")]
pub struct RoleError;

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(name: &str) -> Result<Self, RoleError> {
        [Self::Viewer, Self::Helper, Self::Editor, Self::Owner]
            .into_iter()
            .find(|role| role.name() == name)
            .ok_or(RoleError)
    }
}

/// Why a channel is not open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    pub code: DenialCode,
    /// A sentence for people, without anything secret.
    pub message: String,
}

/// What a client does about a denial depends on its code alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum DenialCode {
    /// These credentials don't open the database. The client waits for others.
    #[n(0)]
    Denied,
    /// They did once. The client waits for others.
    #[n(1)]
    Revoked,
    /// The server doesn't know the database, maybe not yet. The client tries again, with patience.
    #[n(2)]
    Unknown,
    /// The server can't serve the database now. The client tries again, with patience.
    #[n(3)]
    Unavailable,
    /// The connection has too many channels. The client tries again, with patience.
    #[n(4)]
    TooMany,
    /// They allow something else now than they did. The client opens the channel anew, and learns
    /// what.
    #[n(5)]
    Downgraded,
}

impl DenialCode {
    /// Whether trying again with the same credentials may help.
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Unknown | Self::Unavailable | Self::TooMany | Self::Downgraded)
    }
}

impl Denial {
    pub fn new(code: DenialCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}
