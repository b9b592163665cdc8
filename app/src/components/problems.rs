//! What went wrong and can't wait to be noticed.

use leptos::prelude::*;
use settee_leptos::Problem;

use crate::todos::Todos;

#[component]
pub fn Problems(todos: Todos) -> impl IntoView {
    let problems = move || {
        let problem = |problem: Problem| view! { <ProblemLine problem todos /> };
        todos.problems().get().into_iter().map(problem).collect_view()
    };
    view! {
        <div class="problems" role="alert">
            {move || todos.complaint.get().map(|text| view! { <p>{text}</p> })}
            {problems}
            {move || unreadable(todos.unreadable().with(Vec::len)).map(|text| view! { <p>{text}</p> })}
        </div>
    }
}

/// What concerns one todo can be put away; what concerns all goes when it is over.
#[component]
fn ProblemLine(problem: Problem, todos: Todos) -> impl IntoView {
    let text = problem.text.clone();
    let dismiss = problem.id.is_some().then(|| {
        view! {
            <button type="button" data-action="dismiss" on:click=move |_| todos.dismiss(&problem)>
                "Dismiss"
            </button>
        }
    });
    view! { <p>{text} " " {dismiss}</p> }
}

fn unreadable(count: usize) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 todo can’t be shown by this version. It is kept.".to_owned()),
        count => Some(format!("{count} todos can’t be shown by this version. They are kept.")),
    }
}
