//! The rows, and the checkbox that completes them all.

use leptos::prelude::*;

use super::{EditFields, RowEvents, TodoItem};
use crate::focus;
use crate::later::Later;
use crate::session::Access;
use crate::todos::Todos;

/// In a list of more todos, rows that are out of view aren't laid out.
const LONG: usize = 50;

#[component]
pub fn TodoList(todos: Todos, access: Memo<Access>, later: Later) -> impl IntoView {
    let shown = todos.shown();
    let read_only = Memo::new(move |_| access.get() == Access::Read);
    let fields = EditFields::new(todos);
    let rows = RowEvents { todos, fields, read_only };
    let long = Memo::new(move |_| todos.total.get() > LONG);
    let all_done = move || todos.total.get() > 0 && todos.active_count.get() == 0;

    view! {
        <section class="main" hidden=move || todos.total.get() == 0>
            <input
                id="toggle-all"
                class="toggle-all"
                type="checkbox"
                prop:checked=all_done
                disabled=move || read_only.get()
                on:change=move |event| todos.complete_all(event_target_checked(&event))
            />
            <label for="toggle-all">"Mark all as complete"</label>
            // With an explicit role, because Safari removes it from lists without bullets.
            <ul
                class="todo-list"
                class:long=long
                role="list"
                on:change=move |event| rows.change(&event)
                on:click=move |event| rows.click(&event)
                on:dblclick=move |event| rows.double_click(&event)
                on:keydown=move |event| rows.key_down(&event)
            >
                <For
                    // Rows are rendered for one role. When the role changes, they are rendered
                    // again.
                    each=move || {
                        focus::hold();
                        let read_only = read_only.get();
                        shown.get().into_iter().map(move |id| (id, read_only))
                    }
                    key=Clone::clone
                    children=move |(id, read_only)| {
                        todos.row(&id).map(|row| view! { <TodoItem row todos fields later read_only /> })
                    }
                />
            </ul>
        </section>
    }
}
