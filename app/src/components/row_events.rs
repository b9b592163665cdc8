//! What people do to rows. The list listens for all of them.

use leptos::ev::{Event, KeyboardEvent};
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::Element;
use settee::store::DocumentId;

use super::EditFields;
use crate::{focus, keys};

#[derive(Clone, Copy)]
pub struct RowEvents(pub EditFields);

impl RowEvents {
    /// Marks all rows of the list again. They stay as they are, with the focus and what is being typed.
    pub fn mark_all(self, list: &Element) {
        let rows = list.children();
        for item in (0..rows.length()).filter_map(|at| rows.item(at)) {
            let toggle = item.query_selector(".toggle").ok().flatten();
            if let Some((toggle, id)) = toggle.zip(id_of(&item)) {
                self.0.rights.mark(&item, toggle.unchecked_ref(), &id);
            }
        }
    }

    pub fn change(self, event: &Event) {
        if let Some(row) = EventRow::of(event, ".toggle") {
            self.0.rights.todos.complete(&row.id, event_target_checked(event));
        }
    }

    pub fn click(self, event: &Event) {
        if let Some(row) = self.editable(EventRow::of(event, ".destroy")) {
            focus::pass_on(&row.item);
            self.0.rights.todos.remove(&row.id);
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
        } else if event.alt_key()
            && (up || down)
            && let Some(row) = self.editable(Some(row))
            && self.0.rights.todos.move_by_one(&row.id, down)
        {
            event.prevent_default();
            // Moving a row in the document removes the focus from it.
            focus::return_to(&row.item);
        }
    }

    fn edit(self, row: Option<EventRow>) {
        if let Some(row) = self.editable(row) {
            self.0.begin(&row.item, &row.id);
        }
    }

    fn editable(self, row: Option<EventRow>) -> Option<EventRow> {
        row.filter(|row| untrack(|| self.0.rights.may_edit(&row.id)))
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
        let id = id_of(&item)?;
        Some(Self { item, id })
    }
}

fn id_of(item: &Element) -> Option<DocumentId> {
    DocumentId::new(&item.query_selector("label").ok()??.id()).ok()
}
