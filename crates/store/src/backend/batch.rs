//! The changes of one commit in CBOR, as a record of the browser's log; or a whole database, as a
//! snapshot.

use std::{convert::Infallible, sync::Arc};

use minicbor::{Decode, Decoder, Encoder, decode, encode};

use crate::{operation::Locals, record::Record};

const SEQ: u8 = 0;
const RECORDS: u8 = 1;
const LOCALS: u8 = 2;

/// The contents of a log record or a snapshot.
#[derive(Debug, Default, PartialEq)]
pub struct Batch {
    /// The update sequence afterwards.
    pub seq: u64,
    /// The records that were changed, as they are afterwards.
    pub records: Vec<Arc<Record>>,
    /// The local documents that were set or removed.
    pub locals: Locals,
    /// The bytes that can't be read. The rest is read nevertheless.
    pub unreadable: Vec<Vec<u8>>,
}

/// Encodes the changes of a commit, or a whole database.
pub fn to_bytes(
    seq: u64,
    records: &[Arc<Record>],
    locals: &[(String, Option<Vec<u8>>)],
) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder, seq, records, locals).expect("writing to memory doesn't fail");
    encoder.into_writer()
}

fn write(
    encoder: &mut Encoder<Vec<u8>>,
    seq: u64,
    records: &[Arc<Record>],
    locals: &[(String, Option<Vec<u8>>)],
) -> Result<(), encode::Error<Infallible>> {
    encoder.map(3)?.u8(SEQ)?.u64(seq)?;
    encoder.u8(RECORDS)?.array(records.len() as u64)?;
    for record in records {
        encoder.encode(&**record)?;
    }
    encoder.u8(LOCALS)?.array(locals.len() as u64)?;
    for (key, value) in locals {
        encoder.array(2)?.str(key)?;
        match value {
            Some(value) => encoder.bytes(value)?,
            None => encoder.null()?,
        };
    }
    Ok(())
}

impl Batch {
    /// Reads as much as possible. `unreadable` gets each damaged record, or all of the bytes if the
    /// damage hides where the next value begins.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut batch = Self::default();
        if batch.read(&mut Decoder::new(bytes)).is_err() {
            batch.unreadable.push(bytes.to_vec());
        }
        batch
    }

    fn read(&mut self, decoder: &mut Decoder<'_>) -> Result<(), decode::Error> {
        for _ in 0..length(decoder.map()?)? {
            match decoder.u8()? {
                SEQ => self.seq = decoder.u64()?,
                RECORDS => {
                    for _ in 0..length(decoder.array()?)? {
                        self.read_record(decoder)?;
                    }
                }
                LOCALS => {
                    for _ in 0..length(decoder.array()?)? {
                        self.locals.push(read_local(decoder)?);
                    }
                }
                // A later version's.
                _ => decoder.skip()?,
            }
        }
        Ok(())
    }

    /// Reads a record. A damaged one is skipped if its end can be found.
    fn read_record(&mut self, decoder: &mut Decoder<'_>) -> Result<(), decode::Error> {
        let start = decoder.position();
        if let Ok(record) = Record::decode(decoder, &mut ()) {
            self.records.push(Arc::new(record));
            return Ok(());
        }
        decoder.set_position(start);
        decoder.skip()?;
        self.unreadable.push(decoder.input()[start..decoder.position()].to_vec());
        Ok(())
    }
}

fn read_local(decoder: &mut Decoder<'_>) -> Result<(String, Option<Vec<u8>>), decode::Error> {
    if decoder.array()? != Some(2) {
        return Err(decode::Error::message("a local document is a pair"));
    }
    let key = decoder.str()?.to_owned();
    if decoder.datatype()? == minicbor::data::Type::Null {
        decoder.null()?;
        return Ok((key, None));
    }
    Ok((key, Some(decoder.bytes()?.to_vec())))
}

/// Requires a definite length, which is all that [`write()`] produces.
fn length(length: Option<u64>) -> Result<u64, decode::Error> {
    length.ok_or_else(|| decode::Error::message("a length is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        body::Body,
        document_id::DocumentId,
        memory_index::MemoryIndex,
        operation::{Change, Edit, Operation},
    };

    fn records() -> Vec<Arc<Record>> {
        let edit = |id: &str| {
            let change = Change::Put(Body::from_canonical(br#"{"title":"tea"}"#).unwrap());
            Operation::Edit(Edit { id: DocumentId::new(id).unwrap(), seen: Vec::new(), change })
        };
        let edits = vec![edit("a"), edit("b"), edit("c")];
        MemoryIndex::default().prepare(edits).records
    }

    #[test]
    fn a_batch_is_read_as_it_was_written() {
        let locals = vec![("a".to_owned(), Some(vec![1, 2])), ("b".to_owned(), None)];
        let batch = Batch::from_bytes(&to_bytes(3, &records(), &locals));
        assert_eq!(batch, Batch { seq: 3, records: records(), locals, unreadable: Vec::new() });
    }

    #[test]
    fn other_records_are_read_beside_a_damaged_one() {
        let mut bytes = to_bytes(3, &records(), &[]);
        let at = bytes.windows(2).position(|pair| pair == [0x61, b'b']).unwrap();
        bytes[at + 1] = b'_';
        let batch = Batch::from_bytes(&bytes);
        let ids: Vec<_> = batch.records.iter().map(|record| record.id.as_str()).collect();
        assert_eq!((batch.seq, ids, batch.unreadable.len()), (3, vec!["a", "c"], 1));
    }

    #[test]
    fn truncated_bytes_are_unreadable() {
        let bytes = to_bytes(3, &records(), &[]);
        for end in 0..bytes.len() {
            let batch = Batch::from_bytes(&bytes[..end]);
            assert_eq!(batch.unreadable, [&bytes[..end]]);
        }
    }
}
