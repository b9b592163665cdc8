//! What the tabs tell each other about the one that syncs.

use gloo_events::EventListener;
use js_sys::Uint8Array;
use minicbor::{Decode, Encode};
use wasm_bindgen::JsCast;
use web_sys::{BroadcastChannel, MessageEvent};

use super::leadership::Uses;

/// The tabs may run different versions of the app: each ignores what it can't read.
#[derive(Debug, Encode, Decode)]
pub enum Message {
    /// From a tab that has opened or become visible: whichever tab leads is to answer.
    #[n(0)]
    Wake,
    /// From the tab that leads, every second.
    #[n(1)]
    Beat {
        #[n(0)]
        is_visible: bool,
        #[cbor(n(1), with = "minicbor::bytes")]
        report: Vec<u8>,
    },
    /// From a tab that follows, in answer to each beat: the databases that it uses.
    #[n(3)]
    Uses {
        /// The tab's own number, by chance.
        #[n(0)]
        tab: u64,
        #[n(1)]
        uses: Uses,
    },
}

/// A channel to the other tabs, closed when it is dropped.
pub struct Channel {
    channel: BroadcastChannel,
    _on_message: EventListener,
}

impl Channel {
    /// `None` where the browser has no such channels, or doesn't allow them.
    pub fn open(name: &str, mut react: impl FnMut(Message) + 'static) -> Option<Self> {
        let channel = BroadcastChannel::new(name).ok()?;
        let on_message = EventListener::new(&channel, "message", move |event| {
            let data = event.dyn_ref::<MessageEvent>().map(MessageEvent::data);
            let bytes = data.and_then(|data| data.dyn_into::<Uint8Array>().ok());
            let message = bytes.and_then(|bytes| minicbor::decode(&bytes.to_vec()).ok());
            if let Some(message) = message {
                react(message);
            }
        });
        Some(Self { channel, _on_message: on_message })
    }

    pub fn send(&self, message: &Message) {
        if let Ok(bytes) = minicbor::to_vec(message) {
            // It fails when the page is about to be closed.
            let _ = self.channel.post_message(&Uint8Array::from(bytes.as_slice()));
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.channel.close();
    }
}
