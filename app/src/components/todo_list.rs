//! The rows, and the checkbox that completes them all.

use leptos::html::Ul;
use leptos::prelude::*;

use super::{EditFields, RowEvents, TodoItem};
use crate::focus;
use crate::later::Later;
use crate::rights::Rights;
use crate::session::Access;
use crate::todos::Todos;

/// In a list of more todos, rows that are out of view aren't laid out.
const LONG: usize = 50;

#[component]
pub fn TodoList(todos: Todos, access: Memo<Access>, later: Later) -> impl IntoView {
    let shown = todos.shown();
    let list = NodeRef::<Ul>::new();
    let fields = EditFields::new(Rights { todos, access });
    let rows = RowEvents(fields);
    Effect::new(move || {
        fields.rights.track();
        if let Some(list) = list.get() {
            rows.mark_all(&list);
        }
    });
    let marked = move || match access.get() {
        Access::Read => Some("read"),
        Access::Help => Some("help"),
        _ => None,
    };
    let long = Memo::new(move |_| todos.total.get() > LONG);
    let all_done = move || todos.total.get() > 0 && todos.active_count.get() == 0;

    view! {
        <section class="main" hidden=move || todos.total.get() == 0>
            <input
                id="toggle-all"
                class="toggle-all"
                type="checkbox"
                prop:checked=all_done
                disabled=move || access.get() == Access::Read
                on:change=move |event| todos.complete_all(event_target_checked(&event))
            />
            <label for="toggle-all">"Mark all as complete"</label>
            // With an explicit role, because Safari removes it from lists without bullets.
            <ul
                node_ref=list
                class="todo-list"
                class:long=long
                data-access=marked
                role="list"
                on:change=move |event| rows.change(&event)
                on:click=move |event| rows.click(&event)
                on:dblclick=move |event| rows.double_click(&event)
                on:keydown=move |event| rows.key_down(&event)
            >
                <For
                    each=move || {
                        focus::hold();
                        shown.get()
                    }
                    key=Clone::clone
                    children=move |id| {
                        todos.row(&id).map(|row| view! { <TodoItem row fields later /> })
                    }
                />
            </ul>
        </section>
    }
}
