//! Word between the tabs of a browser that there is something new in the log.

use wasm_bindgen::JsCast;
use web_sys::{BroadcastChannel, Event, EventTarget, MessageEvent};

use super::{
    log::{from_number, number},
    request::Listener,
};

/// What is said is a hint and no more: that record N is in. The log is the truth, so a hint that
/// is lost only makes a tab learn of it later, with its own next commit or when somebody looks.
pub struct Tabs {
    /// Absent where browsers have none, and where they may not be used.
    channel: Option<BroadcastChannel>,
    /// Where the page says that it is seen again, and in what event. None in workers.
    returns: Vec<(EventTarget, &'static str)>,
    listener: Listener,
}

impl Tabs {
    /// Calls back with the number of a record that another tab has written, or with the highest
    /// number when it is unknown whether one has.
    pub fn new(name: &str, news: impl Fn(u64) + 'static) -> Self {
        let window = web_sys::window();
        let page = window.as_ref().and_then(web_sys::Window::document);
        // A page that was left and is kept hears nothing either, until it is shown again.
        let mut returns: Vec<(EventTarget, _)> = Vec::new();
        returns.extend(page.clone().map(|page| (page.into(), "visibilitychange")));
        returns.extend(window.map(|window| (window.into(), "pageshow")));
        let listener = Listener::new(move |event: Event| {
            if let Some(message) = event.dyn_ref::<MessageEvent>() {
                news(number(&message.data()));
            } else if page.as_ref().is_some_and(|page| !page.hidden()) {
                // Hidden pages are put to sleep, and messages to them lost.
                news(u64::MAX);
            }
        });
        let callback = listener.as_ref().unchecked_ref();
        let channel = BroadcastChannel::new(name).ok();
        if let Some(channel) = &channel {
            channel.set_onmessage(Some(callback));
        }
        for (target, event) in &returns {
            // It doesn't fail for events of these names.
            let _ = target.add_event_listener_with_callback(event, callback);
        }
        Self { channel, returns, listener }
    }

    pub fn tell(&self, record: u64) {
        if let Some(channel) = &self.channel {
            // It fails when the page is going away.
            let _ = channel.post_message(&from_number(record));
        }
    }
}

impl Drop for Tabs {
    fn drop(&mut self) {
        let callback = self.listener.as_ref().unchecked_ref();
        if let Some(channel) = &self.channel {
            channel.set_onmessage(None);
            channel.close();
        }
        for (target, event) in &self.returns {
            let _ = target.remove_event_listener_with_callback(event, callback);
        }
    }
}
