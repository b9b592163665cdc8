//! The todo of a record.

use settee_store::Record;
use settee_todo::{Todo, document::TODO_PREFIX};

/// The todo, if the record is that of a live todo.
pub fn todo(record: &Record) -> Option<Todo> {
    if !record.id.as_str().starts_with(TODO_PREFIX) {
        return None;
    }
    let document = record.document().filter(|document| !document.deleted)?;
    serde_json::from_str(document.body.as_str()).ok()
}
