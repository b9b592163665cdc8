//! The documents that are written: todos like those of the app, appended to a list.
//!
//! Each is about 65 bytes of JSON, with an id of 31 bytes. All peers get the same.

use settee_leptos::position;
use settee_store::{Body, Change, DocumentId, Edit};
use settee_todo::{Todo, new_todo_id};

/// The id and content of a todo that was not written yet.
pub type Draft = (DocumentId, Todo);

/// New todos, numbered from 0.
#[derive(Debug, Default)]
pub struct Todos {
    count: usize,
    position: Option<String>,
}

impl Todos {
    /// The next todo.
    pub fn draft(&mut self) -> Draft {
        let position = position::after(self.position.as_deref());
        let title = format!("todo number {}", self.count);
        self.count += 1;
        self.position = Some(position.clone());
        (new_todo_id(), Todo { title, position, ..Todo::default() })
    }

    pub fn drafts(&mut self, count: usize) -> Vec<Draft> {
        (0..count).map(|_| self.draft()).collect()
    }

    /// The next todo as an edit.
    pub fn edit(&mut self) -> Edit {
        edit(self.draft())
    }

    pub fn edits(&mut self, count: usize) -> Vec<Edit> {
        (0..count).map(|_| self.edit()).collect()
    }
}

/// The edit that writes a new todo.
pub fn edit((id, todo): Draft) -> Edit {
    let body = Body::from_serialize(&todo).expect("a todo is a small JSON object");
    Edit { id, seen: Vec::new(), change: Change::Put(body) }
}
