//! What is read of a list as a whole.

use settee_store::{
    BackendError, Body, Change, Database, Document, Edit, Record, WriteError,
    operation::COMMIT_LIMIT,
};

use crate::{
    Todo,
    document::{LIST_INFO, TODO_PREFIX},
};

/// How many records are read at once.
const PAGE: usize = 1_000;

/// How many todos of a list are open, and whether others have changed its name or its todos after the
/// update sequence `seen`.
pub async fn count(list: &Database, seen: u64) -> Result<(usize, bool), BackendError> {
    let (mut open, mut has_news) = (0, false);
    let mut take = |record: &Record| {
        let Some(document) = record.document() else { return };
        let id = document.id.as_str();
        // One's own change has a new sequence when it is acknowledged, too.
        let is_new = document.seq > seen && !document.own_leaves.contains(&document.winner);
        has_news |= is_new && (id == LIST_INFO || id.starts_with(TODO_PREFIX));
        open += usize::from(todo(&document).is_some_and(|todo| !todo.completed));
    };
    each(list, 0, &mut take).await?;
    Ok((open, has_news))
}

/// The todos of a list for a new one. They keep their order, and in a copy of a template none is
/// completed.
pub async fn copied(list: &Database, is_template: bool) -> Result<Vec<Edit>, BackendError> {
    let mut todos = Vec::new();
    let mut take = |record: &Record| {
        let Some(document) = record.document() else { return };
        let Some(todo) = todo(&document) else { return };
        let mut body = Some(document.body);
        if is_template && todo.completed {
            // A later version of the app may have written fields that this one doesn't know.
            let mut fields = body.take().map(|body| body.fields()).unwrap_or_default();
            fields.insert("completed".to_owned(), false.into());
            // A todo that was read is not too much to be written.
            body = Body::from_serialize(&fields).ok();
        }
        let edit = |body| Edit { id: document.id, seen: Vec::new(), change: Change::Put(body) };
        todos.extend(body.map(edit));
    };
    each(list, 0, &mut take).await?;
    Ok(todos)
}

/// Writes edits of a list. Some of them may be there when it fails.
pub async fn fill(list: &Database, edits: &[Edit]) -> Result<(), WriteError> {
    for edits in edits.chunks(COMMIT_LIMIT) {
        for outcome in list.write(edits.to_vec()).await? {
            outcome?;
        }
    }
    Ok(())
}

/// The todo in a document, if there is one that this version of the app can read.
fn todo(document: &Document) -> Option<Todo> {
    let is_todo = !document.deleted && document.id.as_str().starts_with(TODO_PREFIX);
    document.body.read().ok().filter(|_| is_todo)
}

/// Reads all records that have changed after an update sequence. Returns the latest one's.
pub async fn each(
    list: &Database,
    mut since: u64,
    take: &mut dyn FnMut(&Record),
) -> Result<u64, BackendError> {
    loop {
        let records = list.changes(since, PAGE).await?;
        let Some(latest) = records.last() else { return Ok(since) };
        since = latest.seq;
        for record in &records {
            take(record);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at_once::{at_once, send};
    use serde_json::json;
    use settee_store::{DocumentId, Memory};

    fn open(list: &Database) -> usize {
        at_once(count(list, 0)).unwrap().0
    }

    #[test]
    fn only_what_others_have_changed_is_news() {
        let here = Database::new(Memory::new([1; 16]));
        let there = Database::new(Memory::new([2; 16]));
        let put = |list: &Database, id: &str, title: &str| {
            at_once(list.put(id, &json!({"title": title, "completed": false}))).unwrap();
        };
        put(&here, "todo/1", "mine");
        assert_eq!(at_once(count(&here, 0)), Ok((1, false)));
        // It comes back acknowledged.
        let before = here.seq();
        send(&here, &there, false);
        send(&there, &here, true);
        assert!(here.seq() > before);
        assert_eq!(at_once(count(&here, before)), Ok((1, false)));
        put(&there, "other/1", "something else");
        send(&there, &here, true);
        assert_eq!(at_once(count(&here, 0)), Ok((1, false)));
        put(&there, "todo/1", "theirs");
        let before = here.seq();
        send(&there, &here, true);
        assert_eq!(at_once(count(&here, before)), Ok((1, true)));
        assert_eq!(at_once(count(&here, here.seq())), Ok((1, false)));
        put(&here, "todo/1", "mine again");
        assert_eq!(at_once(count(&here, before)), Ok((1, false)));
    }

    #[test]
    fn a_template_has_all_todos_and_none_completed() {
        let list = Database::new(Memory::new([1; 16]));
        let put = |id: &str, value: &serde_json::Value| at_once(list.put(id, value)).unwrap();
        put("list", &json!({"name": "Packing"}));
        let count = PAGE + 6;
        for number in 0..count {
            let body = json!({"title": number.to_string(), "completed": number % 2 == 0, "due": 1});
            put(&format!("todo/{number}"), &body);
        }
        put("todo/odd", &json!({"title": 1}));
        at_once(list.remove(&DocumentId::new("todo/1").unwrap())).unwrap();
        assert_eq!(open(&list), count / 2 - 1);

        let copy = Database::new(Memory::new([2; 16]));
        let todos = at_once(copied(&list, true)).unwrap();
        assert_eq!(todos.len(), count - 1);
        at_once(fill(&copy, &todos)).unwrap();
        assert_eq!(open(&copy), count - 1);
        let two = at_once(copy.find::<serde_json::Value>("todo/2")).unwrap().unwrap();
        assert_eq!(two, json!({"title": "2", "completed": false, "due": 1}));

        let copy = Database::new(Memory::new([3; 16]));
        at_once(fill(&copy, &at_once(copied(&list, false)).unwrap())).unwrap();
        assert_eq!(open(&copy), count / 2 - 1);
    }
}
