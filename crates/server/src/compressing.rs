//! A transport whose long frames are compressed.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::body::Bytes;
use futures_util::future::BoxFuture;
use settee_sync::{
    compression::{MARK, TooLong, compress, expand},
    message::GoodbyeCode,
};

use crate::{
    transport::{Step, Transport, TransportError},
    work::{Admission, Held},
};

pub struct Compressing<T> {
    transport: T,
    /// The most bytes of a frame, expanded.
    longest_frame: usize,
    held: Arc<Held>,
    admission: Admission,
    /// Waits until there is room for the frame in it.
    compressed: Option<Bytes>,
}

impl<T> Compressing<T> {
    pub fn new(transport: T, longest_frame: usize, held: Arc<Held>) -> Self {
        let admission = Admission::new(held.clone());
        Self { transport, longest_frame, held, admission, compressed: None }
    }
}

impl From<TooLong> for TransportError {
    fn from(_: TooLong) -> Self {
        Self::TooLong
    }
}

impl<T: Transport> Transport for Compressing<T> {
    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, TransportError>>> {
        if self.compressed.is_none() {
            match ready!(self.transport.poll_receive(context)) {
                Some(Ok(message)) if message.first() == Some(&MARK) => {
                    self.held.count_compressed();
                    self.compressed = Some(message);
                }
                other => return Poll::Ready(other),
            }
        }
        ready!(self.admission.poll(context));
        let message = self.compressed.take().unwrap_or_default();
        // What can't be expanded is no frame, which the machine says.
        let frame = expand(&message, self.longest_frame);
        Poll::Ready(Some(frame.map(|frame| frame.map_or(message, Bytes::from)).map_err(Into::into)))
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Step {
        self.transport.poll_ready(context)
    }

    fn start_send(&mut self, frame: Bytes) -> Result<(), TransportError> {
        self.transport.start_send(compress(&frame).map_or(frame, Bytes::from))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Step {
        self.transport.poll_flush(context)
    }

    fn close(&mut self, code: GoodbyeCode) -> BoxFuture<'_, Result<(), TransportError>> {
        self.transport.close(code)
    }

    fn reject(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        self.transport.reject()
    }
}
