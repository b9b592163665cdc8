//! What went wrong and can't wait to be noticed.

use leptos::prelude::*;

use crate::todos::Todos;

#[component]
pub fn Problems(todos: Todos) -> impl IntoView {
    view! {
        <div class="problems" role="alert">
            {move || todos.complaint.get().map(|text| view! { <p>{text}</p> })}
            {move || {
                todos
                    .problems
                    .with(|problems| {
                        problems
                            .iter()
                            .map(|problem| view! { <p>{problem.text.clone()}</p> })
                            .collect_view()
                    })
            }}
        </div>
    }
}
