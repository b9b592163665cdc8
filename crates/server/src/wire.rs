//! A connection's transport, in both directions at once. While frames wait to be sent, others are
//! read; otherwise two sides that both send a lot would block each other.

use std::{
    collections::VecDeque,
    future::poll_fn,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::Bytes;
use settee_sync::message::GoodbyeCode;
use thiserror::Error;
use tokio::time::{Instant, timeout};

use crate::transport::{Transport, TransportError};

/// Bytes that may wait to be sent before nothing more is read.
const QUEUE_LIMIT: usize = 4 * 1024 * 1024;
/// Per-frame overhead charged to the queue, so that tiny frames can't slip under its limit.
const FRAME_COST: usize = 160;
/// A WebSocket's own buffer holds one frame at a time. The largest one has a document with all the
/// bodies that are in conflict with it.
pub const WRITE_LIMIT: usize = 32 * 1024 * 1024;
/// How long the other side may accept nothing of what is sent to it.
const STALL_LIMIT: Duration = Duration::from_secs(10);
/// How long the last frames and the close may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// Why a connection can't go on.
#[derive(Debug, Error)]
pub enum Lost {
    #[error("the client closed it")]
    Closed,
    #[error("the client stopped receiving")]
    Stalled,
    #[error("{0}")]
    Transport(#[from] TransportError),
}

/// What [`Wire::next`] returns.
pub enum Event {
    Frame(Bytes),
    /// There is room to send again.
    Room,
}

pub struct Wire {
    transport: Box<dyn Transport>,
    queue: VecDeque<Bytes>,
    queued: usize,
    is_flushed: bool,
    /// When the last frame was sent, or the first one began to wait.
    moved: Instant,
}

impl Wire {
    pub fn new(transport: Box<dyn Transport>) -> Self {
        Self {
            transport,
            queue: VecDeque::new(),
            queued: 0,
            is_flushed: true,
            moved: Instant::now(),
        }
    }

    pub fn send(&mut self, frame: Vec<u8>) {
        if self.is_idle() {
            self.moved = Instant::now();
        }
        self.queued += frame.len() + FRAME_COST;
        self.queue.push_back(frame.into());
    }

    /// What waits to be sent, in bytes.
    pub fn weight(&self) -> usize {
        self.queued
    }

    pub fn is_full(&self) -> bool {
        self.queued >= QUEUE_LIMIT
    }

    /// When to give up, if nothing moves until then.
    pub fn deadline(&self) -> Option<Instant> {
        (!self.is_idle()).then(|| self.moved + STALL_LIMIT)
    }

    /// Sends what waits and, with `reads`, waits for a frame. Dropping the future loses nothing.
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
        let event = match ready!(self.transport.poll_receive(context)) {
            Some(Ok(frame)) => Ok(Event::Frame(frame)),
            None => Err(Lost::Closed),
            Some(Err(error)) => Err(error.into()),
        };
        Poll::Ready(event)
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        while !self.queue.is_empty() {
            ready!(self.transport.poll_ready(context))?;
            if let Some(frame) = self.queue.pop_front() {
                self.queued -= frame.len() + FRAME_COST;
                self.is_flushed = false;
                self.moved = Instant::now();
                self.transport.start_send(frame)?;
            }
        }
        if !self.is_flushed {
            ready!(self.transport.poll_flush(context))?;
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }

    /// Sends what waits, and closes the transport with the reason.
    pub async fn close(mut self, code: GoodbyeCode) {
        let farewell = async {
            poll_fn(|context| self.poll_send(context)).await?;
            self.transport.close(code).await
        };
        match timeout(CLOSE_LIMIT, farewell).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the goodbye didn't arrive"),
            Err(_) => tracing::debug!("the goodbye took too long"),
        }
    }

    /// Closes the transport because of a frame that is too long.
    pub async fn reject(mut self) {
        if !matches!(timeout(CLOSE_LIMIT, self.transport.reject()).await, Ok(Ok(()))) {
            tracing::debug!("the client didn't hear that its frame is too long");
        }
    }

    fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.is_flushed
    }
}
