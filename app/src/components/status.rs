//! The status line, which says whether changes are synced.

use std::time::Duration;

use leptos::prelude::*;

use crate::opened::Opened;
use crate::session::SessionSlot;
use crate::status::{StatusKind, StatusView};

/// Long enough that a change is usually synced before the text says that it isn't.
const SETTLE: Duration = Duration::from_secs(1);

/// The attributes change at once, for programs. The text changes with a delay, for people.
#[component]
pub fn Status(session: SessionSlot, status: Memo<StatusView>, opened: Opened) -> impl IntoView {
    let shown = settled(session, opened, status);
    let offline = move || shown.with(|status| status.kind == StatusKind::Offline);
    let unsaved = move || shown.with(|status| status.kind == StatusKind::Unsaved);
    let save = move |_| {
        opened.todos_untracked().save_again();
        session.try_again();
    };
    let retry = move |_| {
        if let Some(session) = session.get_untracked() {
            session.retry_now();
        }
    };

    view! {
        <div class="status-line">
            <p
                class="status"
                role="status"
                data-sync=move || status.with(|status| status.kind.name())
                data-pending=move || status.with(|status| status.pending.to_string())
            >
                <span class="status-text" data-kind=move || shown.with(|status| status.kind.name())>
                    {move || shown.with(StatusView::sentence)}
                </span>
            </p>
            <Show when=unsaved>
                <button type="button" data-action="save-again" on:click=save>
                    "Try again"
                </button>
            </Show>
            <Show when=offline>
                <button type="button" data-action="retry" on:click=retry>
                    "Try now"
                </button>
            </Show>
        </div>
    }
}

/// Follows the status at most once every [`SETTLE`], but takes the first one of a list at once.
fn settled(session: SessionSlot, opened: Opened, status: Memo<StatusView>) -> RwSignal<StatusView> {
    let shown = RwSignal::new(status.get_untracked());
    let turn = StoredValue::new(usize::MAX);
    let waiting = StoredValue::new(false);
    let show = move || {
        if let (Some(now), Some(before)) = (status.try_get_untracked(), shown.try_get_untracked())
            && now != before
        {
            shown.try_set(now);
        }
    };
    Effect::new(move || {
        status.track();
        let now = opened.turn();
        if session.get().is_some() && now != turn.get_value() {
            turn.set_value(now);
            show();
        } else if !waiting.get_value() {
            waiting.set_value(true);
            let settle = move || {
                waiting.try_set_value(false);
                show();
            };
            set_timeout(settle, SETTLE);
        }
    });
    shown
}
