//! What this device keeps as a whole: forgetting it all.

use leptos::html::Dialog;
use leptos::prelude::*;

use super::confirmed::{Confirmed, Wording};
use crate::dialog;
use crate::session::{Command, SessionSlot};

const FORGET: Wording = Wording {
    label: "Forget this device…",
    question: "It can’t be taken back. Forget this device?",
    no: "No",
    yes: "Forget it",
    actions: ("forget-device", "confirm-forget-device"),
};

#[component]
pub fn ThisDevice(session: SessionSlot) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    let only_here = RwSignal::new(None::<String>);
    dialog::follow(dialog, move || only_here.with(Option::is_some));
    let always = Memo::new(|_| true);
    let forget = Callback::new(move |()| session.ask(Command::ForgetDevice));
    view! {
        <button
            type="button"
            data-action="this-device"
            aria-haspopup="dialog"
            on:click=move |_| session.ask(Command::TellUnsent { tell: only_here })
        >
            "This device…"
        </button>
        <dialog
            node_ref=dialog
            class="sharing"
            aria-labelledby="this-device-title"
            on:close=move |_| only_here.set(None)
        >
            <h2 id="this-device-title">"This device"</h2>
            <p>
                "If others use this browser, or you leave it, it can forget you: all lists, what opens them, your name \
                 and your settings. Lists that you shared stay with the others, and yours on your other devices. What \
                 is nowhere else can’t be opened any more."
            </p>
            <p class="warning" hidden=move || only_here.with(|it| it.as_deref() == Some(""))>
                {only_here}
            </p>
            <Confirmed wording=FORGET asks=always act=forget />
            <form method="dialog" class="choices">
                <button data-action="close-this-device">"Done"</button>
            </form>
        </dialog>
    }
}

/// What would be lost with this device: so many changes that the server doesn't have, in so many lists.
pub fn only_here(changes: usize, lists: usize) -> String {
    match (changes, lists) {
        (0, _) => String::new(),
        (1, _) => "1 change exists only here.".to_owned(),
        (changes, 1) => format!("{changes} changes in 1 list exist only here."),
        (changes, lists) => format!("{changes} changes in {lists} lists exist only here."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_lost_is_told_in_words() {
        assert_eq!(only_here(0, 0), "");
        assert_eq!(only_here(1, 1), "1 change exists only here.");
        assert_eq!(only_here(2, 1), "2 changes in 1 list exist only here.");
        assert_eq!(only_here(3, 2), "3 changes in 2 lists exist only here.");
    }
}
