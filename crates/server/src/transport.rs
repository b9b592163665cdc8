//! What carries frames to a client and back: a WebSocket, or any other stream of bytes.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{
    body::Bytes,
    extract::ws::{CloseFrame, Message, WebSocket, close_code},
};
use futures_util::{Sink, SinkExt, Stream, StreamExt, future::BoxFuture};
use settee_sync::message::GoodbyeCode;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::Error as SocketError;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

#[derive(Debug, Error)]
pub enum TransportError {
    /// A frame is longer than the connection takes.
    #[error("a frame is too long")]
    TooLong,
    #[error("{0}")]
    WebSocket(axum::Error),
    #[error("{0}")]
    Stream(#[from] io::Error),
}

impl From<axum::Error> for TransportError {
    fn from(error: axum::Error) -> Self {
        use std::error::Error;

        let cause = error.source().and_then(|cause| cause.downcast_ref::<SocketError>());
        match cause {
            Some(SocketError::Capacity(_)) => Self::TooLong,
            _ => Self::WebSocket(error),
        }
    }
}

pub type Step = Poll<Result<(), TransportError>>;

/// Carries whole frames in order, in both directions at once.
pub trait Transport: Send {
    /// The next frame; `None` when the other side has closed.
    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, TransportError>>>;

    /// Whether there is room for a frame.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Step;

    fn start_send(&mut self, frame: Bytes) -> Result<(), TransportError>;

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Step;

    /// Closes the connection, and waits until the other side has noticed.
    fn close(&mut self, code: GoodbyeCode) -> BoxFuture<'_, Result<(), TransportError>>;

    /// Closes the connection because of a frame that is too long to be read.
    fn reject(&mut self) -> BoxFuture<'_, Result<(), TransportError>>;
}

impl Transport for WebSocket {
    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, TransportError>>> {
        loop {
            let frame = match ready!(self.poll_next_unpin(context)) {
                Some(Ok(Message::Binary(frame))) => Some(Ok(frame)),
                // Text is no frame of the protocol, as nothing is none.
                Some(Ok(Message::Text(_))) => Some(Ok(Bytes::new())),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Close(_))) | None => None,
                Some(Err(error)) => Some(Err(error.into())),
            };
            return Poll::Ready(frame);
        }
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Step {
        self.poll_ready_unpin(context).map_err(Into::into)
    }

    fn start_send(&mut self, frame: Bytes) -> Result<(), TransportError> {
        self.start_send_unpin(Message::Binary(frame)).map_err(Into::into)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Step {
        self.poll_flush_unpin(context).map_err(Into::into)
    }

    fn close(&mut self, code: GoodbyeCode) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async move {
            self.send(close_frame(code.close_code())).await?;
            // Dropping a socket with unread data would discard what was sent last.
            while let Some(Ok(_)) = self.next().await {}
            Ok(())
        })
    }

    fn reject(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async move { Ok(self.send(close_frame(close_code::SIZE)).await?) })
    }
}

fn close_frame(code: u16) -> Message {
    Message::Close(Some(CloseFrame { code, reason: "".into() }))
}

/// Frames on a stream of bytes: each is its length, as four bytes with the highest first, and then
/// its bytes.
pub struct StreamTransport<S>(Framed<S, LengthDelimitedCodec>);

impl<S: AsyncRead + AsyncWrite + Unpin> StreamTransport<S> {
    pub fn new(stream: S, longest_frame: usize) -> Self {
        let codec = LengthDelimitedCodec::builder().max_frame_length(longest_frame).new_codec();
        Self(Framed::new(stream, codec))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Transport for StreamTransport<S> {
    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, TransportError>>> {
        let next = ready!(Pin::new(&mut self.0).poll_next(context));
        Poll::Ready(next.map(|frame| frame.map(Into::into).map_err(Into::into)))
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Step {
        Sink::<Bytes>::poll_ready(Pin::new(&mut self.0), context).map_err(Into::into)
    }

    fn start_send(&mut self, frame: Bytes) -> Result<(), TransportError> {
        Pin::new(&mut self.0).start_send(frame).map_err(Into::into)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Step {
        Sink::<Bytes>::poll_flush(Pin::new(&mut self.0), context).map_err(Into::into)
    }

    fn reject(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async move { SinkExt::<Bytes>::close(&mut self.0).await.map_err(Into::into) })
    }

    /// A bare stream has no place for the reason; the goodbye had it.
    fn close(&mut self, _code: GoodbyeCode) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async move { SinkExt::<Bytes>::close(&mut self.0).await.map_err(Into::into) })
    }
}
