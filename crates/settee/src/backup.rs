//! A device as one file: what it keeps, what opens that, and all documents.
//!
//! The file begins with [`HEAD`]. Items in CBOR follow. Each is an array that begins with its kind:
//!
//! | item | |
//! | --- | --- |
//! | `[0, key, kept]` | a database that is kept under a key: what is kept of it, as JSON |
//! | `[1, document, waits]` | a document of it as on the wire, and whether the server lacks any of its revisions |
//! | `[2, id, seen, body]` | an edit of that document that the server has refused; without a body it is a deletion |
//! | `[3, count]` | the end: how many items came before |
//!
//! What is restored is only ever added. To a database that the device keeps already, only a file adds that has what
//! this device opens it with; and only a device that was never used takes homes. The server is sent again what this device may send, in case it has
//! lost it, and refused edits are tried once more.

use minicbor::decode;
use thiserror::Error;

/// How a file begins. Later versions of the format have another number.
pub const HEAD: &[u8] = b"settee backup 1\n";
/// How the files of all versions begin.
const ANY_HEAD: &[u8] = b"settee backup ";
/// Why a file can't be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BackupError {
    /// It begins with something else.
    #[error("this is no backup")]
    NotOne,
    /// A later version has written it.
    #[error("the backup was made by a later version")]
    Newer,
    /// Its end is missing, or is another file's.
    #[error("the backup is not whole")]
    CutOff,
    /// Some of it can't be read.
    #[error("the backup is damaged")]
    Damaged,
}

impl From<decode::Error> for BackupError {
    fn from(error: decode::Error) -> Self {
        if error.is_end_of_input() { Self::CutOff } else { Self::Damaged }
    }
}

/// What a file has brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restored {
    /// Databases that this device didn't keep, not counting homes.
    pub databases: usize,
    /// Documents that it didn't have, or not so.
    pub documents: usize,
    /// Documents and refused edits that could not be taken, because they were changed in the file, or
    /// don't go together with what is here.
    pub failed: usize,
}

/// Whether a file is to be restored, as far as its beginning says.
pub fn is_backup(file: &[u8]) -> bool {
    file.starts_with(ANY_HEAD)
}
