//! Errors that people have to know of at once.

use leptos::prelude::*;
use settee::leptos::{CollectionError, Problem};

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

/// An error of one todo can be dismissed. An error of the whole list stays until it is resolved.
#[component]
fn ProblemLine(problem: Problem, todos: Todos) -> impl IntoView {
    let text = sentence(&problem.error);
    let dismiss = problem.id.is_some().then(|| {
        view! {
            <button type="button" data-action="dismiss" on:click=move |_| todos.dismiss(&problem)>
                "Dismiss"
            </button>
        }
    });
    view! { <p>{text} " " {dismiss}</p> }
}

fn sentence(error: &CollectionError) -> String {
    match error {
        CollectionError::Read(error) => format!("The list can't be read any more: {error}."),
        CollectionError::Write(error) => {
            format!("Changes are not saved on this device: {error}.")
        }
        CollectionError::Edit(error) => format!("A change was not saved: {error}."),
        CollectionError::InvalidEdit(error) => format!("A change was not saved: {error}."),
        CollectionError::UnreadableChoice => {
            "A choice was not saved: this field has to be something else.".to_owned()
        }
        CollectionError::InvalidChoice(error) => format!("A choice was not saved: {error}."),
        CollectionError::InvalidKey(error) => format!("An entry can't be saved: {error}."),
        CollectionError::DuplicateKey(id) => {
            format!("Of several entries “{id}” only the first is saved.")
        }
    }
}

fn unreadable(count: usize) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 todo can’t be shown by this version. It is kept.".to_owned()),
        count => Some(format!("{count} todos can’t be shown by this version. They are kept.")),
    }
}
