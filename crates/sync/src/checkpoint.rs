//! How far one replica has read another.

use minicbor::{Decode, Encode, bytes::ByteArray};

/// A place in the server's update sequence. The incarnation and the run tell whether the server
/// still is the one that the sequence was counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Checkpoint {
    #[n(0)]
    pub incarnation: ByteArray<16>,
    #[n(1)]
    pub run: ByteArray<16>,
    #[n(2)]
    pub seq: u64,
    /// The latest sequence that the replica knows the server to have had. What it sent may have been
    /// acknowledged at that, and what it has read was read at that: a document that had changed
    /// again was not among it. A server that hasn't come so far has lost something.
    #[cbor(n(3), default)]
    pub witnessed: u64,
}

impl Checkpoint {
    pub fn new(incarnation: [u8; 16], run: [u8; 16], seq: u64) -> Self {
        Self { incarnation: incarnation.into(), run: run.into(), seq, witnessed: seq }
    }

    /// The sequence that the server has to have come to.
    pub fn latest(&self) -> u64 {
        self.seq.max(self.witnessed)
    }

    /// One that no server knows, of zeros: of who has something, but not how far it has read.
    pub fn void() -> Self {
        Self::new([0; 16], [0; 16], 0)
    }

    pub fn is_void(&self) -> bool {
        *self == Self::void()
    }

    pub fn encode(&self) -> Vec<u8> {
        minicbor::to_vec(self).expect("writing to memory doesn't fail")
    }

    /// What was stored, or `None` when it can't be read: then everything is read anew.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        minicbor::decode(bytes).ok()
    }
}
