//! Whether this device is told of the list's changes while no page is open.

use leptos::html::Input;
use leptos::prelude::*;

use crate::session::{Command, SessionSlot};
use crate::settings;

#[component]
pub fn TellMe(session: SessionSlot, list: String, said: RwSignal<String>) -> impl IntoView {
    let list = StoredValue::new(list);
    let is_told = Memo::new(move |_| {
        let Some(session) = session.get() else { return false };
        let id = list.get_value();
        session.lists().with(|lists| lists.iter().any(|known| known.id == id && known.is_told))
    });
    let field = NodeRef::<Input>::new();
    let outcome = RwSignal::new(None::<String>);
    Effect::new(move || {
        if let (Some(outcome), Some(field)) = (outcome.get(), field.get_untracked()) {
            said.set(words(&outcome, field.checked()).to_owned());
            // It shows what was asked for until something has become of that.
            field.set_checked(is_told.get_untracked());
        }
    });
    let press = move |event| {
        let is_wanted = event_target_checked(&event);
        outcome.set(None);
        said.set(String::new());
        session.ask(Command::Notices { list: list.get_value(), is_wanted, outcome });
    };
    view! {
        <p>
            <label class="tell">
                <input
                    node_ref=field
                    type="checkbox"
                    data-action="notices"
                    prop:checked=move || is_told.get()
                    on:change=press
                />
                "Tell this device when others add or tick something"
            </label>
        </p>
    }
}

fn words(outcome: &str, is_wanted: bool) -> &'static str {
    match outcome {
        "done" if is_wanted && settings::name().is_empty() => {
            "This device will be told, a moment after others have added or ticked something. Say your name, too: what \
             people without a name do can’t be told apart."
        }
        "done" if is_wanted => {
            "This device will be told, a moment after others have added or ticked something."
        }
        "done" => "This device is told nothing of this list any more.",
        "denied" => {
            "Your browser doesn’t let this site show notifications. You can allow them in the browser’s settings for \
             this site."
        }
        "unsupported" => {
            "This browser can’t be told while no page is open. On an iPhone or iPad, add the app to the home screen \
             first."
        }
        "none" => "This server sends no notifications.",
        "refused" => "The server doesn’t send notifications of this list to this device.",
        _ => "That didn’t work. Are you offline? Try it again later.",
    }
}
