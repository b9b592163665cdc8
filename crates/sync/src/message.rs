//! What goes over the wire: one message a frame, as CBOR.
//!
//! A frame is a pair: the number of the message's type, and a map with small integer keys.
//! Unknown keys are skipped. Unknown types from [`OPTIONAL`] on are skipped as well; other
//! unknown types end the connection.

use std::collections::HashSet;

use minicbor::{
    Decode, Decoder, Encode, Encoder,
    bytes::{ByteArray, ByteVec},
};
use settee_store::{
    DocumentId, Revision,
    forgotten::Forgotten,
    replication::{ReplicatedDocument, ReplicatedRevision, ReplicationError},
};
use thiserror::Error;

use crate::{
    access::{DenialCode, Role},
    checkpoint::Checkpoint,
    digest::DocumentDigest,
};

/// The versions of the protocol that this program speaks. `tests/golden.rs` holds each to its bytes.
pub const VERSIONS: &[u8] = &[1, 2];
/// The first version with [`Offer`] and [`Lacking`].
pub const OFFERS: u8 = 2;
/// The first version with [`Part`] and [`Received`].
pub const PARTS: u8 = 2;
/// Types of messages from this number on may be ignored by who doesn't know them.
pub const OPTIONAL: u16 = 64;

/// The number of a channel, chosen by the client, never used twice on a connection.
pub type Channel = u32;
/// The number of a batch of changes on a channel, for its acknowledgement.
pub type BatchNumber = u32;

macro_rules! messages {
    ($($number:literal $name:ident),* $(,)?) => {
        /// One frame.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Message { $($name($name),)* }

        impl Message {
            pub fn encode(&self) -> Vec<u8> {
                let mut frame = Vec::with_capacity(64);
                let mut encoder = Encoder::new(&mut frame);
                let written = encoder.array(2).and_then(|encoder| match self {
                    $(Self::$name(message) => encoder.u16($number)?.encode(message),)*
                });
                written.expect("writing to memory doesn't fail");
                frame
            }

            /// Reads a frame; `None` for one that may be skipped.
            pub fn decode(frame: &[u8]) -> Result<Option<Self>, FrameError> {
                let mut decoder = Decoder::new(frame);
                if decoder.array()? != Some(2) {
                    return Err(FrameError::Malformed("a frame is a pair".into()));
                }
                let message = match decoder.u16()? {
                    $($number => Self::$name(decoder.decode()?),)*
                    number if number >= OPTIONAL => return Ok(None),
                    number => return Err(FrameError::UnknownType(number)),
                };
                if decoder.position() == frame.len() {
                    Ok(Some(message))
                } else {
                    Err(FrameError::Malformed("bytes after the message".into()))
                }
            }
        }

        $(impl From<$name> for Message {
            fn from(message: $name) -> Self { Self::$name(message) }
        })*
    };
}

messages! {
    1 Hello,
    2 Goodbye,
    3 Ping,
    4 Pong,
    10 Open,
    11 Opened,
    12 Closed,
    13 Close,
    20 Changes,
    21 Acknowledge,
    22 Offer,
    23 Lacking,
    30 Compare,
    31 Differences,
    32 Want,
    40 Part,
    41 Received,
}

/// Why a frame can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FrameError {
    #[error("the frame is not well formed: {0}")]
    Malformed(String),
    #[error("messages of type {0} are not known")]
    UnknownType(u16),
}

impl From<minicbor::decode::Error> for FrameError {
    fn from(error: minicbor::decode::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// Both sides' first message. The client offers versions; the server answers with the one chosen.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Hello {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub versions: Vec<u8>,
    /// The program and its version.
    #[n(1)]
    pub agent: String,
}

/// The connection ends after this.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Goodbye {
    #[n(0)]
    pub code: GoodbyeCode,
    #[n(1)]
    pub message: String,
}

/// Why a connection ends. A WebSocket is closed with 4000 and this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum GoodbyeCode {
    #[n(0)]
    Malformed,
    #[n(1)]
    UnknownType,
    #[n(2)]
    TooLarge,
    #[n(3)]
    NoCommonVersion,
    /// A message that makes no sense at this point.
    #[n(4)]
    OutOfPlace,
    #[n(5)]
    Silence,
    /// The server stops. It will be back: clients come again after a while.
    #[n(6)]
    Stopping,
    #[n(7)]
    Overload,
}

impl GoodbyeCode {
    pub fn close_code(self) -> u16 {
        4000 + self as u16
    }
}

/// "Are you there?" Either side may ask; the other answers with [`Pong`].
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Ping {}

#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Pong {}

/// The client asks for a database.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Open {
    #[n(0)]
    pub channel: Channel,
    #[n(1)]
    pub database: String,
    #[cbor(n(2), with = "minicbor::bytes")]
    pub credentials: Vec<u8>,
    /// Absent when the client has nothing of the database, not even a memory of deleted documents.
    /// [`Checkpoint::void`] when it has something but not how far it has read.
    #[n(3)]
    pub checkpoint: Option<Checkpoint>,
}

/// The server grants it.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Opened {
    #[n(0)]
    pub channel: Channel,
    #[n(1)]
    pub role: Role,
    #[n(2)]
    pub incarnation: ByteArray<16>,
    #[n(3)]
    pub run: ByteArray<16>,
    /// The database's update sequence.
    #[n(4)]
    pub seq: u64,
    /// Whether the server goes on from the client's checkpoint. If there was one that wasn't void,
    /// and it doesn't, the server has lost something, and waits for the client's [`Compare`].
    #[n(5)]
    pub resumed: bool,
    /// How much the server takes. Absent from servers of version 1, where it is the defaults.
    #[n(6)]
    pub allowance: Option<Allowance>,
}

/// How much of everything the server takes on a channel. A client that allows itself less goes by
/// that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Allowance {
    /// Weight of documents that may wait for their acknowledgement, in bytes.
    #[n(0)]
    pub credit: u64,
    /// Weight of documents after which a batch is full, in bytes.
    #[n(1)]
    pub batch: u64,
    /// Most documents of a batch.
    #[n(2)]
    pub batch_documents: u64,
    /// Longest frame, in bytes.
    #[n(3)]
    pub frame: u64,
}

/// The server denies the channel, at once or later.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Closed {
    #[n(0)]
    pub channel: Channel,
    #[n(1)]
    pub code: DenialCode,
    #[n(2)]
    pub message: String,
}

/// The client has done with a channel.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Close {
    #[n(0)]
    pub channel: Channel,
}

/// A batch of documents, either way.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Changes {
    #[n(0)]
    pub channel: Channel,
    #[n(1)]
    pub batch: BatchNumber,
    /// The receiver's checkpoint once it has committed the batch; from the server only.
    #[n(2)]
    pub seq: Option<u64>,
    #[n(3)]
    pub documents: Vec<WireDocument>,
    /// The server's update sequence, where there is no `seq` or an earlier one. What has changed between the
    /// two isn't among what the receiver has been sent, so a server that has lost the change can't
    /// go on from `seq`.
    #[n(4)]
    pub latest: Option<u64>,
}

/// A batch is committed, but for the documents named.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Acknowledge {
    #[n(0)]
    pub channel: Channel,
    #[n(1)]
    pub batch: BatchNumber,
    #[cbor(n(2), default, skip_if = "Vec::is_empty")]
    pub refused: Vec<Refusal>,
    /// The database's update sequence afterwards; from the server only.
    #[n(3)]
    pub seq: Option<u64>,
    /// Set where nothing of others came between: then that is the client's checkpoint.
    #[n(4)]
    pub is_current: Option<bool>,
}

/// Large documents that the other side may have, while the sender catches up. What it lacks of them
/// follows in [`Changes`], after the answer. There is one offer at a time in each direction.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Offer {
    #[n(0)]
    pub channel: Channel,
    /// Counted for each channel and each direction from 0 on.
    #[n(1)]
    pub offer: BatchNumber,
    #[n(2)]
    pub documents: Vec<Offered>,
}

/// A document of an offer, with the revisions whose bodies would travel.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Offered {
    #[n(0)]
    pub id: DocumentId,
    #[n(1)]
    pub revisions: Vec<Revision>,
}

/// The answer to an [`Offer`], by its number: those of its documents that something is lacking of.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Lacking {
    #[n(0)]
    pub channel: Channel,
    /// The offer's number.
    #[n(1)]
    pub offer: BatchNumber,
    #[n(2)]
    pub ids: Vec<DocumentId>,
}

/// The client's digests, where the server has lost something of what it had: 2^k of them, for
/// k up to [`crate::digest::BITS_LIMIT`], one after the other.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Compare {
    #[n(0)]
    pub channel: Channel,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub buckets: Vec<u8>,
}

/// What the server has in the buckets that differ.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Differences {
    #[n(0)]
    pub channel: Channel,
    /// The update sequence at which that was so.
    #[n(1)]
    pub seq: u64,
    /// The numbers of those buckets, rising.
    #[n(2)]
    pub buckets: Vec<u16>,
    /// Absent where it would be more than there is credit for: then everything is sent anew, both
    /// ways.
    #[n(3)]
    pub documents: Option<Vec<DocumentDigest>>,
}

/// The documents that the client lacks, or has otherwise. The server goes on from the sequence of
/// [`Differences`] once it has sent them.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Want {
    #[n(0)]
    pub channel: Channel,
    #[n(1)]
    pub ids: Vec<DocumentId>,
}

/// A piece of a frame that is too long to travel whole. The pieces of a frame follow each other;
/// between them there may be other frames, though not of the kind that is in pieces too.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Part {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub bytes: Vec<u8>,
    /// Set on the last one: together they are a frame.
    #[n(1)]
    pub is_last: Option<bool>,
}

/// The answer to each [`Part`], at once: it has arrived, and its receiver is there.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Received {}

/// A document of a batch that was not taken.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Refusal {
    #[n(0)]
    pub id: DocumentId,
    #[n(1)]
    pub reason: String,
    /// The one that all others which were sent of it lead to. Absent from servers of version 1.
    #[n(2)]
    pub revision: Option<Revision>,
}

/// A document as it is written on the wire, with nothing checked about it.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct WireDocument {
    #[n(0)]
    pub id: DocumentId,
    #[n(1)]
    pub revisions: Vec<WireRevision>,
    /// Set where the sender has forgotten revisions.
    #[n(2)]
    pub forgotten: Option<Forgotten>,
}

/// A revision as it is written on the wire. The generation of its parent is one less than its own.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct WireRevision {
    #[n(0)]
    pub revision: Revision,
    #[n(1)]
    pub parent: Option<ByteArray<16>>,
    #[n(2)]
    pub body: Option<ByteVec>,
    #[n(3)]
    pub deleted: Option<bool>,
    #[n(4)]
    pub merges: Option<Vec<Revision>>,
}

impl From<&ReplicatedDocument> for WireDocument {
    fn from(document: &ReplicatedDocument) -> Self {
        Self {
            id: document.id.clone(),
            revisions: document.revisions.iter().map(WireRevision::from).collect(),
            forgotten: (!document.forgotten.is_empty()).then(|| document.forgotten.clone()),
        }
    }
}

impl From<&ReplicatedRevision> for WireRevision {
    fn from(replicated: &ReplicatedRevision) -> Self {
        Self {
            revision: replicated.revision,
            parent: replicated.parent.map(|parent| parent.hash().into()),
            body: replicated.body.as_ref().map(|body| body.as_str().as_bytes().to_vec().into()),
            deleted: replicated.deleted.then_some(true),
            merges: (!replicated.merges.is_empty()).then(|| replicated.merges.clone()),
        }
    }
}

impl WireDocument {
    /// The revision that all others lead to, if there is one; see [`ReplicatedDocument::told`].
    pub(crate) fn told(&self) -> Option<Revision> {
        let parent = |revision: &WireRevision| {
            let generation = revision.revision.generation().checked_sub(1)?;
            Revision::new(generation, *revision.parent?).ok()
        };
        let closed: HashSet<Revision> = self
            .revisions
            .iter()
            .flat_map(|it| parent(it).into_iter().chain(it.merges.iter().flatten().copied()))
            .collect();
        let names = self.revisions.iter().map(|revision| revision.revision);
        names.into_iter().find(|name| !closed.contains(name))
    }

    /// Checks that names follow from content.
    pub fn verify(self) -> Result<ReplicatedDocument, ReplicationError> {
        let revisions = self.revisions.into_iter().map(WireRevision::verify);
        let document = ReplicatedDocument::verified(self.id, revisions.collect::<Result<_, _>>()?)?;
        Ok(ReplicatedDocument { forgotten: self.forgotten.unwrap_or_default(), ..document })
    }
}

impl WireRevision {
    fn verify(self) -> Result<ReplicatedRevision, ReplicationError> {
        let parent = match self.parent {
            None => None,
            Some(hash) => Some(Revision::new(self.revision.generation() - 1, *hash)?),
        };
        ReplicatedRevision::verified(
            self.revision,
            parent,
            self.merges.unwrap_or_default(),
            self.deleted.unwrap_or(false),
            self.body.as_ref().map(|body| body.as_slice()),
        )
    }
}
