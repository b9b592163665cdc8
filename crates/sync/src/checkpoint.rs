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
}

impl Checkpoint {
    pub fn new(incarnation: [u8; 16], run: [u8; 16], seq: u64) -> Self {
        Self { incarnation: incarnation.into(), run: run.into(), seq }
    }

    pub fn encode(&self) -> Vec<u8> {
        minicbor::to_vec(self).expect("writing to memory doesn't fail")
    }

    /// What was stored, or `None` when it can't be read: then everything is read anew.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        minicbor::decode(bytes).ok()
    }
}
