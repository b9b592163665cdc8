//! All lists on all devices of a person: the link that another device opens for that.

use leptos::html::Dialog;
use leptos::prelude::*;
use settee::keys::{LinkFormat, Token};

use super::share::{Code, LinkButtons};
use crate::dialog;
use crate::session::{Command, DeviceCommand, SessionSlot};

const NAME: &str = "Your devices’ link";

#[component]
pub fn Devices(session: SessionSlot) -> impl IntoView {
    let home = RwSignal::new(None::<Token>);
    view! {
        <button
            type="button"
            data-action="devices"
            aria-haspopup="dialog"
            on:click=move |_| session.ask(Command::Device(DeviceCommand::TellHome { tell: home }))
        >
            "My other devices…"
        </button>
        <DevicesDialog home title="devices-title" />
    }
}

/// It is open as long as there is a home. `title` is an id that nothing else has.
#[component]
pub fn DevicesDialog(home: RwSignal<Option<Token>>, title: &'static str) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    let code = RwSignal::new(None);
    dialog::follow(dialog, move || home.with(Option::is_some));
    let link = Memo::new(move |_| {
        let origin = window().location().origin().unwrap_or_default();
        home.with(|home| home.as_ref().map(|home| LinkFormat::device(&origin, home)))
    });
    let close = move |_| {
        home.set(None);
        code.set(None);
    };
    view! {
        <dialog node_ref=dialog class="sharing" aria-labelledby=title on:close=close>
            <h2 id=title>"Your lists on all your devices"</h2>
            <p>
                "Open this link on another phone or computer of yours. Each of them has all your lists then, "
                "those that it had and those that you make later."
            </p>
            <p>
                "Keep it in a safe place, too: if this browser loses its storage, it brings all of them back. "
                "Give it to nobody else, for whoever has it has your lists."
            </p>
            <LinkButtons link name=NAME.to_owned() action="copy-devices-link" code />
            <Code code />
            <form method="dialog" class="choices">
                <button data-action="close-devices">"Done"</button>
            </form>
        </dialog>
    }
}
