//! A client's TCP connection: it ends when the client takes nothing, and reads no more than there is
//! room for.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use crate::work::{Admission, Held};

/// A stream whose reads count as work, and whose writes have to move.
pub struct Attended<S> {
    stream: S,
    /// What the connection holds in memory.
    held: Arc<Held>,
    /// How long nothing may be taken of what is written.
    patience: Duration,
    /// Runs while something waits to be taken, which is rare.
    write_timer: Option<Pin<Box<Sleep>>>,
    admission: Admission,
}

impl<S> Attended<S> {
    pub fn new(stream: S, held: Arc<Held>, patience: Duration) -> Self {
        let admission = Admission::new(held.clone());
        Self { stream, held, patience, write_timer: None, admission }
    }

    /// The outcome of a write, or an error if it has been waiting for too long.
    fn moved<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write_timer = None;
            return written;
        }
        let timer = self.write_timer.get_or_insert_with(|| Box::pin(sleep(self.patience)));
        if timer.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Attended<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.admission.poll(context));
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.held.count_read(buffer.filled().len() - before);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Attended<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.moved(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.moved(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.moved(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(context);
        self.moved(context, ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Work;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::Instant,
    };

    const PATIENCE: Duration = Duration::from_secs(15);

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (mut client, server) = duplex(16);
        let mut server = Attended::new(server, Arc::new(Work::new(0, 0).held()), PATIENCE);
        let begun = Instant::now();
        let write = async {
            server.write_all(&[1; 64]).await.unwrap();
            server.write_all(&[1; 64]).await
        };
        let read = async {
            // It takes a while for the first half, and nothing of the second.
            for _ in 0..4 {
                sleep(PATIENCE / 2).await;
                client.read_exact(&mut [0; 16]).await.unwrap();
            }
            std::future::pending::<()>().await;
        };
        let written = tokio::select! { written = write => written, () = read => unreachable!() };
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() >= PATIENCE * 3);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_read_without_room() {
        let (mut client, server) = duplex(1 << 20);
        let work = Work::new(100_000, 1 << 20);
        let (held, other) = (Arc::new(work.held()), work.held());
        other.set_waiting(200_000);
        let mut server = Attended::new(server, held.clone(), PATIENCE);
        client.write_all(&vec![1; 1 << 20]).await.unwrap();
        let mut buffer = [0; 4096];
        let read = async {
            for _ in 0..200 {
                server.read_exact(&mut buffer).await.unwrap();
            }
        };
        assert!(tokio::time::timeout(PATIENCE, read).await.is_err(), "the others hold too much");
        drop(other);
        let read = async {
            for _ in 0..200 {
                // What is done with makes room.
                held.frame_done(0);
                server.read_exact(&mut buffer).await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, read).await.unwrap();
    }
}
