//! Word between the tabs of a browser that there is something new in the log.

use std::{cell::RefCell, rc::Rc};

use wasm_bindgen::JsCast;
use web_sys::{BroadcastChannel, Event, EventTarget, MessageEvent};

use super::{
    log::{from_number, number},
    request::Listener,
};

/// What is said is a hint and no more: that record N is in. The log is the truth, so a hint that
/// is lost only makes a tab learn of it later, with its own next commit or when somebody looks.
pub struct Tabs {
    channel: Rc<Channel>,
    /// Where the page says that it comes and goes, and in what event. None in workers.
    page: Vec<(EventTarget, &'static str)>,
    on_page: Listener,
}

struct Channel {
    name: String,
    on_message: Listener,
    /// Absent where browsers have none, and where they may not be used. Closed while the page is
    /// left: a browser that keeps the page, to show it again, drops it when it is sent something.
    open: RefCell<Option<BroadcastChannel>>,
}

impl Tabs {
    /// Calls back with the number of a record that another tab has written, or with the highest
    /// number when it is unknown whether one has.
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
            // Hidden pages are put to sleep, and messages to them lost.
            _ if document.as_ref().is_some_and(|page| !page.hidden()) => news(u64::MAX),
            _ => {}
        });
        for (target, event) in &page {
            // It doesn't fail for events of these names.
            let callback = on_page.as_ref().unchecked_ref();
            let _ = target.add_event_listener_with_callback(event, callback);
        }
        Self { channel, page, on_page }
    }

    pub fn tell(&self, record: u64) {
        if let Some(channel) = &*self.channel.open.borrow() {
            // It fails when the page is going away.
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
