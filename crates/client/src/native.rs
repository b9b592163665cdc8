//! Sockets and time for native programs.

use std::{
    future::ready,
    time::{Duration, SystemTime},
};

use futures_util::{SinkExt, StreamExt};
use settee_store::backend::BoxFuture;
use settee_sync::{Limits, SUBPROTOCOL, Time};
use tokio::{net::TcpStream, time::Instant};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        http::{HeaderValue, header::SEC_WEBSOCKET_PROTOCOL},
        protocol::WebSocketConfig,
    },
};

use crate::socket::{Connector, Socket, SocketError};

/// Connects to a server's WebSocket.
#[derive(Debug, Clone)]
pub struct WebSocketConnector {
    url: String,
}

impl WebSocketConnector {
    /// Makes a connector for the address of the server's `/sync`, such as
    /// `ws://127.0.0.1:3000/sync`.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into() }
    }
}

impl Connector for WebSocketConnector {
    fn connect(&self, limits: &Limits) -> BoxFuture<'static, Result<Box<dyn Socket>, SocketError>> {
        let (url, longest_frame) = (self.url.clone(), limits.frame);
        Box::pin(async move {
            let opened = open(&url, longest_frame).await;
            opened.map(frames).map_err(SocketError::new)
        })
    }
}

type WebSocket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn open(url: &str, longest_frame: usize) -> Result<WebSocket, Error> {
    let mut request = url.into_client_request()?;
    let protocol = HeaderValue::from_static(SUBPROTOCOL);
    request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    let config = WebSocketConfig::default()
        .read_buffer_size(8 * 1024)
        .max_message_size(Some(longest_frame))
        .max_frame_size(Some(longest_frame));
    // A live edit is one small frame, which must not wait for more to send.
    let without_nagle = true;
    Ok(connect_async_with_config(request, Some(config), without_nagle).await?.0)
}

fn frames(socket: WebSocket) -> Box<dyn Socket> {
    let socket = socket
        .take_while(|message| ready(!matches!(message, Ok(Message::Close(_)))))
        .filter_map(|message| ready(frame(message)))
        .with(|frame: Vec<u8>| ready(Ok::<_, Error>(Message::Binary(frame.into()))))
        .sink_map_err(SocketError::new);
    Box::new(socket)
}

fn frame(message: Result<Message, Error>) -> Option<Result<Vec<u8>, SocketError>> {
    match message {
        Ok(Message::Binary(frame)) => Some(Ok(frame.into())),
        // tungstenite answers pings itself.
        Ok(Message::Ping(_) | Message::Pong(_)) => None,
        Ok(_) => Some(Err(SocketError("a frame is not binary".into()))),
        Err(error) => Some(Err(SocketError::new(error))),
    }
}

/// A monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Begins now, or with the page.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The time since the clock began.
    pub fn now(self) -> Time {
        Time::default() + self.start.elapsed()
    }
}

/// The time since 1970. It may jump, so it serves as a hint only.
pub(crate) fn wall_clock() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}

/// Waits for so long.
pub async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Runs a future in the background, on the runtime that this is called in.
pub fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(future);
}
