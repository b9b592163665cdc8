//! A browser's WebSocket.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::{FutureExt, Sink, Stream, future::LocalBoxFuture};
use gloo_events::EventListener;
use js_sys::{Array, ArrayBuffer, Uint8Array};
use settee_store::backend::BoxFuture;
use settee_sync::{
    COMPRESSING_SUBPROTOCOL, Limits, SUBPROTOCOL,
    compression::{MARK, SHORTEST},
};
use tokio::sync::{mpsc, oneshot};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BinaryType, Event, MessageEvent};

use crate::{
    browser::compression,
    socket::{Connector, Socket, SocketError},
};

/// A message of a type that will never mean anything, so the machine skips it.
const SIGN_OF_LIFE: [u8; 4] = [0x82, 0x18, 64, 0xa0];

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
    /// A browser takes frames of any length, unless they were compressed.
    fn connect(&self, limits: &Limits) -> BoxFuture<'static, Result<Box<dyn Socket>, SocketError>> {
        let (url, longest_frame) = (self.url.clone(), limits.frame);
        Box::pin(async move {
            let socket = open(&url, longest_frame).await;
            socket.map(|socket| -> Box<dyn Socket> { Box::new(socket) })
        })
    }
}

async fn open(url: &str, longest_frame: usize) -> Result<WebSocket, SocketError> {
    let protocols = Array::of1(&SUBPROTOCOL.into());
    if compression::is_here() {
        protocols.unshift(&COMPRESSING_SUBPROTOCOL.into());
    }
    let socket = web_sys::WebSocket::new_with_str_sequence(url, &protocols)
        .map_err(|error| failed(&error))?;
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
        let _ = frames.send(Some(message(event)));
    });
    let on_close = EventListener::new(&socket, "close", move |_| {
        let _ = sender.send(None);
    });
    // It is closed when it is dropped, also while it is being opened.
    let mut socket = WebSocket {
        socket,
        longest_frame,
        incoming,
        expanding: None,
        compressing: None,
        _listeners: [on_open, on_message, on_close],
    };
    // A socket that fails is closed without having been open.
    tokio::select! {
        _ = opened => Ok(socket),
        _ = socket.incoming.recv() => Err(SocketError("not reached".into())),
    }
}

fn message(event: &Event) -> Result<Uint8Array, SocketError> {
    let data = event.dyn_ref::<MessageEvent>().map(MessageEvent::data);
    let buffer = data.and_then(|data| data.dyn_into::<ArrayBuffer>().ok());
    let buffer = buffer.ok_or_else(|| SocketError("a frame is not binary".into()))?;
    Ok(Uint8Array::new(&buffer))
}

struct WebSocket {
    socket: web_sys::WebSocket,
    longest_frame: usize,
    incoming: mpsc::UnboundedReceiver<Option<Result<Uint8Array, SocketError>>>,
    /// The frame that is received next.
    expanding: Option<LocalBoxFuture<'static, Result<Vec<u8>, JsValue>>>,
    /// The message that is sent next.
    compressing: Option<LocalBoxFuture<'static, Result<Vec<u8>, JsValue>>>,
    _listeners: [EventListener; 3],
}

impl WebSocket {
    fn compresses(&self) -> bool {
        self.socket.protocol() == COMPRESSING_SUBPROTOCOL
    }

    fn send(&self, message: &[u8]) -> Result<(), SocketError> {
        // A socket that is closing takes messages without an error, and loses them.
        if self.socket.ready_state() != web_sys::WebSocket::OPEN {
            return Err(SocketError("the connection is closed".into()));
        }
        self.socket.send_with_u8_array(message).map_err(|error| failed(&error))
    }
}

impl Stream for WebSocket {
    type Item = Result<Vec<u8>, SocketError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.expanding.is_none() {
            let message = match ready!(self.incoming.poll_recv(context)).flatten() {
                Some(Ok(message)) => message,
                ended => return Poll::Ready(ended.map(|it| it.map(|message| message.to_vec()))),
            };
            if message.at(0) != Some(MARK) || !self.compresses() {
                return Poll::Ready(Some(Ok(message.to_vec())));
            }
            let compressed = message.subarray(1, message.length());
            self.expanding = Some(Box::pin(compression::expand(compressed, self.longest_frame)));
            // Expanding takes a moment, in which the server isn't silent.
            return Poll::Ready(Some(Ok(SIGN_OF_LIFE.to_vec())));
        }
        let Some(expanding) = &mut self.expanding else { return Poll::Pending };
        let frame = ready!(expanding.poll_unpin(context));
        self.expanding = None;
        Poll::Ready(Some(frame.map_err(|error| failed(&error))))
    }
}

/// A browser keeps what it can't send yet.
impl Sink<Vec<u8>> for WebSocket {
    type Error = SocketError;

    fn poll_ready(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), SocketError>> {
        self.poll_flush(context)
    }

    fn start_send(mut self: Pin<&mut Self>, frame: Vec<u8>) -> Result<(), SocketError> {
        if frame.len() < SHORTEST || !self.compresses() {
            return self.send(&frame);
        }
        let frame = Uint8Array::from(frame.as_slice());
        self.compressing = Some(Box::pin(compression::compress(frame)));
        Ok(())
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), SocketError>> {
        let Some(compressing) = &mut self.compressing else { return Poll::Ready(Ok(())) };
        let message = ready!(compressing.poll_unpin(context));
        self.compressing = None;
        Poll::Ready(message.map_err(|error| failed(&error)).and_then(|message| self.send(&message)))
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
