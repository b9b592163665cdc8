//! The counter, the filters, and the button that clears completed todos.

use leptos::prelude::*;

use crate::filter::Filter;
use crate::focus;
use crate::session::Access;
use crate::todos::Todos;

#[component]
pub fn Footer(todos: Todos, access: Memo<Access>) -> impl IntoView {
    let left = todos.active_count;
    let can_clear = move || todos.completed_count.get() > 0 && access.get() == Access::Write;
    let clear = move |_| {
        if !can_clear() {
            return;
        }
        todos.clear_completed();
        // The button may have the focus, and is hidden now.
        focus::to_first(".todo-list li:not(.completed) .toggle, .new-todo");
    };

    view! {
        <footer class="footer" hidden=move || todos.total.get() == 0>
            <span class="todo-count">
                <strong>{move || left.get().to_string()}</strong>
                {move || if left.get() == 1 { " item left" } else { " items left" }}
            </span>
            <ul class="filters" role="list" aria-label="Filter">
                {Filter::EACH.map(|filter| view! { <FilterLink filter chosen=todos.filter /> })}
            </ul>
            <button
                class="clear-completed"
                type="button"
                hidden=move || !can_clear()
                on:click=clear
            >
                "Clear completed"
            </button>
        </footer>
    }
}

#[component]
fn FilterLink(filter: Filter, chosen: RwSignal<Filter>) -> impl IntoView {
    let selected = move || chosen.get() == filter;
    view! {
        <li>
            <a
                href=filter.hash()
                class:selected=selected
                aria-current=move || selected().then_some("page")
            >
                {filter.label()}
            </a>
        </li>
    }
}
