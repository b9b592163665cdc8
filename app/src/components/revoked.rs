//! A list that the device has no access to any more: what it has can be read, kept, or removed.

use leptos::html::Button;
use leptos::prelude::*;

use crate::focus;
use crate::session::{Command, SessionSlot};

#[component]
pub fn Revoked(session: SessionSlot) -> impl IntoView {
    let revoked = Memo::new(move |_| {
        session.current(|list| list.is_revoked.then(|| list.id.clone())).flatten()
    });
    move || revoked.get().map(|list| view! { <Choices session list /> })
}

#[component]
fn Choices(session: SessionSlot, list: String) -> impl IntoView {
    let (is_asking, keep) = (RwSignal::new(false), NodeRef::<Button>::new());
    let list = StoredValue::new(list);
    let waiting = move || session.get().map_or(0, |session| session.status().get().pending);
    let unsent = move || match waiting() {
        0 => String::new(),
        1 => " 1 change of yours was never sent, and is only here.".to_owned(),
        n => format!(" {n} changes of yours were never sent, and are only here."),
    };
    let copy = move |_| {
        let name = untrack(|| session.current(|list| list.name.clone())).unwrap_or_default();
        session.ask(Command::Copy { list: list.get_value(), name, is_template: false });
    };
    let forget = move || session.ask(Command::Forget { list: list.get_value() });
    let remove = move |_| {
        if untrack(waiting) == 0 {
            return forget();
        }
        is_asking.set(true);
        if let Some(keep) = keep.get_untracked() {
            focus::to(&keep);
        }
    };
    view! {
        <p data-link="revoked">
            "You have no access to this list any more. What you see stays on this device, and nothing new comes."
            {unsent} " " <button type="button" data-action="keep-copy" on:click=copy>
                "Keep a copy of my own"
            </button> " "
            <button
                type="button"
                data-action="remove-revoked"
                hidden=move || is_asking.get()
                on:click=remove
            >
                "Remove it"
            </button>
            <span role="group" hidden=move || !is_asking.get()>
                "Remove it with what was never sent? "
                <button node_ref=keep type="button" on:click=move |_| is_asking.set(false)>
                    "Keep it"
                </button> " "
                <button type="button" data-action="remove-unsent" on:click=move |_| forget()>
                    "Remove"
                </button>
            </span>
        </p>
    }
}
