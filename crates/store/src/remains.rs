//! What can be told of a record that can't be decoded as a whole.

use minicbor::{Decoder, data::Type, decode};

use crate::backend::Unreadable;

impl Unreadable {
    /// Reads what comes before the damage, and passes over damaged bodies whose ends can be found.
    pub(crate) fn of(record: &[u8]) -> Self {
        let mut remains = Self { id: None, size: record.len(), seq: 0, has_edits: false };
        // It ends at the damage.
        let _ = remains.read(&mut Decoder::new(record));
        remains
    }

    /// The numbers are those of [`Record`](crate::Record)'s fields.
    fn read(&mut self, decoder: &mut Decoder<'_>) -> Result<(), decode::Error> {
        for _ in 0..decoder.map()?.unwrap_or_default() {
            match decoder.u8()? {
                0 => self.id = Some(decoder.str()?.to_owned()),
                1 => self.seq = decoder.u64()?,
                2 => self.read_tree(decoder)?,
                3 => {
                    self.has_edits |= decoder.datatype()? != Type::Null;
                    decoder.skip()?;
                }
                _ => decoder.skip()?,
            }
        }
        Ok(())
    }

    /// A tree is an array of nodes, or a map that has them under 0.
    fn read_tree(&mut self, decoder: &mut Decoder<'_>) -> Result<(), decode::Error> {
        if decoder.datatype()? != Type::Map {
            return self.read_nodes(decoder);
        }
        for _ in 0..decoder.map()?.unwrap_or_default() {
            match decoder.u8()? {
                0 => self.read_nodes(decoder)?,
                _ => decoder.skip()?,
            }
        }
        Ok(())
    }

    fn read_nodes(&mut self, decoder: &mut Decoder<'_>) -> Result<(), decode::Error> {
        for _ in 0..decoder.array()?.unwrap_or_default() {
            for _ in 0..decoder.map()?.unwrap_or_default() {
                match decoder.u8()? {
                    // Whether the revision waits for the server.
                    6 => self.has_edits |= decoder.bool()?,
                    _ => decoder.skip()?,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        body::Body,
        document_id::DocumentId,
        memory_index::MemoryIndex,
        operation::{Change, Edit, Operation},
        revision::Revision,
    };

    /// A record after an edit that the server has answered, or not.
    fn record(answer: impl FnOnce(DocumentId, Vec<Revision>) -> Option<Operation>) -> Vec<u8> {
        let id = DocumentId::new("a").unwrap();
        let change = Change::Put(Body::from_canonical(br#"{"title":"tea"}"#).unwrap());
        let edit = Operation::Edit(Edit { id: id.clone(), seen: Vec::new(), change });
        let mut index = MemoryIndex::default();
        let done = index.prepare(vec![edit]);
        let made = done.outcomes[0].unwrap().revision.into_iter().collect();
        index.install(done.records, done.locals, done.seq);
        if let Some(operation) = answer(id.clone(), made) {
            let done = index.prepare(vec![operation]);
            index.install(done.records, done.locals, done.seq);
        }
        index.get(&id).unwrap().encode()
    }

    #[test]
    fn a_damaged_body_hides_nothing_else() {
        let told = |mut record: Vec<u8>| {
            let body = record.iter().position(|byte| *byte == b'{').unwrap();
            record[body] = 0xff;
            assert!(minicbor::decode::<crate::Record>(&record).is_err());
            let Unreadable { id, size, seq, has_edits } = Unreadable::of(&record);
            assert_eq!((id.as_deref(), size), (Some("a"), record.len()));
            (seq, has_edits)
        };
        assert_eq!(told(record(|_, _| None)), (1, true));
        let acknowledged = record(|id, revisions| Some(Operation::Acknowledge { id, revisions }));
        assert_eq!(told(acknowledged), (2, false));
        let refuse = |id, revisions| Operation::Refuse { id, revisions, reason: String::new() };
        assert_eq!(told(record(|id, revisions| Some(refuse(id, revisions)))), (2, true));
    }

    #[test]
    fn what_comes_after_the_damage_is_not_told() {
        let whole = record(|_, _| None);
        for end in 0..whole.len() {
            let Unreadable { id, seq, .. } = Unreadable::of(&whole[..end]);
            assert!(id.as_deref().is_none_or(|id| id == "a") && seq <= 1);
        }
        assert_eq!(Unreadable::of(&[]).id, None);
    }
}
