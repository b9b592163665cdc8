//! The choice of a colour theme.

use leptos::prelude::*;

use crate::session::{Command, SessionSlot, Theme};

#[component]
pub fn ThemeChoice(session: SessionSlot) -> impl IntoView {
    let chosen = move || session.get().map(|session| session.theme().get()).unwrap_or_default();
    let choose = move |event| {
        let theme = Theme::from_name(&event_target_value(&event));
        session.ask(Command::ChooseTheme { theme });
    };
    let option = move |theme: Theme, label: &'static str| {
        view! {
            <option value=theme.name() prop:selected=move || chosen() == theme>
                {label}
            </option>
        }
    };
    view! {
        <label class="theme">
            "Colours "
            <select disabled=move || session.get().is_none() on:change=choose>
                {option(Theme::Device, "as on this device")}
                {option(Theme::Light, "light")}
                {option(Theme::Dark, "dark")}
            </select>
        </label>
    }
}
