//! A list that the device has no access to any more, or may only read: what it has can be read, kept, or removed.

use leptos::html::Button;
use leptos::prelude::*;
use settee_todo::Role;

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
    let copy = move |_| copy_list(session);
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

/// What was changed while one might, in a list that may only be read now.
#[component]
pub fn Unsendable(session: SessionSlot) -> impl IntoView {
    let is_asking = RwSignal::new(false);
    let waiting = move || session.get().map_or(0, |session| session.status().get().pending);
    let may_only_look =
        move || session.current(|list| !list.is_revoked && list.role == Some(Role::Viewer));
    let is_stuck = Memo::new(move |_| may_only_look() == Some(true) && waiting() > 0);
    let changes = move || match waiting() {
        1 => "1 change of yours is only here, and can’t be sent. ".to_owned(),
        n => format!("{n} changes of yours are only here, and can’t be sent. "),
    };
    let discard = move |_| {
        is_asking.set(false);
        if let Some(list) = untrack(|| session.current(|list| list.id.clone())) {
            session.ask(Command::GiveUp { list });
        }
    };
    view! {
        <p data-link="unsendable" hidden=move || !is_stuck.get()>
            "You may only look at this list now. " {changes}
            <button type="button" data-action="keep-changes" on:click=move |_| copy_list(session)>
                "Keep a copy of my own"
            </button> " "
            <button
                type="button"
                data-action="discard-changes"
                hidden=move || is_asking.get()
                on:click=move |_| is_asking.set(true)
            >
                "Discard them"
            </button>
            <span role="group" hidden=move || !is_asking.get()>
                "Discard them for good? "
                <button type="button" on:click=move |_| is_asking.set(false)>
                    "Keep them"
                </button> " "
                <button type="button" data-action="confirm-discard" on:click=discard>
                    "Discard"
                </button>
            </span>
        </p>
    }
}

/// Makes a list of one's own of the one on the screen.
fn copy_list(session: SessionSlot) {
    let shown = untrack(|| session.current(|list| (list.id.clone(), list.name.clone())));
    if let Some((list, name)) = shown {
        session.ask(Command::Copy { list, name, is_template: false });
    }
}
