//! How far a client has read the server.

use minicbor::{Encode, bytes::ByteArray};
use settee_store::read_fields;

/// A place in the server's update sequence. The incarnation and the run tell whether the sequence is
/// still the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode)]
pub struct Checkpoint {
    /// Identifies the creation of the database, or its last restore.
    #[n(0)]
    pub incarnation: ByteArray<16>,
    /// Identifies the start of the server at which it was read.
    #[n(1)]
    pub run: ByteArray<16>,
    /// Everything that the server had up to this sequence is durable on the client.
    #[n(2)]
    pub seq: u64,
    /// The latest sequence that the client knows the server to have had. The server may have
    /// acknowledged documents up to there, and documents that changed between `seq` and there were not
    /// read in their earlier state. So a server that has not come that far has lost something.
    #[cbor(n(3))]
    pub witnessed: u64,
}

read_fields!(Array Checkpoint { 0 incarnation, 1 run, 2 seq, 3 witnessed: default });

impl Checkpoint {
    /// A checkpoint at a sequence, which is the latest that was witnessed.
    pub fn new(incarnation: [u8; 16], run: [u8; 16], seq: u64) -> Self {
        Self { incarnation: incarnation.into(), run: run.into(), seq, witnessed: seq }
    }

    /// The sequence that the server must have reached to go on from this checkpoint.
    pub fn latest(&self) -> u64 {
        self.seq.max(self.witnessed)
    }

    /// A checkpoint of zeros, which no server knows: the client has documents, but doesn't know how far
    /// it has read.
    pub fn void() -> Self {
        Self::new([0; 16], [0; 16], 0)
    }

    /// Whether this is [`Checkpoint::void`].
    pub fn is_void(&self) -> bool {
        *self == Self::void()
    }

    /// The bytes to store.
    pub fn encode(&self) -> Vec<u8> {
        minicbor::to_vec(self).expect("writing to memory doesn't fail")
    }

    /// Reads the stored bytes. `None` if they can't be read: then the client reads everything again.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        minicbor::decode(bytes).ok()
    }
}
