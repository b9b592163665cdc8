//! A list that the device has no access to any more: what it has can be read, kept, or removed.

use leptos::prelude::*;

use crate::session::{Command, CurrentList, SessionSlot};

#[component]
pub fn Revoked(session: SessionSlot) -> impl IntoView {
    let is_revoked = Memo::new(move |_| session.current(|list| list.is_revoked) == Some(true));
    move || is_revoked.get().then(|| view! { <Choices session /> })
}

#[component]
fn Choices(session: SessionSlot) -> impl IntoView {
    let is_asking = RwSignal::new(false);
    let waiting = move || session.get().map_or(0, |session| session.status().get().pending);
    let unsent = move || match waiting() {
        0 => String::new(),
        1 => " 1 change of yours was never sent, and is only here.".to_owned(),
        n => format!(" {n} changes of yours were never sent, and are only here."),
    };
    let shown = move || untrack(|| session.current(CurrentList::clone));
    let copy = move |_| {
        if let Some(CurrentList { id: list, name, .. }) = shown() {
            session.ask(Command::Copy { list, name, is_template: false });
        }
    };
    let remove = move |_| {
        // What was never sent would be lost.
        if untrack(waiting) > 0 && !is_asking.get_untracked() {
            is_asking.set(true);
        } else if let Some(CurrentList { id: list, .. }) = shown() {
            session.ask(Command::Forget { list });
        }
    };
    view! {
        <p data-link="revoked">
            "You have no access to this list any more. What you see stays on this device, and nothing new comes."
            {unsent} " " <button type="button" data-action="keep-copy" on:click=copy>
                "Keep a copy of my own"
            </button> " " <button type="button" data-action="remove-revoked" on:click=remove>
                {move || if is_asking.get() { "Remove it, with what was never sent" } else { "Remove it" }}
            </button>
        </p>
    }
}
