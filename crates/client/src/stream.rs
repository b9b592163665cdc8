//! Connections over any stream of bytes: TCP without HTTP, a pipe, whatever can be read and written.
//!
//! A frame is its length, as four bytes with the highest first, and then its bytes.

use std::io;

use futures_util::{SinkExt, StreamExt};
use settee_store::backend::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::Bytes;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use crate::socket::{Connector, Socket, SocketError};

/// Connects by opening a stream.
pub struct StreamConnector<Open> {
    open: Open,
}

impl<Open, Opening, Stream> StreamConnector<Open>
where
    Open: Fn() -> Opening + Send + Sync,
    Opening: Future<Output = io::Result<Stream>> + Send + 'static,
    Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    /// `open` is called for each attempt to connect.
    pub fn new(open: Open) -> Self {
        Self { open }
    }
}

impl<Open, Opening, Stream> Connector for StreamConnector<Open>
where
    Open: Fn() -> Opening + Send + Sync,
    Opening: Future<Output = io::Result<Stream>> + Send + 'static,
    Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    fn connect(&self) -> BoxFuture<'static, Result<Box<dyn Socket>, SocketError>> {
        let opening = (self.open)();
        Box::pin(async move {
            let stream = opening.await.map_err(failed)?;
            let longest = settee_sync::Limits::default().frame;
            let codec = LengthDelimitedCodec::builder().max_frame_length(longest).new_codec();
            Ok::<Box<dyn Socket>, _>(Box::new(StreamSocket(Framed::new(stream, codec))))
        })
    }
}

struct StreamSocket<Stream>(Framed<Stream, LengthDelimitedCodec>);

impl<Stream: AsyncRead + AsyncWrite + Unpin + Send> Socket for StreamSocket<Stream> {
    fn send(&mut self, frame: Vec<u8>) -> BoxFuture<'_, Result<(), SocketError>> {
        Box::pin(async move { self.0.send(Bytes::from(frame)).await.map_err(failed) })
    }

    fn receive(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, SocketError>> {
        Box::pin(async move {
            let frame = self.0.next().await.transpose().map_err(failed)?;
            Ok(frame.map(Vec::from))
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn failed(error: io::Error) -> SocketError {
    SocketError(error.to_string())
}
