//! Sockets and time for native programs.

use std::{
    sync::OnceLock,
    time::{Duration, Instant, SystemTime},
};

use futures_util::{SinkExt, StreamExt};
use settee_store::backend::BoxFuture;
use settee_sync::Time;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        http::{HeaderValue, header::SEC_WEBSOCKET_PROTOCOL},
        protocol::WebSocketConfig,
    },
};

use crate::{
    SUBPROTOCOL,
    socket::{Connector, Socket, SocketError},
};

/// Connects to a server's `/sync` by its `ws://` address.
#[derive(Debug, Clone)]
pub struct WebSocketConnector {
    url: String,
    largest_frame: usize,
}

impl WebSocketConnector {
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), largest_frame: settee_sync::Limits::default().frame }
    }

    async fn open(&self) -> Result<WebSocket, SocketError> {
        let mut request = self.url.as_str().into_client_request().map_err(failed)?;
        let protocol = HeaderValue::from_static(SUBPROTOCOL);
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        let config = WebSocketConfig::default()
            .read_buffer_size(8 * 1024)
            .max_message_size(Some(self.largest_frame))
            .max_frame_size(Some(self.largest_frame));
        // A live edit is one small frame, which must not wait for company.
        let without_nagle = true;
        let connected = connect_async_with_config(request, Some(config), without_nagle).await;
        connected.map(|(stream, _)| WebSocket(stream)).map_err(failed)
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

struct WebSocket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket for WebSocket {
    fn send(&mut self, frame: Vec<u8>) -> BoxFuture<'_, Result<(), SocketError>> {
        Box::pin(async move { self.0.send(Message::Binary(frame.into())).await.map_err(failed) })
    }

    fn receive(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, SocketError>> {
        Box::pin(async move {
            loop {
                match self.0.next().await {
                    None | Some(Ok(Message::Close(_))) => return Ok(None),
                    Some(Ok(Message::Binary(frame))) => return Ok(Some(frame.into())),
                    // tungstenite answers pings itself.
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(_)) => return Err(SocketError("a frame is not binary".into())),
                    Some(Err(error)) => return Err(failed(error)),
                }
            }
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn failed(error: impl ToString) -> SocketError {
    SocketError(error.to_string())
}

/// The process's own monotonic clock.
#[derive(Debug)]
pub(crate) struct Clock;

impl Clock {
    #[expect(clippy::unused_self, reason = "a browser's clock has state")]
    pub fn now(&self) -> Time {
        static START: OnceLock<Instant> = OnceLock::new();
        let millis = START.get_or_init(Instant::now).elapsed().as_millis();
        Time::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

/// Since some moment. It may go back, and is good for hints alone.
pub(crate) fn wall_clock() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}

pub(crate) async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}
