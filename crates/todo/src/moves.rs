//! What a device writes down of [moves](crate::transfer) that aren't done, in a database for itself alone.

use serde_json::{Map, Value};
use settee_store::{BackendError, Database, DocumentId, WriteError};

const FROM: &str = "from";
const TO: &str = "to";

/// A move between two lists, which are named by their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The name of its note.
    pub id: DocumentId,
    pub from: String,
    pub to: String,
}

pub async fn write_down(moves: &Database, note: &str, lists: [&str; 2]) -> Result<(), WriteError> {
    let mut fields = Map::new();
    for (field, list) in [FROM, TO].into_iter().zip(lists) {
        fields.insert(field.to_owned(), list.into());
    }
    moves.patch_fields(note, fields).await.map(drop)
}

/// Those that aren't done.
pub async fn under_way(moves: &Database) -> Result<Vec<Move>, BackendError> {
    let records = moves.changes(0, usize::MAX).await?;
    let documents = records.iter().filter_map(|record| record.document());
    let begun = documents.filter(|it| !it.deleted).map(|it| {
        let fields = it.body.fields();
        let list = |field| fields.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        Move { id: it.id, from: list(FROM), to: list(TO) }
    });
    Ok(begun.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at_once::at_once;
    use settee_store::Memory;

    #[test]
    fn what_is_written_down_is_under_way_until_it_is_removed() {
        let moves = Database::new(Memory::new([1; 16]));
        at_once(write_down(&moves, "note", ["here", "there"])).unwrap();
        let id = DocumentId::new("note").unwrap();
        let begun = Move { id: id.clone(), from: "here".to_owned(), to: "there".to_owned() };
        assert_eq!(at_once(under_way(&moves)), Ok(vec![begun]));
        at_once(moves.remove(&id)).unwrap();
        assert_eq!(at_once(under_way(&moves)), Ok(Vec::new()));
    }
}
