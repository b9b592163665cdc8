//! What the person here is called.

use leptos::ev::Event;
use leptos::prelude::*;

use crate::session::{Command, SessionSlot};
use crate::settings;

#[component]
pub fn YourName(session: SessionSlot, name: RwSignal<String>) -> impl IntoView {
    let keep = move |event: Event| {
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
                maxlength="60"
                autocomplete="nickname"
                dir="auto"
                prop:value=move || name.get()
                on:change=keep
            />
        </p>
    }
}
