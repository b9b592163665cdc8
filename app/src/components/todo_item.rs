//! One row. A list may have thousands, so each effect and each listener counts: a row has a single
//! effect, and the list listens for all its rows.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::{Element, HtmlInputElement};
use settee::leptos::{Row, RowState};
use settee::store::DocumentId;
use settee_todo::Todo;

use super::{EditFields, NoticePlace};
use crate::later::{Later, Notice};
use crate::rights::Rights;
use crate::todo_row::TodoRow;

#[component]
pub fn TodoItem(row: Row<TodoRow>, fields: EditFields, later: Later) -> impl IntoView {
    let fill = move |item| fill(&item, row.clone(), fields, later);
    // Leptos clones elements without dynamic attributes from a template, which is faster than making them
    // anew. What depends on the todo, and on what may be done with it, is written later.
    view! {
        <li use:fill>
            <div class="view">
                <input
                    class="toggle"
                    type="checkbox"
                    aria-keyshortcuts="F2 Enter Alt+ArrowUp Alt+ArrowDown"
                />
                <label dir="auto"></label>
                <button class="pencil" type="button" aria-label="Edit"></button>
                <button class="destroy" type="button" aria-label="Delete"></button>
            </div>
        </li>
    }
}

/// Writes the todo into its row, now and whenever it changes.
fn fill(item: &Element, row: Row<TodoRow>, fields: EditFields, later: Later) {
    // A strong handle would keep the effect alive, and the effect its owner.
    let Some(owner) = Owner::current().map(|owner| owner.downgrade()) else { return };
    let Row { id, value, state } = row;
    let item = item.clone();
    let mut parts = None;
    let mut notice: Option<Box<dyn Notice>> = None;
    Effect::new(move || {
        if parts.is_none() {
            // The row has its elements when the effect runs first.
            parts = Parts::of(&item, &id, fields.rights);
            // An edit goes on where the row is shown again.
            fields.open(&item, &id);
        }
        let Some(parts) = &mut parts else { return };
        value.with(|TodoRow(todo)| {
            parts.write(todo);
            state.with(|state| {
                if notice.is_none() && (has_names(todo) || asks(state)) {
                    notice = later.get().map(|parts| {
                        let (item, id, owner) = (item.clone(), id.clone(), owner.clone());
                        (parts.notice)(NoticePlace { item, id, owner, rights: fields.rights })
                    });
                }
                if let Some(notice) = &mut notice {
                    notice.show(todo, state);
                }
            });
        });
    });
}

/// Whether somebody has said who they are.
fn has_names(todo: &Todo) -> bool {
    [&todo.by, &todo.ticked, &todo.edited].iter().any(|name| !name.is_empty())
}

/// Whether there is anything to say or to decide besides the todo.
fn asks(state: &RowState) -> bool {
    let RowState { refused, conflicts, shows_one, kept, .. } = state;
    refused.is_some() || !conflicts.is_empty() || *shows_one || kept.is_some()
}

/// The elements of a row that depend on its todo.
struct Parts {
    item: Element,
    toggle: HtmlInputElement,
    label: Element,
    title: Option<String>,
}

impl Parts {
    /// Finds them, and names the row: by the id of its label, which others refer to.
    fn of(item: &Element, id: &DocumentId, rights: Rights) -> Option<Self> {
        let toggle = item.first_element_child()?.first_element_child()?;
        let label = toggle.next_element_sibling()?;
        label.set_id(id.as_str());
        set(&toggle, "aria-labelledby", id.as_str());
        let buttons =
            std::iter::successors(label.next_element_sibling(), Element::next_element_sibling);
        for button in buttons {
            set(&button, "aria-describedby", id.as_str());
        }
        let toggle: HtmlInputElement = toggle.dyn_into().ok()?;
        rights.mark(item, &toggle, id);
        Some(Self { item: item.clone(), toggle, label, title: None })
    }

    fn write(&mut self, todo: &Todo) {
        // Somebody may have selected a part of the text.
        if self.title.as_ref() != Some(&todo.title) {
            self.label.set_text_content(Some(&todo.title));
            self.title = Some(todo.title.clone());
        }
        self.toggle.set_checked(todo.completed);
        // It fails on names with a space alone.
        let _ = self.item.class_list().toggle_with_force("completed", todo.completed);
    }
}

fn set(element: &Element, name: &str, value: &str) {
    // It fails on invalid names alone.
    let _ = element.set_attribute(name, value);
}
