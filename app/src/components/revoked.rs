//! A list that the device has no access to any more, or may only look at: what it has can be read, kept, or
//! removed.

use leptos::prelude::*;
use settee_todo::Role;

use super::confirmed::{Confirmed, Wording};
use crate::session::{Command, SessionSlot};

const REMOVE: Wording = Wording {
    label: "Remove it",
    question: "Remove it with what was never sent?",
    no: "Keep it",
    yes: "Remove",
    actions: ("remove-revoked", "remove-unsent"),
};
const DISCARD: Wording = Wording {
    label: "Discard them",
    question: "Discard them for good?",
    no: "Keep them",
    yes: "Discard",
    actions: ("discard-changes", "confirm-discard"),
};

/// What there is to say of a list that one may not read any more, or not change.
#[component]
pub fn LostAccess(session: SessionSlot) -> impl IntoView {
    let waiting =
        Memo::new(move |_| session.get().map_or(0, |session| session.status().get().pending));
    let is_revoked = Memo::new(move |_| session.current(|list| list.is_revoked) == Some(true));
    let may_look = Memo::new(move |_| {
        session.current(|list| !list.is_revoked && list.role == Some(Role::Viewer)) == Some(true)
    });
    let is_stuck = Memo::new(move |_| may_look.get() && waiting.get() > 0);
    let revoked = move || is_revoked.get().then(|| view! { <Revoked session waiting /> });
    let unsendable = move || is_stuck.get().then(|| view! { <Unsendable session waiting /> });
    (revoked, unsendable)
}

#[component]
fn Revoked(session: SessionSlot, waiting: Memo<usize>) -> impl IntoView {
    let unsent = move || match waiting.get() {
        0 => String::new(),
        1 => " 1 change of yours was never sent, and is only here.".to_owned(),
        n => format!(" {n} changes of yours were never sent, and are only here."),
    };
    let has_unsent = Memo::new(move |_| waiting.get() != 0);
    let forget = Callback::new(move |()| of_list(session, |list, _| Command::Forget { list }));
    view! {
        <p data-link="revoked">
            "You have no access to this list any more. What you see stays on this device, and nothing new comes."
            {unsent} " " <Copied session /> " "
            <Confirmed wording=REMOVE asks=has_unsent act=forget />
        </p>
    }
}

/// What was changed while one might, and can't be sent any more.
#[component]
fn Unsendable(session: SessionSlot, waiting: Memo<usize>) -> impl IntoView {
    let changes = move || match waiting.get() {
        1 => "1 change of yours is only here, and can’t be sent. ".to_owned(),
        n => format!("{n} changes of yours are only here, and can’t be sent. "),
    };
    let always = Memo::new(|_| true);
    let discard = Callback::new(move |()| of_list(session, |list, _| Command::GiveUp { list }));
    view! {
        <p data-link="unsendable">
            "You may only look at this list now. " {changes} <Copied session /> " "
            <Confirmed wording=DISCARD asks=always act=discard />
        </p>
    }
}

#[component]
fn Copied(session: SessionSlot) -> impl IntoView {
    let copy = move |_| {
        of_list(session, |list, name| Command::Copy { list, name, is_template: false });
    };
    view! {
        <button type="button" data-action="keep-copy" on:click=copy>
            "Keep a copy of my own"
        </button>
    }
}

/// Does something with the list on the screen, of which it gets the id and the name.
fn of_list(session: SessionSlot, command: fn(String, String) -> Command) {
    let shown = untrack(|| session.current(|list| (list.id.clone(), list.name.clone())));
    if let Some((list, name)) = shown {
        session.ask(command(list, name));
    }
}
