//! One row. Everything inside a row that changes follows the row's own signals.

use leptos::html::Input;
use leptos::prelude::*;
use settee_leptos::Row;

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
        // The end of an edit by a key takes the field away, which blurs it.
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
            // A row that is moved loses the focus on the way.
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

/// How an edit ends.
struct Draft {
    /// Trimmed. None: the title stays as it is.
    title: Option<String>,
    /// By a key, so that the focus has nowhere to go.
    by_key: bool,
}

/// Lives only while its row is edited. The text is the field's own, and nothing from outside
/// reaches it.
#[component]
fn EditField(title: String, end: impl Fn(Draft) + Copy + Send + Sync + 'static) -> impl IntoView {
    let field = NodeRef::<Input>::new();
    Effect::new(move || {
        if let Some(field) = field.get() {
            focus::to(&field);
            // Browsers take a place beyond the end for the end.
            let _ = field.set_selection_range(u32::MAX, u32::MAX);
        }
    });
    let label = format!("Edit {title}");
    let before = StoredValue::new(title.clone());
    let save = move |text: String, by_key: bool| {
        let title = text.trim();
        // None: the field blurs once more while it is taken away.
        let Some(changed) = before.try_with_value(|before| before != title) else { return };
        // An unchanged draft writes nothing, for others may have changed the title meanwhile.
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

/// The row's controls are hidden until the page has been drawn without the field.
fn return_to(toggle: NodeRef<Input>) {
    request_animation_frame(move || {
        if let Some(toggle) = toggle.try_get_untracked().flatten() {
            focus::to(&toggle);
        }
    });
}
