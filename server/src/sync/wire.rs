//! A connection's socket, in both directions at once: while frames wait to be sent, others are
//! read. Otherwise two sides that both send a lot would wait for each other.

use std::{
    collections::VecDeque,
    future::poll_fn,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::Bytes,
    extract::ws::{CloseFrame, Message, WebSocket},
};
use futures_util::{SinkExt, StreamExt};
use settee_sync::message::GoodbyeCode;
use thiserror::Error;
use tokio::time::{Instant, timeout};

/// Bytes that may wait to be sent before nothing more is read.
const QUEUE_LIMIT: usize = 4 * 1024 * 1024;
/// What a frame that waits takes besides its bytes: without it, a million small ones would be few.
const FRAME_COST: usize = 160;
/// The socket's own buffer holds one frame at a time: of the largest document, with the bodies
/// that are in conflict with it.
pub const WRITE_LIMIT: usize = 32 * 1024 * 1024;
/// How long the other side may take nothing of what is sent to it.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long saying goodbye may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why a connection can't go on.
#[derive(Debug, Error)]
pub enum Lost {
    #[error("the client closed it")]
    Closed,
    #[error("the client takes nothing more")]
    Stalled,
    #[error("{0}")]
    Socket(#[from] axum::Error),
}

/// What happened on the socket.
pub enum Event {
    Frame(Bytes),
    /// There is room to send again.
    Room,
}

pub struct Wire {
    socket: WebSocket,
    queue: VecDeque<Bytes>,
    queued: usize,
    is_flushed: bool,
    /// When something was last sent, or began to wait.
    moved: Instant,
}

impl Wire {
    pub fn new(socket: WebSocket) -> Self {
        let queue = VecDeque::new();
        Self { socket, queue, queued: 0, is_flushed: true, moved: Instant::now() }
    }

    pub fn send(&mut self, frame: Vec<u8>) {
        if self.is_idle() {
            self.moved = Instant::now();
        }
        self.queued += frame.len() + FRAME_COST;
        self.queue.push_back(frame.into());
    }

    pub fn is_full(&self) -> bool {
        self.queued >= QUEUE_LIMIT
    }

    /// When to give up, if nothing moves until then.
    pub fn deadline(&self) -> Option<Instant> {
        (!self.is_idle()).then(|| self.moved + PATIENCE)
    }

    /// Sends what waits and, with `reads`, waits for a frame. Nothing is lost by dropping the
    /// future.
    pub async fn next(&mut self, reads: bool) -> Result<Event, Lost> {
        poll_fn(|context| self.poll_next(context, reads)).await
    }

    fn poll_next(&mut self, context: &mut Context<'_>, reads: bool) -> Poll<Result<Event, Lost>> {
        let was_full = self.is_full();
        if let Poll::Ready(Err(error)) = self.poll_send(context) {
            return Poll::Ready(Err(error.into()));
        }
        if was_full && !self.is_full() {
            return Poll::Ready(Ok(Event::Room));
        }
        if !reads || self.is_full() {
            return Poll::Pending;
        }
        loop {
            let event = match ready!(self.socket.poll_next_unpin(context)) {
                Some(Ok(Message::Binary(frame))) => Ok(Event::Frame(frame)),
                // No text is a frame of the protocol: its first byte can't begin any UTF-8.
                Some(Ok(Message::Text(text))) => Ok(Event::Frame(text.into())),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Close(_))) | None => Err(Lost::Closed),
                Some(Err(error)) => Err(error.into()),
            };
            return Poll::Ready(event);
        }
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        while !self.queue.is_empty() {
            ready!(self.socket.poll_ready_unpin(context))?;
            if let Some(frame) = self.queue.pop_front() {
                self.queued -= frame.len() + FRAME_COST;
                self.is_flushed = false;
                self.moved = Instant::now();
                self.socket.start_send_unpin(Message::Binary(frame))?;
            }
        }
        if !self.is_flushed {
            ready!(self.socket.poll_flush_unpin(context))?;
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }

    /// Sends what waits, and says why it was the last.
    pub async fn close(mut self, code: GoodbyeCode) {
        let farewell = async {
            poll_fn(|context| self.poll_send(context)).await?;
            let frame = CloseFrame { code: code.close_code(), reason: "".into() };
            self.socket.send(Message::Close(Some(frame))).await?;
            // A socket that is dropped with something unread takes back what was sent last.
            while let Some(Ok(_)) = self.socket.next().await {}
            Ok::<(), axum::Error>(())
        };
        match timeout(FAREWELL, farewell).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the goodbye didn't arrive"),
            Err(_) => tracing::debug!("the goodbye took too long"),
        }
    }

    fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.is_flushed
    }
}
