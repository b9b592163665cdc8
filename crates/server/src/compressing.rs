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
    work::{Admission, FREE, Held},
};

pub struct Compressing<T> {
    transport: T,
    /// The most bytes of a frame, expanded.
    longest_frame: usize,
    held: Arc<Held>,
    admission: Admission,
    /// Has a long frame, and waits until there is room for it.
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
        // What can't be expanded is no frame, which the machine says.
        let frame = |frame: Option<Vec<u8>>, message| frame.map_or(message, Bytes::from);
        if self.compressed.is_none() {
            let message = match ready!(self.transport.poll_receive(context)) {
                Some(Ok(message)) if message.first() == Some(&MARK) => message,
                other => return Poll::Ready(other),
            };
            if let Ok(expanded) = expand(&message, FREE.min(self.longest_frame)) {
                return Poll::Ready(Some(Ok(frame(expanded, message))));
            }
            self.held.count_long();
            self.compressed = Some(message);
        }
        ready!(self.admission.poll(context));
        let message = self.compressed.take().unwrap_or_default();
        let expanded = expand(&message, self.longest_frame);
        Poll::Ready(Some(expanded.map(|it| frame(it, message)).map_err(Into::into)))
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

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Duration};

    use futures_util::SinkExt;
    use tokio::{io::duplex, time::timeout};
    use tokio_util::codec::{Framed, LengthDelimitedCodec};

    use super::*;
    use crate::{transport::StreamTransport, work::Work};

    const LONGEST: usize = 1 << 20;

    #[tokio::test(start_paused = true)]
    async fn only_long_frames_wait_for_room() {
        let (client, server) = duplex(LONGEST);
        let mut client = Framed::new(client, LengthDelimitedCodec::new());
        let work = Work::new(100_000, LONGEST);
        let (held, other) = (Arc::new(work.held()), work.held());
        let stream = StreamTransport::new(server, LONGEST);
        let mut transport = Compressing::new(stream, LONGEST, held.clone());
        other.set_waiting(200_000);
        for length in [FREE, FREE + 1] {
            client.send(Bytes::from(compress(&vec![7; length]).unwrap())).await.unwrap();
        }

        let frame = poll_fn(|context| transport.poll_receive(context)).await;
        assert_eq!(frame.unwrap().unwrap().len(), FREE);
        let mut next = poll_fn(|context| transport.poll_receive(context));
        assert!(timeout(Duration::from_secs(5), &mut next).await.is_err(), "others hold too much");
        drop(other);
        let frame = timeout(Duration::from_secs(5), next).await.unwrap();
        assert_eq!(frame.unwrap().unwrap().len(), FREE + 1);
        let next = work.held();
        next.count_long();
        assert!(!next.admit_read(), "it counts as the longest frame until it is done with");
        held.frame_done(0);
        assert!(next.admit_read());
    }
}
