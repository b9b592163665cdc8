//! The field for a new todo.

use leptos::html::Input;
use leptos::prelude::*;

use crate::keys;
use crate::session::Access;
use crate::todos::Todos;

#[component]
pub fn NewTodo(todos: Todos, access: Memo<Access>) -> impl IntoView {
    let field = NodeRef::<Input>::new();
    // Whether Enter was pressed before the list was loaded. The todo is then added after loading.
    let early = StoredValue::new(false);

    let add = move || {
        let Some(field) = field.get_untracked() else { return };
        if !todos.ready.get_untracked() {
            early.set_value(true);
        } else if todos.add(&field.value()) {
            field.set_value("");
        }
    };
    Effect::new(move || {
        if todos.ready.get() && early.get_value() {
            early.set_value(false);
            add();
        }
    });

    view! {
        <Show when=move || access.get() != Access::Read>
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
                on:keydown=move |event| {
                    if keys::is_enter(&event) {
                        add();
                    }
                }
            />
        </Show>
    }
}
