//! A browser's WebSocket.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Sink, Stream};
use gloo_events::EventListener;
use js_sys::{ArrayBuffer, Uint8Array};
use settee_store::backend::BoxFuture;
use settee_sync::{Limits, SUBPROTOCOL};
use tokio::sync::{mpsc, oneshot};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BinaryType, Event, MessageEvent};

use crate::socket::{Connector, Socket, SocketError};

/// Connects to a server's WebSocket.
#[derive(Debug, Clone)]
pub struct WebSocketConnector {
    url: String,
}

impl WebSocketConnector {
    /// Makes a connector for the address of the server's `/sync`, such as
    /// `wss://example.org/sync`.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into() }
    }
}

impl Connector for WebSocketConnector {
    /// A browser takes frames of any length.
    fn connect(
        &self,
        _limits: &Limits,
    ) -> BoxFuture<'static, Result<Box<dyn Socket>, SocketError>> {
        let url = self.url.clone();
        Box::pin(
            async move { open(&url).await.map(|socket| -> Box<dyn Socket> { Box::new(socket) }) },
        )
    }
}

async fn open(url: &str) -> Result<WebSocket, SocketError> {
    let socket =
        web_sys::WebSocket::new_with_str(url, SUBPROTOCOL).map_err(|error| failed(&error))?;
    socket.set_binary_type(BinaryType::Arraybuffer);
    // Not bounded here, because a browser's socket can't be told to wait: the protocol's credit
    // bounds what the server sends before an answer.
    // `None` says that the socket is closed.
    let (sender, incoming) = mpsc::unbounded_channel();
    let (opened_sender, opened) = oneshot::channel();

    let on_open = EventListener::once(&socket, "open", move |_| {
        let _ = opened_sender.send(());
    });
    let frames = sender.clone();
    let on_message = EventListener::new(&socket, "message", move |event| {
        let _ = frames.send(Some(frame(event)));
    });
    let on_close = EventListener::new(&socket, "close", move |_| {
        let _ = sender.send(None);
    });
    // It is closed when it is dropped, also while it is being opened.
    let mut socket = WebSocket { socket, incoming, _listeners: [on_open, on_message, on_close] };
    // A socket that fails is closed without having been open.
    tokio::select! {
        _ = opened => Ok(socket),
        _ = socket.incoming.recv() => Err(SocketError("not reached".into())),
    }
}

fn frame(event: &Event) -> Result<Vec<u8>, SocketError> {
    let data = event.dyn_ref::<MessageEvent>().map(MessageEvent::data);
    let buffer = data.and_then(|data| data.dyn_into::<ArrayBuffer>().ok());
    let buffer = buffer.ok_or_else(|| SocketError("a frame is not binary".into()))?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

struct WebSocket {
    socket: web_sys::WebSocket,
    incoming: mpsc::UnboundedReceiver<Option<Result<Vec<u8>, SocketError>>>,
    _listeners: [EventListener; 3],
}

impl Stream for WebSocket {
    type Item = Result<Vec<u8>, SocketError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.incoming.poll_recv(context).map(Option::flatten)
    }
}

/// A browser keeps what it can't send yet.
impl Sink<Vec<u8>> for WebSocket {
    type Error = SocketError;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, frame: Vec<u8>) -> Result<(), SocketError> {
        // A socket that is closing takes frames without an error, and loses them.
        if self.socket.ready_state() != web_sys::WebSocket::OPEN {
            return Err(SocketError("the connection is closed".into()));
        }
        self.socket.send_with_u8_array(&frame).map_err(|error| failed(&error))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        Poll::Ready(self.socket.close().map_err(|error| failed(&error)))
    }
}

impl Drop for WebSocket {
    fn drop(&mut self) {
        // It fails only for a code or a reason that browsers don't allow; there is neither.
        let _ = self.socket.close();
    }
}

fn failed(error: &JsValue) -> SocketError {
    // What browsers throw is an error with a message.
    let message = error.dyn_ref().map(|error: &js_sys::Error| error.message().into());
    SocketError(message.unwrap_or_default())
}
