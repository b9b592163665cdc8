//! Word between the tabs about the one that syncs.

use js_sys::Uint8Array;
use minicbor::{Decode, Encode};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{BroadcastChannel, MessageEvent};

/// The tabs may be of different versions of the app: what one can't read it ignores.
#[derive(Debug, Encode, Decode)]
pub enum Message {
    /// Of a tab that has opened, or that somebody looks at: is anybody there?
    #[n(0)]
    Wake,
    /// Of the tab that leads, now and then.
    #[n(1)]
    Beat {
        #[n(0)]
        is_visible: bool,
        #[cbor(n(1), with = "minicbor::bytes")]
        report: Vec<u8>,
    },
}

/// A channel to the other tabs, closed when it is dropped.
pub struct Channel {
    channel: BroadcastChannel,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
}

impl Channel {
    /// `None` where there are none, or where they may not be used.
    pub fn open(name: &str, mut react: impl FnMut(Message) + 'static) -> Option<Self> {
        let channel = BroadcastChannel::new(name).ok()?;
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let bytes = event.data().dyn_into::<Uint8Array>().ok();
            let message = bytes.and_then(|bytes| minicbor::decode(&bytes.to_vec()).ok());
            if let Some(message) = message {
                react(message);
            }
        });
        channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Some(Self { channel, _on_message: on_message })
    }

    pub fn send(&self, message: &Message) {
        if let Ok(bytes) = minicbor::to_vec(message) {
            // It fails when the page is going away.
            let _ = self.channel.post_message(&Uint8Array::from(bytes.as_slice()));
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.channel.set_onmessage(None);
        self.channel.close();
    }
}
