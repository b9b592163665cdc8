//! Signs of life of the device.

use crate::{
    Client,
    browser::listener::{Listener, is_visible},
};

/// Keeps an eye on the device until it is dropped.
pub struct Device {
    _listeners: Vec<Listener>,
}

/// Wakes the client when the page becomes visible or the device gets a network, and tells it when
/// the network goes.
pub fn watch_device(client: &Client) -> Device {
    let Some(window) = web_sys::window() else { return Device { _listeners: Vec::new() } };
    let (online, offline) = (client.clone(), client.clone());
    let mut listeners = vec![
        Listener::new(&window, "online", move |_| online.wake()),
        Listener::new(&window, "offline", move |_| offline.go_offline()),
    ];
    if let Some(document) = window.document() {
        let visible = client.clone();
        listeners.push(Listener::new(&document, "visibilitychange", move |_| {
            if is_visible() {
                visible.wake();
            }
        }));
    }
    Device { _listeners: listeners }
}
