//! Errors that people have to know of at once.

use leptos::prelude::*;
use leptos::task::spawn_local;
use settee::leptos::{CollectionError, Problem};

use super::refused::RefusedChanges;
use super::revoked::LostAccess;
use crate::mounted::{Mounted, Place};
use crate::opened::Opened;
use crate::session::SessionSlot;
use crate::todos::Todos;

pub fn contents(place: &Place, session: SessionSlot, opened: Opened) -> Mounted {
    place.mount(|| {
        let problems = move || {
            let todos = opened.todos();
            let problem = |problem: Problem| view! { <ProblemLine problem todos /> };
            todos.problems().get().into_iter().map(problem).collect_view()
        };
        let unreadable = move || unreadable(opened.todos().unreadable().with(Vec::len));
        view! {
            {move || opened.todos().complaint.get().map(|text| view! { <p>{text}</p> })}
            {problems}
            {move || unreadable().map(|text| view! { <p>{text}</p> })}
            <RefusedChanges session opened />
            <LostChanges session opened />
            <LostAccess session />
        }
    })
}

/// Told until it is dismissed, for nothing else shows it.
#[component]
fn LostChanges(session: SessionSlot, opened: Opened) -> impl IntoView {
    let status = session.status();
    let count = Memo::new(move |_| status.with(|status| status.lost));
    let dismissed = RwSignal::new(0);
    Effect::new(move || {
        opened.turn();
        dismissed.set(0);
    });
    let dismiss = move |_| {
        dismissed.set(count.get_untracked());
        if let Some(database) = untrack(|| session.current(|list| list.database.clone())) {
            // If that can't be written down, they are told again.
            spawn_local(async move { drop(database.forget_lost().await) });
        }
    };
    move || {
        (count.get() > dismissed.get()).then(|| {
            view! {
                <p>
                    {lost(count.get())} " "
                    <button type="button" data-action="dismiss" on:click=dismiss>
                        "Dismiss"
                    </button>
                </p>
            }
        })
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

/// The status line says why the storage fails, and this what follows.
fn sentence(error: &CollectionError) -> String {
    match error {
        CollectionError::Read(_) => "Others’ changes aren’t shown any more.".to_owned(),
        CollectionError::Write(_) => "Keep this page open until your changes are saved.".to_owned(),
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

fn lost(count: usize) -> String {
    match count {
        1 => "A change of yours was lost: 1 todo was damaged on this device before the server had it."
            .to_owned(),
        n => format!(
            "Changes of yours were lost: {n} todos were damaged on this device before the server had them."
        ),
    }
}

fn unreadable(count: usize) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 todo can’t be shown by this version. It is kept.".to_owned()),
        count => Some(format!("{count} todos can’t be shown by this version. They are kept.")),
    }
}
