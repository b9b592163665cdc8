//! The messages of the protocol, each of which is one frame of CBOR.
//!
//! A frame is an array of two: the number of the message's type, and a map with small integer keys.
//! Unknown keys are skipped. Unknown types from [`OPTIONAL`] on are skipped as well; any other unknown
//! type ends the connection. `docs/protocol.md` describes all of them.

mod document;

use minicbor::{
    Decode, Decoder, Encode, Encoder,
    bytes::{ByteArray, ByteVec},
};
use settee_store::{DocumentId, Revision, read_fields};
use thiserror::Error;

use crate::{
    access::{DenialCode, Role},
    checkpoint::Checkpoint,
    digest::DocumentDigest,
};
pub use document::{WireDocument, WireRevision};

/// The versions of the protocol that this program speaks. `tests/golden.rs` holds each to its bytes.
pub const VERSIONS: &[u8] = &[1, 2, 3];
/// The first version with [`Offer`] and [`Lacking`].
pub const OFFERS: u8 = 2;
/// The first version with [`Part`] and [`Received`].
pub const PARTS: u8 = 2;
/// The first version in which a first revision travels without its name.
pub const NAMES_LEFT_OUT: u8 = 3;
/// The first version with [`Role::Helper`].
pub const HELPERS: u8 = 3;
/// Receivers skip unknown types numbered 64 and up. Nothing will ever have the number 64 itself.
pub const OPTIONAL: u16 = 64;

/// The number of a channel. The client chooses it, and uses none twice on a connection.
pub type Channel = u32;
/// The number of a batch or an offer on a channel, in one direction.
pub type BatchNumber = u32;

macro_rules! messages {
    ($($number:literal $name:ident),* $(,)?) => {
        /// One frame.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Message {
            $(
                #[doc = concat!("See [`", stringify!($name), "`].")]
                $name($name),
            )*
        }

        impl Message {
            /// Writes the frame.
            pub fn encode(&self) -> Vec<u8> {
                let mut frame = Vec::with_capacity(64);
                let mut encoder = Encoder::new(&mut frame);
                let written = encoder.array(2).and_then(|encoder| match self {
                    $(Self::$name(message) => encoder.u16($number)?.encode(message),)*
                });
                written.expect("writing to memory doesn't fail");
                frame
            }

            /// Reads a frame. `None` is a frame to skip, of an unknown optional type.
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
    65 Here,
    66 Others,
}

/// Why a frame can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The frame is not CBOR of the right shape.
    #[error("the frame is not well formed: {0}")]
    Malformed(String),
    /// The message's type is unknown, and not optional.
    #[error("messages of type {0} are not known")]
    UnknownType(u16),
}

impl From<minicbor::decode::Error> for FrameError {
    fn from(error: minicbor::decode::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// Both sides' first message. The client offers versions; the server answers with the one chosen.
#[derive(Debug, Clone, PartialEq, Encode)]
#[cbor(map)]
pub struct Hello {
    /// One byte for each version.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub versions: Vec<u8>,
    /// The program and its version, for logs.
    #[n(1)]
    pub agent: String,
}

read_fields!(Map Hello { 0 versions: bytes, 1 agent });

/// The connection ends after this.
#[derive(Debug, Clone, PartialEq, Encode)]
#[cbor(map)]
pub struct Goodbye {
    /// Why the connection ends.
    #[n(0)]
    pub code: GoodbyeCode,
    /// A sentence for people, without anything secret.
    #[n(1)]
    pub message: String,
}

read_fields!(Map Goodbye { 0 code, 1 message });

/// Why a connection ends. A WebSocket is closed with 4000 and this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum GoodbyeCode {
    /// A frame can't be read.
    #[n(0)]
    Malformed,
    /// A message has an unknown type that is not optional.
    #[n(1)]
    UnknownType,
    /// A frame is larger than allowed.
    #[n(2)]
    TooLarge,
    /// The two sides have no version of the protocol in common.
    #[n(3)]
    NoCommonVersion,
    /// A message makes no sense at this point.
    #[n(4)]
    OutOfPlace,
    /// Nothing arrived for too long.
    #[n(5)]
    Silence,
    /// The server stops. It will be back: clients connect again after a while.
    #[n(6)]
    Stopping,
    /// More was sent than there is credit for.
    #[n(7)]
    Overload,
}

impl GoodbyeCode {
    /// The close code of a WebSocket.
    pub fn close_code(self) -> u16 {
        4000 + self as u16
    }
}

/// Asks whether the other side is there. It answers with [`Pong`].
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Ping {}

/// The answer to [`Ping`].
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Pong {}

/// The client asks for a database.
#[derive(Debug, Clone, PartialEq, Encode)]
#[cbor(map)]
pub struct Open {
    /// A number that is higher than that of every earlier channel of the connection.
    #[n(0)]
    pub channel: Channel,
    /// The database's name.
    #[n(1)]
    pub database: String,
    /// Only the server's policy knows what they mean.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub credentials: Vec<u8>,
    /// Absent if the client has nothing of the database, not even a memory of deleted documents.
    /// [`Checkpoint::void`] if it has something, but doesn't know how far it has read.
    #[n(3)]
    pub checkpoint: Option<Checkpoint>,
}

read_fields!(Map Open { 0 channel, 1 database, 2 credentials: bytes, 3 checkpoint });

/// The server grants a channel.
#[derive(Debug, Clone, PartialEq, Encode)]
#[cbor(map)]
pub struct Opened {
    /// The channel that the client has asked for.
    #[n(0)]
    pub channel: Channel,
    /// What the client may do.
    #[n(1)]
    pub role: Role,
    /// The database's incarnation.
    #[n(2)]
    pub incarnation: ByteArray<16>,
    /// The server's run.
    #[n(3)]
    pub run: ByteArray<16>,
    /// The database's update sequence now.
    #[n(4)]
    pub seq: u64,
    /// Whether the server goes on from the client's checkpoint. If it doesn't, and the checkpoint is
    /// neither absent nor void, the server has lost something and waits for the client's [`Compare`].
    #[n(5)]
    pub resumed: bool,
    /// How much the server takes. Servers of version 1 leave it out, and take the defaults.
    #[n(6)]
    pub allowance: Option<Allowance>,
}

read_fields!(Map Opened { 0 channel, 1 role, 2 incarnation, 3 run, 4 seq, 5 resumed, 6 allowance });

/// How much the server takes on a channel. A client keeps to its own limit where that is lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode)]
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

read_fields!(Array Allowance { 0 credit, 1 batch, 2 batch_documents, 3 frame });

/// The server denies a channel, at once or later.
#[derive(Debug, Clone, PartialEq, Encode)]
#[cbor(map)]
pub struct Closed {
    /// The channel, which is over.
    #[n(0)]
    pub channel: Channel,
    /// Why, for the client's machine.
    #[n(1)]
    pub code: DenialCode,
    /// Why, as a sentence for people, without anything secret.
    #[n(2)]
    pub message: String,
}

read_fields!(Map Closed { 0 channel, 1 code, 2 message });

/// The client ends a channel.
#[derive(Debug, Clone, PartialEq, Encode)]
#[cbor(map)]
pub struct Close {
    /// The channel, which is over.
    #[n(0)]
    pub channel: Channel,
}

read_fields!(Map Close { 0 channel });

/// A batch of documents, either way.
#[derive(Debug, Clone, PartialEq, Encode)]
#[cbor(map)]
pub struct Changes {
    /// The channel of the documents' database.
    #[n(0)]
    pub channel: Channel,
    /// Counted for each channel and each direction, from 0.
    #[n(1)]
    pub batch: BatchNumber,
    /// The receiver's checkpoint once it has committed the batch; from the server only.
    #[n(2)]
    pub seq: Option<u64>,
    /// None or more.
    #[n(3)]
    pub documents: Vec<WireDocument>,
    /// The database's update sequence, if there is no `seq` or an earlier one. A document that has
    /// changed between the two was not sent in its earlier state, so a server that loses the change
    /// can't go on from `seq`.
    #[n(4)]
    pub latest: Option<u64>,
}

read_fields!(Map Changes { 0 channel, 1 batch, 2 seq, 3 documents, 4 latest });

/// A batch is committed, except the documents that are named.
#[derive(Debug, Clone, PartialEq, Encode)]
#[cbor(map)]
pub struct Acknowledge {
    /// The channel of the batch.
    #[n(0)]
    pub channel: Channel,
    /// The number that the other side has given the batch.
    #[n(1)]
    pub batch: BatchNumber,
    /// The documents that were not taken; from the server only.
    #[cbor(n(2), skip_if = "Vec::is_empty")]
    pub refused: Vec<Refusal>,
    /// The database's update sequence afterwards; from the server only.
    #[n(3)]
    pub seq: Option<u64>,
    /// Set if the client has everything up to `seq`: then that is its checkpoint.
    #[n(4)]
    pub is_current: Option<bool>,
}

read_fields!(Map Acknowledge { 0 channel, 1 batch, 2 refused: default, 3 seq, 4 is_current });

/// Large documents that the other side may have, named while the sender catches up. The other side
/// answers which it lacks, and these follow in [`Changes`]. There is one offer at a time in each
/// direction.
#[derive(Debug, Clone, PartialEq, Encode)]
#[cbor(map)]
pub struct Offer {
    /// The channel of the documents' database.
    #[n(0)]
    pub channel: Channel,
    /// Counted for each channel and each direction, from 0.
    #[n(1)]
    pub offer: BatchNumber,
    /// From 1 to [`OFFERED_LIMIT`](crate::limits::OFFERED_LIMIT).
    #[n(2)]
    pub documents: Vec<Offered>,
}

read_fields!(Map Offer { 0 channel, 1 offer, 2 documents });

/// A document of an offer.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
pub struct Offered {
    /// The document's id.
    #[n(0)]
    pub id: DocumentId,
    /// The revisions whose bodies would be sent.
    #[n(1)]
    pub revisions: Vec<Revision>,
}

read_fields!(Array Offered { 0 id, 1 revisions });

/// The answer to an [`Offer`]: those of its documents of which the receiver lacks a body.
#[derive(Debug, Clone, PartialEq, Encode)]
#[cbor(map)]
pub struct Lacking {
    /// The channel of the offer.
    #[n(0)]
    pub channel: Channel,
    /// The offer's number.
    #[n(1)]
    pub offer: BatchNumber,
    /// None or more.
    #[n(2)]
    pub ids: Vec<DocumentId>,
}

read_fields!(Map Lacking { 0 channel, 1 offer, 2 ids });

/// The client's digests, for a server that has lost something.
#[derive(Debug, Clone, PartialEq, Encode)]
#[cbor(map)]
pub struct Compare {
    /// The channel of the database.
    #[n(0)]
    pub channel: Channel,
    /// 2^k digests, one after the other, for k up to [`BITS_LIMIT`](crate::digest::BITS_LIMIT).
    #[cbor(n(1), with = "minicbor::bytes")]
    pub buckets: Vec<u8>,
}

read_fields!(Map Compare { 0 channel, 1 buckets: bytes });

/// The server's answer to [`Compare`]: what it has in the buckets that differ.
#[derive(Debug, Clone, PartialEq, Encode)]
#[cbor(map)]
pub struct Differences {
    /// The channel of the database.
    #[n(0)]
    pub channel: Channel,
    /// The update sequence at which the server's documents were read.
    #[n(1)]
    pub seq: u64,
    /// The numbers of the buckets that differ, rising.
    #[n(2)]
    pub buckets: Vec<u16>,
    /// The server's documents in these buckets. Absent if they would weigh more than the credit: then
    /// everything is sent anew, both ways.
    #[n(3)]
    pub documents: Option<Vec<DocumentDigest>>,
}

read_fields!(Map Differences { 0 channel, 1 seq, 2 buckets, 3 documents });

/// The documents that the client lacks or has other revisions of. The server sends them, and goes on
/// from the sequence of [`Differences`].
#[derive(Debug, Clone, PartialEq, Encode)]
#[cbor(map)]
pub struct Want {
    /// The channel of the database.
    #[n(0)]
    pub channel: Channel,
    /// None or more, of those in [`Differences`].
    #[n(1)]
    pub ids: Vec<DocumentId>,
}

read_fields!(Map Want { 0 channel, 1 ids });

/// A part of a frame that is too long to send whole. Other frames may come between the parts of a
/// frame, but no parts of another one.
#[derive(Debug, Clone, PartialEq, Encode)]
#[cbor(map)]
pub struct Part {
    /// The next bytes of the frame.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub bytes: Vec<u8>,
    /// Set on the last part.
    #[n(1)]
    pub is_last: Option<bool>,
}

read_fields!(Map Part { 0 bytes: bytes, 1 is_last });

/// The answer to each [`Part`], which the receiver sends at once.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Received {}

/// The client says that somebody is here, and what the others on the database may know of them. The channel
/// is open. Nothing of it is stored.
#[derive(Debug, Clone, PartialEq, Encode)]
#[cbor(map)]
pub struct Here {
    /// The channel of the database.
    #[n(0)]
    pub channel: Channel,
    /// At most [`STATE_LIMIT`](crate::limits::STATE_LIMIT) bytes, which only apps understand. Absent if
    /// nobody is here any more.
    #[n(1)]
    pub state: Option<ByteVec>,
}

read_fields!(Map Here { 0 channel, 1 state });

/// The server says who else is here, to a client that has said that somebody is.
#[derive(Debug, Clone, PartialEq, Encode)]
#[cbor(map)]
pub struct Others {
    /// The channel of the database.
    #[n(0)]
    pub channel: Channel,
    /// What each of them has said last: at most [`OTHERS_LIMIT`](crate::limits::OTHERS_LIMIT).
    #[n(1)]
    pub states: Vec<ByteVec>,
}

read_fields!(Map Others { 0 channel, 1 states });

/// A document of a batch that was not taken.
#[derive(Debug, Clone, PartialEq, Encode)]
pub struct Refusal {
    /// The document's id.
    #[n(0)]
    pub id: DocumentId,
    /// Why, as a sentence for people.
    #[n(1)]
    pub reason: String,
    /// The revision that all others lead to which were sent of the document. Servers of version 1
    /// leave it out.
    #[n(2)]
    pub revision: Option<Revision>,
}

read_fields!(Array Refusal { 0 id, 1 reason, 2 revision });
