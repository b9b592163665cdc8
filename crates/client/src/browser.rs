//! What a client needs of a browser.
//!
//! - `web_socket`: its connection; `compression`: of long frames on it.
//! - `device`: when to check whether the server is there.
//! - [`leadership`]: which of the browser's tabs syncs; `locks` and `channel`: how the tabs agree
//!   on one. [`alone`]: work that one tab at a time does.

mod channel;
mod compression;
mod device;
pub mod leadership;
mod locks;
mod web_socket;

use std::time::Duration;

use settee_sync::Time;
use web_sys::VisibilityState;

pub use device::{Device, watch_device};
pub use leadership::{Candidate, Leadership};
pub use locks::alone;
pub use web_socket::WebSocketConnector;

pub use wasm_bindgen_futures::spawn_local as spawn;

/// The page's own monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock;

impl Clock {
    /// Begins now, or with the page.
    pub fn start() -> Self {
        Self
    }

    /// The time since the clock began.
    pub fn now(self) -> Time {
        let millis = web_sys::window()
            .and_then(|window| window.performance())
            .map_or(0.0, |performance| performance.now());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a page's age")]
        Time::from_millis(millis as u64)
    }
}

/// The time since 1970. It may jump, so it serves as a hint only.
pub(crate) fn wall_clock() -> Duration {
    Duration::from_secs_f64(js_sys::Date::now().max(0.0) / 1000.0)
}

/// Waits for at least so long. The browser makes hidden pages wait longer.
pub async fn sleep(duration: Duration) {
    gloo_timers::future::sleep(duration).await;
}

/// Whether the page can be seen: its tab is in front, and its window not minimized.
fn is_visible() -> bool {
    web_sys::window()
        .and_then(|window| window.document())
        .is_some_and(|document| document.visibility_state() == VisibilityState::Visible)
}
