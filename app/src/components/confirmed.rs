//! A button for what can't be undone.

use leptos::html::Button;
use leptos::prelude::*;

use crate::focus;

/// What it says, and how it asks.
#[derive(Clone, Copy)]
pub struct Wording {
    pub label: &'static str,
    pub question: &'static str,
    pub no: &'static str,
    pub yes: &'static str,
    /// The values of `data-action`: of the button, and of the one that is sure.
    pub actions: (&'static str, &'static str),
}

/// It asks once more, if there is a reason to.
#[component]
pub fn Confirmed(wording: Wording, asks: Memo<bool>, act: Callback<()>) -> impl IntoView {
    let Wording { label, question, no, yes, actions } = wording;
    let is_asking = RwSignal::new(false);
    let (first, keep) = (NodeRef::<Button>::new(), NodeRef::<Button>::new());
    let ask = move |asks, button: NodeRef<Button>| {
        is_asking.set(asks);
        if let Some(button) = button.get_untracked() {
            focus::to(&button);
        }
    };
    let press = move |_| {
        if asks.get_untracked() {
            ask(true, keep);
        } else {
            act.run(());
        }
    };
    let sure = move |_| {
        is_asking.set(false);
        act.run(());
    };
    view! {
        <button
            node_ref=first
            type="button"
            data-action=actions.0
            hidden=move || is_asking.get()
            on:click=press
        >
            {label}
        </button>
        <span role="group" hidden=move || !is_asking.get()>
            {question} " " <button node_ref=keep type="button" on:click=move |_| ask(false, first)>
                {no}
            </button> " " <button type="button" data-action=actions.1 on:click=sure>
                {yes}
            </button>
        </span>
    }
}
