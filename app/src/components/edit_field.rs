//! The fields of the rows that are being edited.

use std::collections::HashMap;

use leptos::html::Input;
use leptos::prelude::*;
use leptos::reactive::owner::WeakOwner;
use leptos::web_sys::Element;
use settee::store::DocumentId;

use crate::drafts::Draft;
use crate::mounted::Mounted;
use crate::rights::Rights;
use crate::{focus, keys};

/// The fields that are open, by row.
#[derive(Clone, Copy)]
pub struct EditFields {
    pub rights: Rights,
    open: StoredValue<HashMap<DocumentId, Mounted>, LocalStorage>,
    owner: StoredValue<Option<WeakOwner>>,
}

impl EditFields {
    pub fn new(rights: Rights) -> Self {
        let owner = Owner::current().map(|owner| owner.downgrade());
        let owner = StoredValue::new(owner);
        Self { rights, open: StoredValue::new_local(HashMap::new()), owner }
    }

    /// Begins the edit of a row.
    pub fn begin(self, item: &Element, id: &DocumentId) {
        self.rights.todos.begin_edit(id);
        self.open(item, id);
    }

    /// Opens the field of a row, if an edit has begun.
    pub fn open(self, item: &Element, id: &DocumentId) {
        let Some(draft) = self.rights.todos.draft(id) else { return };
        let Some(owner) = self.owner.get_value().and_then(|owner| owner.upgrade()) else { return };
        // The row may be a new one.
        drop(self.take(id));
        let (item_of_field, id_of_field) = (item.clone(), id.clone());
        let view = || {
            view! { <EditField draft item=item_of_field id=id_of_field fields=self /> }
        };
        let behind = item.first_element_child().and_then(|shown| shown.next_sibling());
        let field = Mounted::new(&owner, item, behind.as_ref(), view);
        mark(item, true);
        self.keep(id, field);
    }

    fn keep(self, id: &DocumentId, field: Mounted) {
        self.open.update_value(|open| drop(open.insert(id.clone(), field)));
    }

    fn take(self, id: &DocumentId) -> Option<Mounted> {
        self.open.try_update_value(|open| open.remove(id)).flatten()
    }

    /// Ends an edit, with a new title or without one. A key that ends it moves the focus, too.
    fn end(self, item: &Element, id: &DocumentId, title: Option<&str>, by_key: bool) {
        // Removing the field causes another blur event.
        let Some(field) = self.take(id) else { return };
        let removes = title == Some("");
        if removes {
            focus::pass_on(item);
        }
        if !self.rights.todos.end_edit(id, title) {
            self.keep(id, field);
            return;
        }
        drop(field);
        mark(item, false);
        if by_key && !removes {
            focus::return_to(item);
        }
    }
}

fn mark(item: &Element, is_editing: bool) {
    // It fails on names with a space alone.
    let _ = item.class_list().toggle_with_force("editing", is_editing);
}

/// Exists only while the row is edited. Changes by others don't affect its text, and only its person
/// ends the edit.
#[component]
fn EditField(draft: Draft, item: Element, id: DocumentId, fields: EditFields) -> impl IntoView {
    let field = NodeRef::<Input>::new();
    Effect::new(move || {
        if let Some(field) = field.get() {
            focus::to(&field);
            // Browsers clamp the position to the end of the text.
            let _ = field.set_selection_range(u32::MAX, u32::MAX);
        }
    });
    let label = format!("Edit {}", draft.before);
    let (item, id) = (StoredValue::new_local(item), StoredValue::new(id));
    let before = StoredValue::new(draft.before);
    let end = move |title: Option<&str>, by_key: bool| {
        let row = item.try_get_value().zip(id.try_get_value());
        if let Some((item, id)) = row {
            fields.end(&item, &id, title, by_key);
        }
    };
    // What somebody has typed stays there when they may no longer edit.
    let may_edit = move || id.try_with_value(|id| fields.rights.may_edit(id)) == Some(true);
    let save = move |text: String, by_key: bool| {
        let title = text.trim();
        // `None` if the field was disposed of: removing it causes another blur event.
        let Some(changed) = before.try_with_value(|before| before != title) else { return };
        if changed && !untrack(may_edit) {
            return;
        }
        // Unchanged text is not written, because others may have changed the title meanwhile.
        end(changed.then_some(title), by_key);
    };

    view! {
        <input
            node_ref=field
            class="edit"
            type="text"
            aria-label=label
            autocomplete="off"
            enterkeyhint="done"
            dir="auto"
            readonly=move || !may_edit()
            prop:value=draft.text
            on:input=move |event| {
                id.with_value(|id| fields.rights.todos.keep_draft(id, event_target_value(&event)));
            }
            on:blur=move |event| {
                if !focus::is_held() {
                    save(event_target_value(&event), false);
                }
            }
            on:keydown=move |event| {
                if keys::is_enter(&event) {
                    save(event_target_value(&event), true);
                } else if keys::is_key(&event, "Escape") {
                    end(None, true);
                }
            }
        />
        <button
            class="discard"
            type="button"
            hidden=may_edit
            on:click=move |_| end(None, true)
        >
            "Not saved, for you may not edit this now. Discard it"
        </button>
    }
}
