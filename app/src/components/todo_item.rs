//! One row, which renders from its own signals.

use leptos::ev::KeyboardEvent;
use leptos::html::Input;
use leptos::prelude::*;
use settee::leptos::Row;
use settee::store::DocumentId;

use crate::components::Notice;
use crate::drafts::Draft;
use crate::todo_row::TodoRow;
use crate::todos::Todos;
use crate::{focus, keys};

#[component]
pub fn TodoItem(row: Row<TodoRow>, todos: Todos, read_only: bool) -> impl IntoView {
    let Row { id, value, state } = row;
    let name = id.to_string();
    // An edit goes on where the row is shown again.
    let draft = todos.draft(&id);
    let editing = RwSignal::new(!read_only && draft.is_some());
    let toggle = NodeRef::<Input>::new();
    let item = Item { id: StoredValue::new(id), todos, toggle, editing, read_only };
    let completed = move || value.with(|row| row.0.completed);
    let title = move || value.with(|row| row.0.title.clone());
    let editor = move || {
        let draft = editing.get().then(|| item.id.with_value(|id| todos.draft(id))).flatten();
        draft.map(|draft| view! { <EditField draft item /> })
    };
    let unsaved = draft.filter(|draft| read_only && draft.before != draft.text);

    view! {
        <li class:completed=completed class:editing=editing>
            <div class="view">
                <input
                    node_ref=toggle
                    class="toggle"
                    type="checkbox"
                    aria-labelledby=name.clone()
                    aria-keyshortcuts=(!read_only).then_some("F2 Enter Alt+ArrowUp Alt+ArrowDown")
                    disabled=read_only
                    prop:checked=completed
                    on:change=move |event| item.complete(event_target_checked(&event))
                    on:keydown=move |event| item.take_key(&event)
                />
                <label id=name.clone() dir="auto" on:dblclick=move |_| item.begin_edit()>
                    {title}
                </label>
                {(!read_only).then(|| view! { <Buttons item name /> })}
            </div>
            {editor}
            {unsaved.map(|draft| view! { <UnsavedDraft text=draft.text /> })}
            <Notice id=item.id.get_value() state todos read_only />
        </li>
    }
}

#[component]
fn Buttons(item: Item, name: String) -> impl IntoView {
    view! {
        <button
            class="pencil"
            type="button"
            aria-label="Edit"
            aria-describedby=name.clone()
            on:click=move |_| item.begin_edit()
        ></button>
        <button
            class="destroy"
            type="button"
            aria-label="Delete"
            aria-describedby=name
            on:click=move |_| item.remove()
        ></button>
    }
}

/// What can be done with a row.
#[derive(Clone, Copy)]
struct Item {
    id: StoredValue<DocumentId>,
    todos: Todos,
    toggle: NodeRef<Input>,
    editing: RwSignal<bool>,
    read_only: bool,
}

impl Item {
    fn complete(self, completed: bool) {
        self.id.with_value(|id| self.todos.complete(id, completed));
    }

    fn remove(self) {
        self.pass_focus_on();
        self.id.with_value(|id| self.todos.remove(id));
    }

    fn pass_focus_on(self) {
        if let Some(row) = row_of(self.toggle) {
            focus::pass_on(&row);
        }
    }

    fn begin_edit(self) {
        if !self.read_only {
            self.id.with_value(|id| self.todos.begin_edit(id));
            self.editing.set(true);
        }
    }

    /// Ends the edit, with a new title or without one. A key that ends it moves the focus, too.
    fn end_edit(self, title: Option<&str>, by_key: bool) {
        // When a key ends the edit, the field is removed, which causes another blur event.
        if self.editing.try_get_untracked() != Some(true) {
            return;
        }
        let removes = title == Some("");
        if removes {
            // The row goes at once, and its field with it.
            self.editing.set(false);
            self.pass_focus_on();
        }
        if !self.id.with_value(|id| self.todos.end_edit(id, title)) {
            return;
        }
        if !removes {
            self.editing.set(false);
            if by_key {
                return_to(self.toggle);
            }
        }
    }

    fn keep_draft(self, text: String) {
        self.id.with_value(|id| self.todos.keep_draft(id, text));
    }

    fn take_key(self, event: &KeyboardEvent) {
        if keys::is_enter(event) || keys::is_key(event, "F2") {
            event.prevent_default();
            self.begin_edit();
        } else if event.alt_key() && !self.read_only {
            self.shift(event);
        }
    }

    fn shift(self, event: &KeyboardEvent) {
        let (up, down) = (keys::is_key(event, "ArrowUp"), keys::is_key(event, "ArrowDown"));
        if (up || down) && self.id.with_value(|id| self.todos.move_by_one(id, down)) {
            event.prevent_default();
            // Moving a row in the document removes the focus from it.
            return_to(self.toggle);
        }
    }
}

/// Exists only while the row is edited. Changes by others don't affect its text, and only its person
/// ends the edit.
#[component]
fn EditField(draft: Draft, item: Item) -> impl IntoView {
    let field = NodeRef::<Input>::new();
    Effect::new(move || {
        if let Some(field) = field.get() {
            focus::to(&field);
            // Browsers clamp the position to the end of the text.
            let _ = field.set_selection_range(u32::MAX, u32::MAX);
        }
    });
    let label = format!("Edit {}", draft.before);
    let before = StoredValue::new(draft.before);
    let save = move |text: String, by_key: bool| {
        let title = text.trim();
        // `None` if the field was disposed of: removing it causes another blur event.
        let Some(changed) = before.try_with_value(|before| before != title) else { return };
        // Unchanged text is not written, because others may have changed the title meanwhile.
        item.end_edit(changed.then_some(title), by_key);
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
            prop:value=draft.text
            on:input=move |event| item.keep_draft(event_target_value(&event))
            on:blur=move |event| {
                if !focus::is_held() {
                    save(event_target_value(&event), false);
                }
            }
            on:keydown=move |event| {
                if keys::is_enter(&event) {
                    save(event_target_value(&event), true);
                } else if keys::is_key(&event, "Escape") {
                    item.end_edit(None, true);
                }
            }
        />
    }
}

/// What somebody had typed before they lost the right to edit.
#[component]
fn UnsavedDraft(text: String) -> impl IntoView {
    let text = format!("Not saved, and kept here until you may edit again: “{text}”");
    view! { <div class="notice"><p>{text}</p></div> }
}

fn row_of(toggle: NodeRef<Input>) -> Option<leptos::web_sys::Element> {
    toggle.get_untracked()?.closest("li").ok()?
}

/// Focuses the checkbox in the next frame: until then it is hidden by the field.
fn return_to(toggle: NodeRef<Input>) {
    request_animation_frame(move || {
        if let Some(toggle) = toggle.try_get_untracked().flatten() {
            focus::to(&toggle);
        }
    });
}
