//! Removing a list from this device, or for everybody, with what that means said first.

use leptos::html::Dialog;
use leptos::prelude::*;
use settee_todo::Role;

use super::confirmed::{Confirmed, Wording};
use crate::dialog;
use crate::session::{Command, ListSummary, SessionSlot};

const END: Wording = Wording {
    label: "Delete for everybody…",
    question: "It can’t be brought back. Delete it for everybody?",
    no: "No",
    yes: "Delete for everybody",
    actions: ("end-list", "confirm-end"),
};

#[component]
pub fn ForgetList(session: SessionSlot, leaving: RwSignal<Option<ListSummary>>) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    dialog::follow(dialog, move || leaving.with(Option::is_some));
    let name = move || leaving.with(|list| list.as_ref().map(|list| list.name.clone()));
    let remove = move |_| {
        if let Some(list) = leaving.get_untracked() {
            session.ask(Command::Forget { list: list.id });
        }
        leaving.set(None);
    };

    let is_owner =
        move || leaving.with(|list| list.as_ref().and_then(|list| list.role)) == Some(Role::Owner);
    let always = Memo::new(|_| true);
    let end = Callback::new(move |()| {
        if let Some(list) = leaving.get_untracked() {
            session.ask(Command::End { list: list.id });
        }
        leaving.set(None);
    });

    view! {
        <dialog
            node_ref=dialog
            aria-labelledby="forget-title"
            on:close=move |_| leaving.set(None)
        >
            <h2 id="forget-title">
                "Remove " <bdi>{name}</bdi> " from this device?"
            </h2>
            {move || leaving.with(|list| list.as_ref().map(consequences))}
            <div class="for-all" hidden=move || !is_owner()>
                <p>
                    "You can also delete it for everybody: all links and invitations end, and the server keeps none \
                     of its todos. Others can still read and copy what their devices have."
                </p>
                <Confirmed wording=END asks=always act=end />
            </div>
            <div class="choices">
                <button type="button" data-action="keep-list" on:click=move |_| leaving.set(None)>
                    "Keep it"
                </button>
                <button type="button" data-action="confirm-forget" class="bad" on:click=remove>
                    "Remove"
                </button>
            </div>
        </dialog>
    }
}

fn consequences(list: &ListSummary) -> impl IntoView + use<> {
    let unsent = match list.waiting {
        0 => None,
        1 => Some("1 change wasn’t sent yet. It would be lost.".to_owned()),
        n => Some(format!("{n} changes weren’t sent yet. They would be lost.")),
    };
    let access = if list.role == Some(Role::Owner) {
        "You are its owner. What makes you that goes with it, unless you have opened or kept its owner’s link \
         elsewhere. If you shared it, the others keep it."
    } else {
        "The others keep it. With a link you can come back."
    };
    view! {
        <p>{access}</p>
        {unsent.map(|text| view! { <p class="warning">{text}</p> })}
    }
}
