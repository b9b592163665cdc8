//! Deleting what this device keeps, before anything of it is opened.

use leptos::prelude::*;
use leptos::task::spawn_local;
use settee::Obstacle;

use crate::session::SessionSlot;
#[cfg(target_arch = "wasm32")]
use crate::settings;

/// Deletes it as soon as that is what the page waits for, and then begins as on a first visit.
pub fn follow(session: SessionSlot) {
    Effect::new(move || {
        if session.obstacle().with(|obstacle| *obstacle == Some(Obstacle::Forgotten)) {
            let has_opened = session.get_untracked().is_some();
            spawn_local(async move { forget(has_opened).await });
        }
    });
}

#[cfg(target_arch = "wasm32")]
async fn forget(has_opened: bool) {
    use std::time::Duration;

    use settee::{Config, client::runtime::sleep};

    // Another tab may not let go for a while.
    const RETRY: Duration = Duration::from_secs(1);

    let location = window().location();
    if has_opened {
        // What this page has begun might bring something back. It fails where the page may not be left.
        let _ = location.reload();
        return;
    }
    // Another tab may be done first.
    while settings::is_forgetting() {
        match Config::of_page().erase(settings::is_forgetting).await {
            Ok(false) => settings::forget(),
            Ok(true) | Err(_) => sleep(RETRY).await,
        }
    }
    let _ = location.assign("/");
}

#[cfg(not(target_arch = "wasm32"))]
#[allow(clippy::unused_async, reason = "a browser has something to delete")]
async fn forget(_has_opened: bool) {}
