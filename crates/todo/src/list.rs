//! What is read of a list as a whole.

use settee_store::{
    BackendError, Body, Change, Database, Document, Edit, WriteError, operation::COMMIT_LIMIT,
};

use crate::{Todo, document::TODO_PREFIX};

/// How many records are read at once.
const PAGE: usize = 1_000;

/// How many todos of a list are open.
pub async fn count_open(list: &Database) -> Result<usize, BackendError> {
    let mut open = 0;
    each(list, |_, todo| open += usize::from(!todo.completed)).await?;
    Ok(open)
}

/// The todos of a list for a new one. They keep their order, and in a copy of a template none is
/// completed.
pub async fn copied(list: &Database, is_template: bool) -> Result<Vec<Edit>, BackendError> {
    let mut todos = Vec::new();
    let take = |document: Document, todo: Todo| {
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
    each(list, take).await?;
    Ok(todos)
}

/// Writes todos into a new list. Some of them may be there when it fails.
pub async fn fill(list: &Database, todos: &[Edit]) -> Result<(), WriteError> {
    for todos in todos.chunks(COMMIT_LIMIT) {
        for outcome in list.write(todos.to_vec()).await? {
            outcome?;
        }
    }
    Ok(())
}

/// Reads all todos that this version of the app can read.
async fn each(list: &Database, mut take: impl FnMut(Document, Todo)) -> Result<(), BackendError> {
    let mut since = 0;
    loop {
        let records = list.changes(since, PAGE).await?;
        let Some(latest) = records.last() else { return Ok(()) };
        since = latest.seq;
        for document in records.iter().filter_map(|record| record.document()) {
            let is_todo = !document.deleted && document.id.as_str().starts_with(TODO_PREFIX);
            if is_todo && let Ok(todo) = document.body.read() {
                take(document, todo);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use settee_store::{DocumentId, Memory};
    use std::task::{Context, Poll, Waker};

    /// Databases in memory answer at once.
    fn at_once<T>(future: impl Future<Output = T>) -> T {
        let future = std::pin::pin!(future);
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("it waits"),
        }
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
        assert_eq!(at_once(count_open(&list)), Ok(count / 2 - 1));

        let copy = Database::new(Memory::new([2; 16]));
        let todos = at_once(copied(&list, true)).unwrap();
        assert_eq!(todos.len(), count - 1);
        at_once(fill(&copy, &todos)).unwrap();
        assert_eq!(at_once(count_open(&copy)), Ok(count - 1));
        let two = at_once(copy.find::<serde_json::Value>("todo/2")).unwrap().unwrap();
        assert_eq!(two, json!({"title": "2", "completed": false, "due": 1}));

        let copy = Database::new(Memory::new([3; 16]));
        at_once(fill(&copy, &at_once(copied(&list, false)).unwrap())).unwrap();
        assert_eq!(at_once(count_open(&copy)), Ok(count / 2 - 1));
    }
}
