//! Whether everything on the page is saved on this device, and trying again where it isn't.

use std::time::Duration;

use leptos::prelude::*;
use leptos::web_sys::BeforeUnloadEvent;
use leptos::{ev, web_sys};
use settee::leptos::{CollectionError, Health};
use settee::store::BackendError;

use crate::opened::Opened;
use crate::session::SessionSlot;
use crate::status::{StatusKind, StatusView};
use crate::todos::Todos;

/// How long a change may take to be saved before the page says so.
const SLOW: Duration = Duration::from_secs(2);
/// How long after a failure it is tried again. The time doubles up to [`RETRY_LIMIT`].
const RETRY: Duration = Duration::from_secs(1);
const RETRY_LIMIT: Duration = Duration::from_secs(30);

/// What the status line says: what isn't saved comes before everything else.
pub fn status(session: SessionSlot, opened: Opened) -> Memo<StatusView> {
    let is_slow = slow(opened);
    let of_list = session.status();
    Memo::new(move |_| {
        let (status, todos) = (of_list.get(), opened.todos());
        let unsaved =
            |detail: String| StatusView { kind: StatusKind::Unsaved, detail, ..status.clone() };
        if let Some(error) = todos.health().with(|health| health.error().map(reason)) {
            return unsaved(error + elsewhere(status.server_has_unsaved));
        }
        if opened.fails_elsewhere() {
            return unsaved("Changes of another list aren’t saved on this device.".to_owned());
        }
        if session.obstacle().with(Option::is_some) {
            return unsaved("Nothing is saved at the moment.".to_owned());
        }
        if is_slow.get() {
            return unsaved("Not saved yet: this device’s storage doesn’t answer.".to_owned());
        }
        if todos.is_saving().get() && status.kind == StatusKind::Synced {
            return StatusView {
                kind: StatusKind::Syncing,
                detail: "Saving…".to_owned(),
                ..status
            };
        }
        status
    })
}

/// Tries again to save what could not be saved.
pub fn try_again(todos: Todos) {
    let is_planned = StoredValue::new(false);
    Effect::new(move || {
        let is_failing = todos.health().with(|health| matches!(health, Health::Unsaved(_)));
        if is_failing && !is_planned.get_value() {
            is_planned.set_value(true);
            retry_after(RETRY, todos, is_planned);
        }
    });
}

/// Warns those who leave the page before everything is saved.
pub fn warn_leavers(session: SessionSlot, opened: Opened, status: Memo<StatusView>) {
    Effect::new(move || {
        let listener = window_event_listener(ev::beforeunload, move |event: BeforeUnloadEvent| {
            let is_unsaved = status.get_untracked().kind == StatusKind::Unsaved
                && session.get_untracked().is_some();
            if is_unsaved || opened.is_saving() {
                let event: &web_sys::Event = &event;
                event.prevent_default();
            }
        });
        on_cleanup(move || listener.remove());
    });
}

fn retry_after(wait: Duration, todos: Todos, is_planned: StoredValue<bool>) {
    // The list may be gone by then.
    let health = todos.health();
    let retry = move || {
        let is_failing = health
            .try_with_untracked(|health| matches!(health, Health::Unsaved(_)))
            .unwrap_or_default();
        if is_failing {
            todos.save_again();
            retry_after((2 * wait).min(RETRY_LIMIT), todos, is_planned);
        } else {
            is_planned.try_set_value(false);
        }
    };
    set_timeout(retry, wait);
}

/// Whether something of the list on the screen has been waiting to be saved for [`SLOW`].
fn slow(opened: Opened) -> RwSignal<bool> {
    let is_slow = RwSignal::new(false);
    let since = StoredValue::new(0_u64);
    Effect::new(move || {
        let is_saving = opened.todos().is_saving().get();
        since.update_value(|number| *number += 1);
        if is_saving {
            let number = since.get_value();
            let look = move || {
                if since.try_get_value() == Some(number) {
                    is_slow.try_set(true);
                }
            };
            set_timeout(look, SLOW);
        } else if is_slow.get_untracked() {
            is_slow.set(false);
        }
    });
    is_slow
}

/// Where the changes are that this device could not save.
fn elsewhere(count: usize) -> &'static str {
    match count {
        0 => "",
        1 => " Your change is on the server.",
        _ => " Your changes are on the server.",
    }
}

fn reason(error: &CollectionError) -> String {
    let (CollectionError::Write(error) | CollectionError::Read(error)) = error else {
        return "Not saved on this device.".to_owned();
    };
    match error {
        BackendError::Full => "Not saved: there is no room left on this device.".to_owned(),
        BackendError::Closed => {
            "Not saved: this device’s storage was closed or cleared.".to_owned()
        }
        error => format!("Not saved on this device: {error}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_change_is_told_as_one() {
        let told = [0, 1, 2].map(elsewhere);
        assert_eq!(
            told,
            ["", " Your change is on the server.", " Your changes are on the server."]
        );
    }
}
