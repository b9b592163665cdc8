//! One row, which renders from its own signals.

use leptos::html::Input;
use leptos::prelude::*;
use settee::leptos::Row;

use crate::components::Notice;
use crate::todo_row::TodoRow;
use crate::todos::Todos;
use crate::{focus, keys};

#[component]
pub fn TodoItem(row: Row<TodoRow>, todos: Todos, read_only: bool) -> impl IntoView {
    let Row { id, value, state } = row;
    let name = id.to_string();
    let id = StoredValue::new(id);
    let toggle = NodeRef::<Input>::new();
    let editing = RwSignal::new(false);
    let completed = move || value.with(|row| row.0.completed);
    let title = move || value.with(|row| row.0.title.clone());

    let remove = move || {
        if let Some(row) = row_of(toggle) {
            focus::pass_on(&row);
        }
        id.with_value(|id| todos.remove(id));
    };
    let begin = move || {
        if !read_only {
            id.with_value(|id| todos.begin_edit(id));
            editing.set(true);
        }
    };
    let end = move |draft: Draft| {
        // When a key ends the edit, the field is removed, which causes another blur event.
        if !editing.get_untracked() {
            return;
        }
        match draft.title.as_deref() {
            Some("") => {
                editing.set(false);
                remove();
            }
            Some(title) if !id.with_value(|id| todos.rename(id, title)) => return,
            _ => editing.set(false),
        }
        id.with_value(|id| todos.end_edit(id));
        if draft.by_key {
            return_to(toggle);
        }
    };

    let shift = move |event: &leptos::ev::KeyboardEvent| {
        let (up, down) = (keys::is_key(event, "ArrowUp"), keys::is_key(event, "ArrowDown"));
        if (up || down) && id.with_value(|id| todos.move_by_one(id, down)) {
            event.prevent_default();
            // Moving a row in the document removes the focus from it.
            return_to(toggle);
        }
    };

    let editor = move || {
        let title = value.with_untracked(|row| row.0.title.clone());
        editing.get().then(|| view! { <EditField title end /> })
    };
    let buttons = (!read_only).then(|| {
        view! {
            <button
                class="pencil"
                type="button"
                aria-label="Edit"
                aria-describedby=name.clone()
                on:click=move |_| begin()
            ></button>
            <button
                class="destroy"
                type="button"
                aria-label="Delete"
                aria-describedby=name.clone()
                on:click=move |_| remove()
            ></button>
        }
    });

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
                    on:change=move |event| {
                        let completed = event_target_checked(&event);
                        id.with_value(|id| todos.complete(id, completed));
                    }
                    on:keydown=move |event| {
                        if keys::is_enter(&event) || keys::is_key(&event, "F2") {
                            event.prevent_default();
                            begin();
                        } else if event.alt_key() && !read_only {
                            shift(&event);
                        }
                    }
                />
                <label id=name dir="auto" on:dblclick=move |_| begin()>
                    {title}
                </label>
                {buttons}
            </div>
            {editor}
            <Notice id=id.get_value() state todos read_only />
        </li>
    }
}

/// The result of an edit.
struct Draft {
    /// The new title, trimmed. `None` if the title doesn't change.
    title: Option<String>,
    /// Whether a key ended the edit, so that the focus has to be moved.
    by_key: bool,
}

/// Exists only while the row is edited. Changes by others don't affect its text.
#[component]
fn EditField(title: String, end: impl Fn(Draft) + Copy + Send + Sync + 'static) -> impl IntoView {
    let field = NodeRef::<Input>::new();
    Effect::new(move || {
        if let Some(field) = field.get() {
            focus::to(&field);
            // Browsers clamp the position to the end of the text.
            let _ = field.set_selection_range(u32::MAX, u32::MAX);
        }
    });
    let label = format!("Edit {title}");
    let before = StoredValue::new(title.clone());
    let save = move |text: String, by_key: bool| {
        let title = text.trim();
        // `None` if the field was disposed of: removing it causes another blur event.
        let Some(changed) = before.try_with_value(|before| before != title) else { return };
        // Unchanged text is not written, because others may have changed the title meanwhile.
        end(Draft { title: changed.then(|| title.to_owned()), by_key });
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
            prop:value=title
            on:blur=move |event| save(event_target_value(&event), false)
            on:keydown=move |event| {
                if keys::is_enter(&event) {
                    save(event_target_value(&event), true);
                } else if keys::is_key(&event, "Escape") {
                    end(Draft { title: None, by_key: true });
                }
            }
        />
    }
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
