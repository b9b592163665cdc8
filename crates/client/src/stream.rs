//! Connections over any stream of bytes: plain TCP, a pipe, whatever can be read and written.
//!
//! A frame is its length, as four bytes with the highest first, followed by its bytes.

use std::{future::ready, io};

use futures_util::{SinkExt, StreamExt};
use settee_store::backend::BoxFuture;
use settee_sync::Limits;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::{
    bytes::Bytes,
    codec::{Framed, LengthDelimitedCodec},
};

use crate::socket::{Connector, Socket, SocketError};

/// Connects by opening a stream of bytes.
pub struct StreamConnector<Open> {
    open: Open,
}

impl<Open, Opening, Stream> StreamConnector<Open>
where
    Open: Fn() -> Opening + Send + Sync,
    Opening: Future<Output = io::Result<Stream>> + Send + 'static,
    Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    /// Makes a connector that calls `open` for each attempt to connect.
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
    fn connect(&self, limits: &Limits) -> BoxFuture<'static, Result<Box<dyn Socket>, SocketError>> {
        let codec = LengthDelimitedCodec::builder().max_frame_length(limits.frame).new_codec();
        let opening = (self.open)();
        Box::pin(async move {
            let stream = opening.await.map_err(SocketError::new)?;
            Ok(frames(Framed::new(stream, codec)))
        })
    }
}

fn frames<Stream>(framed: Framed<Stream, LengthDelimitedCodec>) -> Box<dyn Socket>
where
    Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let socket = framed
        .map(|frame| frame.map(Vec::from).map_err(SocketError::new))
        .with(|frame: Vec<u8>| ready(Ok::<_, io::Error>(Bytes::from(frame))))
        .sink_map_err(SocketError::new);
    Box::new(socket)
}
