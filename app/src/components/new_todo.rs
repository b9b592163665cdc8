//! The field for a new todo.

use leptos::html::Input;
use leptos::prelude::*;
use leptos::web_sys::{ClipboardEvent, HtmlInputElement};

use crate::keys;
use crate::session::Access;
use crate::todos::Todos;

#[component]
pub fn NewTodo(todos: Todos, access: Memo<Access>) -> impl IntoView {
    let field = NodeRef::<Input>::new();
    // What was typed before, into the page as the server made it, or when the list was last on the screen.
    Effect::new(move || {
        let Some(field) = field.get() else { return };
        match todos.typed_so_far() {
            draft if draft.is_empty() => todos.typed(field.value()),
            draft => field.set_value(&draft),
        }
    });
    let add = move || {
        let Some(field) = field.get_untracked() else { return };
        if todos.add(&field.value()) {
            field.set_value("");
        }
    };

    // Several lines become several todos. A single one is pasted as the browser does it.
    let paste = move |event: ClipboardEvent| {
        let pasted = event.clipboard_data().and_then(|data| data.get_data("text").ok());
        let Some((field, pasted)) = field.get_untracked().zip(pasted) else { return };
        if pasted.trim().lines().count() < 2 {
            return;
        }
        event.prevent_default();
        let lines = with_pasted(&field, &pasted);
        if todos.add(&lines) {
            field.set_value("");
        }
    };
    // What somebody has typed stays there when they may no longer write.
    let has_draft = move || field.get_untracked().is_some_and(|field| !field.value().is_empty());
    let read_only = move || access.get() == Access::Read;

    view! {
        <input
            node_ref=field
            class="new-todo"
            type="text"
            placeholder="What needs to be done?"
            aria-label="New todo"
            autocomplete="off"
            enterkeyhint="done"
            dir="auto"
            autofocus
            hidden=move || read_only() && !has_draft()
            readonly=read_only
            on:input=move |event| todos.typed(event_target_value(&event))
            on:paste=paste
            on:keydown=move |event| {
                if keys::is_enter(&event) && !read_only() {
                    add();
                }
            }
        />
        <ul class="early" role="list" hidden=move || todos.early().with(Vec::is_empty)>
            {move || {
                let waiting = todos.early().get().into_iter();
                waiting.map(|text| view! { <li dir="auto">{text}</li> }).collect_view()
            }}
        </ul>
    }
}

/// The field's text with the pasted one in place of its selection.
fn with_pasted(field: &HtmlInputElement, pasted: &str) -> String {
    // Browsers count in UTF-16.
    let units: Vec<u16> = field.value().encode_utf16().collect();
    let place = |at: Result<Option<u32>, _>| {
        at.ok().flatten().map_or(units.len(), |at| units.len().min(at as usize))
    };
    let (start, end) = (place(field.selection_start()), place(field.selection_end()));
    let before = String::from_utf16_lossy(&units[..start]);
    let after = String::from_utf16_lossy(&units[end.max(start)..]);
    format!("{before}{pasted}{after}")
}
