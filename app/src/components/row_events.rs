//! What people do to rows. The list listens for all of them.

use leptos::ev::{Event, KeyboardEvent};
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::Element;
use settee::store::DocumentId;

use super::EditFields;
use crate::todos::Todos;
use crate::{focus, keys};

#[derive(Clone, Copy)]
pub struct RowEvents {
    pub todos: Todos,
    pub fields: EditFields,
    pub read_only: Memo<bool>,
}

impl RowEvents {
    pub fn change(self, event: &Event) {
        if let Some(row) = EventRow::of(event, ".toggle") {
            self.todos.complete(&row.id, event_target_checked(event));
        }
    }

    pub fn click(self, event: &Event) {
        if let Some(row) = EventRow::of(event, ".destroy") {
            focus::pass_on(&row.item);
            self.todos.remove(&row.id);
        }
        self.edit(EventRow::of(event, ".pencil"));
    }

    pub fn double_click(self, event: &Event) {
        self.edit(EventRow::of(event, ".view label"));
    }

    pub fn key_down(self, event: &KeyboardEvent) {
        let Some(row) = EventRow::of(event, ".toggle") else { return };
        let (up, down) = (keys::is_key(event, "ArrowUp"), keys::is_key(event, "ArrowDown"));
        if keys::is_enter(event) || keys::is_key(event, "F2") {
            event.prevent_default();
            self.edit(Some(row));
        } else if event.alt_key() && (up || down) && self.todos.move_by_one(&row.id, down) {
            event.prevent_default();
            // Moving a row in the document removes the focus from it.
            focus::return_to(&row.item);
        }
    }

    fn edit(self, row: Option<EventRow>) {
        if let Some(row) = row
            && !self.read_only.get_untracked()
        {
            self.fields.begin(&row.item, &row.id);
        }
    }
}

/// The row in which something has happened.
struct EventRow {
    item: Element,
    id: DocumentId,
}

impl EventRow {
    /// `None` if it happened to another part of the row.
    fn of(event: &Event, part: &str) -> Option<Self> {
        let part =
            event.target()?.dyn_into::<Element>().ok().filter(|it| it.matches(part) == Ok(true))?;
        let item = part.closest(".todo-list li").ok()??;
        let name = item.query_selector("label").ok()??.id();
        Some(Self { item, id: DocumentId::new(&name).ok()? })
    }
}
