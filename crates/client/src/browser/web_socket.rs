//! A browser's socket.

use js_sys::{ArrayBuffer, Uint8Array};
use settee_store::backend::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{BinaryType, Event, MessageEvent};

use crate::{
    SUBPROTOCOL,
    socket::{Connector, Socket, SocketError},
};

/// Connects to a server's `/sync` by its `ws://` or `wss://` address.
#[derive(Debug, Clone)]
pub struct WebSocketConnector {
    url: String,
}

impl WebSocketConnector {
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into() }
    }

    async fn open(&self) -> Result<WebSocket, SocketError> {
        let socket = web_sys::WebSocket::new_with_str(&self.url, SUBPROTOCOL)
            .map_err(|error| failed(&error))?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        // Not bounded here, for a browser's socket can't be told to wait: the protocol's credit
        // bounds what the server sends before an answer.
        // `None` says that the socket is closed.
        let (sender, incoming) = mpsc::unbounded_channel();
        let (opened_sender, opened) = oneshot::channel();

        let mut opened_sender = Some(opened_sender);
        let on_open = Closure::new(move |_: Event| {
            if let Some(sender) = opened_sender.take() {
                let _ = sender.send(());
            }
        });
        let frames = sender.clone();
        let on_message = Closure::new(move |event: MessageEvent| {
            let frame = event.data().dyn_into::<ArrayBuffer>().ok();
            let frame = frame.map(|buffer| Uint8Array::new(&buffer).to_vec());
            let frame = frame.ok_or_else(|| SocketError("a frame is not binary".into()));
            let _ = frames.send(Some(frame));
        });
        let on_close = Closure::new(move |_: Event| {
            let _ = sender.send(None);
        });
        socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));

        let mut connection = WebSocket {
            socket,
            incoming,
            _on_open: on_open,
            _on_message: on_message,
            _on_close: on_close,
        };
        // Whichever comes first: a socket that fails is closed without having been open.
        let mut opened = opened;
        tokio::select! {
            _ = &mut opened => Ok(connection),
            _ = connection.incoming.recv() => Err(SocketError("not reached".into())),
        }
    }
}

impl Connector for WebSocketConnector {
    fn connect(&self) -> BoxFuture<'static, Result<Box<dyn Socket>, SocketError>> {
        let connector = self.clone();
        Box::pin(async move {
            connector.open().await.map(|socket| -> Box<dyn Socket> { Box::new(socket) })
        })
    }
}

struct WebSocket {
    socket: web_sys::WebSocket,
    incoming: mpsc::UnboundedReceiver<Option<Result<Vec<u8>, SocketError>>>,
    _on_open: Closure<dyn FnMut(Event)>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(Event)>,
}

impl Socket for WebSocket {
    fn send(&mut self, frame: Vec<u8>) -> BoxFuture<'_, Result<(), SocketError>> {
        // A socket that is closing takes frames without an error, and loses them.
        let sent = if self.socket.ready_state() == web_sys::WebSocket::OPEN {
            self.socket.send_with_u8_array(&frame).map_err(|error| failed(&error))
        } else {
            Err(SocketError("the connection is closed".into()))
        };
        Box::pin(std::future::ready(sent))
    }

    fn receive(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, SocketError>> {
        Box::pin(async move { self.incoming.recv().await.flatten().transpose() })
    }
}

impl Drop for WebSocket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        // It fails on malformed codes alone.
        let _ = self.socket.close();
    }
}

fn failed(error: &JsValue) -> SocketError {
    SocketError(format!("{error:?}"))
}
