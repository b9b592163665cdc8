//! The device's network, and whether the page can be seen.

use gloo_events::EventListener;

use crate::{Client, browser::is_visible};

/// Tells a client of the device until it is dropped.
pub struct Device {
    _listeners: Vec<EventListener>,
}

/// Wakes the client when the page becomes visible or the device gets a network, and tells it when
/// the network is lost.
pub fn watch_device(client: &Client) -> Device {
    let Some(window) = web_sys::window() else { return Device { _listeners: Vec::new() } };
    let (online, offline) = (client.clone(), client.clone());
    let mut listeners = vec![
        EventListener::new(&window, "online", move |_| online.wake()),
        EventListener::new(&window, "offline", move |_| offline.go_offline()),
    ];
    if let Some(document) = window.document() {
        let visible = client.clone();
        listeners.push(EventListener::new(&document, "visibilitychange", move |_| {
            if is_visible() {
                visible.wake();
            }
        }));
    }
    Device { _listeners: listeners }
}
