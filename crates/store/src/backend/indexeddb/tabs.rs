//! Word between the tabs of a browser that there is something new in the log.

use wasm_bindgen::JsCast;
use web_sys::{BroadcastChannel, Document, Event, MessageEvent};

use super::{
    log::{from_number, number},
    request::Listener,
};

/// What is said is a hint and no more: that record N is in. The log is the truth, so a hint that
/// is lost only makes a tab learn of it later, with its own next commit or when somebody looks.
pub struct Tabs {
    /// Absent where browsers have none, and where they may not be used.
    channel: Option<BroadcastChannel>,
    /// Absent in workers.
    document: Option<Document>,
    listener: Listener,
}

impl Tabs {
    /// Calls back with the number of a record that another tab has written, or with the highest
    /// number when it is unknown whether one has.
    pub fn new(name: &str, news: impl Fn(u64) + 'static) -> Self {
        let document = web_sys::window().and_then(|window| window.document());
        let page = document.clone();
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
        if let Some(document) = &document {
            // It doesn't fail for an event of that name.
            let _ = document.add_event_listener_with_callback("visibilitychange", callback);
        }
        Self { channel, document, listener }
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
        if let Some(document) = &self.document {
            let _ = document.remove_event_listener_with_callback("visibilitychange", callback);
        }
    }
}
