//! What a client needs of a browser.
//!
//! - `web_socket`: its connection.
//! - `device`: when to look whether the server is there.
//! - [`leadership`]: which of the browser's tabs it is that syncs; `locks` and `channel`: what
//!   the tabs settle that by.
//! - `listener`: the page's events.

mod channel;
mod device;
pub mod leadership;
mod listener;
mod locks;
mod web_socket;

use std::time::Duration;

use settee_sync::Time;

pub use device::{Device, watch_device};
pub use leadership::Leadership;
pub use web_socket::WebSocketConnector;

/// The page's own clock, which no one can set back.
#[derive(Debug)]
pub(crate) struct Clock;

impl Clock {
    #[expect(clippy::unused_self, reason = "a driver owns its clock")]
    pub fn now(&self) -> Time {
        let millis = web_sys::window()
            .and_then(|window| window.performance())
            .map_or(0.0, |performance| performance.now());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a page's age")]
        Time::from_millis(millis as u64)
    }
}

/// Since some moment. It may go back, and is good for hints alone.
pub(crate) fn wall_clock() -> Duration {
    Duration::from_secs_f64(js_sys::Date::now().max(0.0) / 1000.0)
}

pub async fn sleep(duration: Duration) {
    gloo_timers::future::sleep(duration).await;
}
