//! A socket and the frames that wait to be sent on it. It sends and receives at the same time:
//! otherwise two sides that both send a lot would wait for each other.

use std::{
    collections::VecDeque,
    future::poll_fn,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use settee_sync::Time;

use crate::{
    platform::Clock,
    socket::{Socket, SocketError},
};

/// Bytes that may wait to be sent before nothing more is received.
const QUEUE_LIMIT: usize = 4 * 1024 * 1024;
/// What a frame weighs besides its bytes, so that the limit holds for small ones as well.
const FRAME_COST: usize = 160;

pub(crate) struct Wire {
    socket: Box<dyn Socket>,
    clock: Clock,
    /// How long the other side may take no frame.
    patience: Duration,
    waiting: VecDeque<Vec<u8>>,
    /// The weight of the frames that wait.
    weight: usize,
    is_flushed: bool,
    /// When a frame was last sent, or began to wait.
    moved: Time,
}

impl Wire {
    pub fn new(socket: Box<dyn Socket>, clock: Clock, patience: Duration) -> Self {
        let (waiting, moved) = (VecDeque::new(), clock.now());
        Self { socket, clock, patience, waiting, weight: 0, is_flushed: true, moved }
    }

    /// Queues a frame. [`Wire::flush`] and [`Wire::receive`] send it.
    pub fn send(&mut self, frame: Vec<u8>) {
        if self.is_idle() {
            self.moved = self.clock.now();
        }
        self.weight += frame.len() + FRAME_COST;
        self.waiting.push_back(frame);
    }

    /// When the connection counts as stalled, if no frame is sent until then.
    pub fn deadline(&self) -> Option<Time> {
        (!self.is_idle()).then(|| self.moved + self.patience)
    }

    /// Whether the other side has taken nothing for too long.
    pub fn is_stalled(&self) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= self.clock.now())
    }

    /// Sends what can be sent at once.
    pub async fn flush(&mut self) -> Result<(), SocketError> {
        poll_fn(|context| match self.poll_send(context) {
            Poll::Ready(sent) => Poll::Ready(sent),
            Poll::Pending => Poll::Ready(Ok(())),
        })
        .await
    }

    /// Sends what waits, and receives a frame; `None` when the other side has closed the
    /// connection. Nothing is lost by dropping the future.
    pub async fn receive(&mut self) -> Result<Option<Vec<u8>>, SocketError> {
        poll_fn(|context| self.poll_receive(context)).await
    }

    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Vec<u8>>, SocketError>> {
        if let Poll::Ready(Err(error)) = self.poll_send(context) {
            return Poll::Ready(Err(error));
        }
        // A server that reads nothing isn't read from, because each frame may need an answer.
        if self.weight >= QUEUE_LIMIT {
            return Poll::Pending;
        }
        self.socket.poll_next_unpin(context).map(Option::transpose)
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        while !self.waiting.is_empty() {
            ready!(self.socket.poll_ready_unpin(context))?;
            if let Some(frame) = self.waiting.pop_front() {
                self.weight -= frame.len() + FRAME_COST;
                self.is_flushed = false;
                self.moved = self.clock.now();
                self.socket.start_send_unpin(frame)?;
            }
        }
        if !self.is_flushed {
            ready!(self.socket.poll_flush_unpin(context))?;
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.is_flushed
    }
}
