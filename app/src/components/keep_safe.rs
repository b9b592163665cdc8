//! An offer to keep a link that brings this device's lists back, once there is something to lose.

use leptos::prelude::*;
use settee::keys::{Role, Token};

use super::devices::DevicesDialog;
use crate::mounted::Mounted;
use crate::session::{Command, DeviceCommand, SessionSlot};
use crate::settings;

/// So many open todos in a list of one's own are something to lose.
const ENOUGH: usize = 3;

/// Offers it below the list, until somebody has answered.
pub fn offer(session: SessionSlot) {
    // A strong handle would keep the effect alive, and the effect its owner.
    let Some(owner) = Owner::current().map(|owner| owner.downgrade()) else { return };
    let is_over = RwSignal::new(settings::has_kept_safe());
    let mut shown = None;
    Effect::new(move || {
        if is_over.get() {
            shown = None;
        } else if shown.is_none()
            && has_something(session)
            && let Some(owner) = owner.upgrade()
            && let Ok(Some(main)) = document().query_selector("main")
        {
            let view = || view! { <Offer session is_over /> };
            shown = Some(Mounted::new(&owner, &main, None, view));
        }
    });
}

fn has_something(session: SessionSlot) -> bool {
    let Some(session) = session.get() else { return false };
    session.lists().with(|lists| {
        let mut own = lists.iter().filter(|list| list.role == Some(Role::Owner));
        own.any(|list| list.open.is_some_and(|open| open >= ENOUGH))
    })
}

#[component]
fn Offer(session: SessionSlot, is_over: RwSignal<bool>) -> impl IntoView {
    let home = RwSignal::new(None::<Token>);
    Effect::new(move |was_open: Option<bool>| {
        let is_open = home.with(Option::is_some);
        if was_open == Some(true) && !is_open {
            is_over.set(true);
        }
        is_open
    });
    let decline = move |_| {
        settings::keep_safe();
        is_over.set(true);
    };
    view! {
        <aside class="keep-safe">
            <p>
                "Only this browser can open your own lists, and browsers may clear what they keep. A link brings them back."
            </p>
            <button
                type="button"
                data-action="keep-safe"
                aria-haspopup="dialog"
                on:click=move |_| {
                    session.ask(Command::Device(DeviceCommand::TellHome { tell: home }));
                }
            >
                "Keep a link…"
            </button>
            <button type="button" data-action="not-safe" on:click=decline>
                "Not now"
            </button>
            {move || {
                home.with(Option::is_some).then(|| view! { <DevicesDialog home title="safe-title" /> })
            }}
        </aside>
    }
}
