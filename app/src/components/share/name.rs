//! What the person here is called.

use leptos::ev::Event;
use leptos::prelude::*;
use leptos::web_sys::HtmlInputElement;
use settee_todo::limits::PERSON_PATTERN;

use crate::session::{Command, SessionSlot};
use crate::settings;

#[component]
pub fn YourName(session: SessionSlot, name: RwSignal<String>) -> impl IntoView {
    let keep = move |event: Event| {
        // The browser says so, and the text stays to be shortened.
        if !event_target::<HtmlInputElement>(&event).report_validity() {
            return;
        }
        let chosen = event_target_value(&event).trim().to_owned();
        settings::keep_name(&chosen);
        name.set(chosen);
        session.ask(Command::Renew);
    };
    view! {
        <p class="invite">
            <label for="your-name">
                "Your name. Others see it while you both have a list on the screen, and beside what you add, tick and take."
            </label>
            <input
                id="your-name"
                type="text"
                placeholder="Name"
                pattern=PERSON_PATTERN
                title="At most 60 characters"
                autocomplete="nickname"
                dir="auto"
                prop:value=move || name.get()
                on:change=keep
            />
        </p>
    }
}
