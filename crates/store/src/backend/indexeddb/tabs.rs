//! Notifications between the tabs of a browser that the log has a new record.

use std::{cell::RefCell, rc::Rc};

use wasm_bindgen::JsCast;
use web_sys::{BroadcastChannel, Event, EventTarget, MessageEvent};

use super::{
    log::{from_number, number},
    request::Listener,
};

/// Sends and receives notifications. A notification is only a hint that record N was written. If
/// one is lost, the tab reads the record later: with its own next commit, or when the page becomes
/// visible.
pub struct Tabs {
    channel: Rc<Channel>,
    /// The sources of events that the page was shown or hidden, with the events' names. Empty in
    /// workers.
    page: Vec<(EventTarget, &'static str)>,
    on_page: Listener,
}

struct Channel {
    name: String,
    on_message: Listener,
    /// `None` if the browser offers no channel or blocks it. Closed while the user has left the
    /// page: a browser discards a page from its back/forward cache when that receives a message.
    open: RefCell<Option<BroadcastChannel>>,
}

impl Tabs {
    /// Calls `news` with the number of a record that another tab has written, or with [`u64::MAX`]
    /// if another tab may have written any.
    pub fn new(name: &str, news: impl Fn(u64) + 'static) -> Self {
        let news = Rc::new(news);
        let told = news.clone();
        let on_message = Listener::new(move |event: Event| {
            if let Some(message) = event.dyn_ref::<MessageEvent>() {
                told(number(&message.data()));
            }
        });
        let channel = Channel { name: name.to_owned(), on_message, open: RefCell::default() };
        channel.open();
        let channel = Rc::new(channel);

        let window = web_sys::window();
        let document = window.as_ref().and_then(web_sys::Window::document);
        let mut page: Vec<(EventTarget, _)> = Vec::new();
        for event in ["visibilitychange", "resume"] {
            page.extend(document.clone().map(|document| (document.into(), event)));
        }
        for event in ["pagehide", "pageshow"] {
            page.extend(window.clone().map(|window| (window.into(), event)));
        }
        let left = channel.clone();
        let on_page = Listener::new(move |event: Event| match event.type_().as_str() {
            "pagehide" => left.close(),
            "pageshow" => {
                left.open();
                news(u64::MAX);
            }
            // Browsers suspend hidden pages, which then miss messages.
            _ if document.as_ref().is_some_and(|page| !page.hidden()) => news(u64::MAX),
            _ => {}
        });
        for (target, event) in &page {
            // It can't fail for these arguments.
            let callback = on_page.as_ref().unchecked_ref();
            let _ = target.add_event_listener_with_callback(event, callback);
        }
        Self { channel, page, on_page }
    }

    pub fn tell(&self, record: u64) {
        if let Some(channel) = &*self.channel.open.borrow() {
            // It fails while the page is being closed.
            let _ = channel.post_message(&from_number(record));
        }
    }
}

impl Drop for Tabs {
    fn drop(&mut self) {
        self.channel.close();
        let callback = self.on_page.as_ref().unchecked_ref();
        for (target, event) in &self.page {
            let _ = target.remove_event_listener_with_callback(event, callback);
        }
    }
}

impl Channel {
    fn open(&self) {
        let mut open = self.open.borrow_mut();
        if open.is_none() {
            *open = BroadcastChannel::new(&self.name).ok();
            if let Some(channel) = &*open {
                channel.set_onmessage(Some(self.on_message.as_ref().unchecked_ref()));
            }
        }
    }

    fn close(&self) {
        if let Some(channel) = self.open.take() {
            channel.set_onmessage(None);
            channel.close();
        }
    }
}
