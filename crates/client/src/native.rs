//! Sockets and time for native programs.

mod traffic;

use std::{
    future::ready,
    time::{Duration, SystemTime},
};

use futures_util::{SinkExt, StreamExt};
use settee_store::backend::BoxFuture;
use settee_sync::{
    COMPRESSING_SUBPROTOCOL, Limits, SUBPROTOCOL, Time,
    compression::{compress, expand},
};
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

pub use traffic::Traffic;

/// Connects to a server's WebSocket.
#[derive(Debug, Clone)]
pub struct WebSocketConnector {
    url: String,
    traffic: Traffic,
}

impl WebSocketConnector {
    /// Makes a connector for the address of the server's `/sync`, such as
    /// `ws://127.0.0.1:3000/sync`.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), traffic: Traffic::default() }
    }

    /// What its connections carry.
    pub fn traffic(&self) -> Traffic {
        self.traffic.clone()
    }
}

impl Connector for WebSocketConnector {
    fn connect(&self, limits: &Limits) -> BoxFuture<'static, Result<Box<dyn Socket>, SocketError>> {
        let (url, longest_frame, traffic) = (self.url.clone(), limits.frame, self.traffic.clone());
        Box::pin(async move {
            let (socket, compresses) = open(&url, longest_frame).await.map_err(SocketError::new)?;
            let messages = messages(socket, traffic);
            Ok(if compresses { compressed(messages, longest_frame) } else { Box::new(messages) })
        })
    }
}

type WebSocket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A socket, and whether the server compresses long frames.
async fn open(url: &str, longest_frame: usize) -> Result<(WebSocket, bool), Error> {
    let mut request = url.into_client_request()?;
    let protocols = HeaderValue::try_from(format!("{COMPRESSING_SUBPROTOCOL}, {SUBPROTOCOL}"))?;
    request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocols);
    let config = WebSocketConfig::default()
        .read_buffer_size(8 * 1024)
        .max_message_size(Some(longest_frame))
        .max_frame_size(Some(longest_frame));
    // A live edit is one small frame, which must not wait for more to send.
    let without_nagle = true;
    let (socket, response) =
        connect_async_with_config(request, Some(config), without_nagle).await?;
    let chosen = response.headers().get(SEC_WEBSOCKET_PROTOCOL);
    Ok((socket, chosen.is_some_and(|chosen| chosen == COMPRESSING_SUBPROTOCOL)))
}

fn messages(socket: WebSocket, traffic: Traffic) -> impl Socket + 'static {
    let sent = traffic.clone();
    socket
        .take_while(|message| ready(!matches!(message, Ok(Message::Close(_)))))
        .filter_map(|message| ready(binary(message)))
        .inspect(move |message| {
            if let Ok(message) = message {
                traffic.count(message);
            }
        })
        .with(move |message: Vec<u8>| {
            sent.count(&message);
            ready(Ok::<_, Error>(Message::Binary(message.into())))
        })
        .sink_map_err(SocketError::new)
}

/// The frames in messages, of which long ones are compressed.
fn compressed(messages: impl Socket + 'static, longest_frame: usize) -> Box<dyn Socket> {
    let frames = messages
        .map(move |message| {
            let message = message?;
            let frame = expand(&message, longest_frame);
            let frame = frame.map_err(|_| SocketError("a frame is too long".into()))?;
            Ok(frame.unwrap_or(message))
        })
        .with(|frame: Vec<u8>| ready(Ok::<_, SocketError>(compress(&frame).unwrap_or(frame))));
    Box::new(frames)
}

fn binary(message: Result<Message, Error>) -> Option<Result<Vec<u8>, SocketError>> {
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
