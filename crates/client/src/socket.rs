//! What the driver asks of a connection.

use settee_store::backend::{BoxFuture, MaybeSend, MaybeSync};
use thiserror::Error;

/// Opens connections to one server.
pub trait Connector: MaybeSync {
    fn connect(&self) -> BoxFuture<'static, Result<Box<dyn Socket>, SocketError>>;
}

impl<T: Connector + ?Sized> Connector for Box<T> {
    fn connect(&self) -> BoxFuture<'static, Result<Box<dyn Socket>, SocketError>> {
        (**self).connect()
    }
}

/// An open connection that carries frames, in order and whole.
pub trait Socket: MaybeSend {
    fn send(&mut self, frame: Vec<u8>) -> BoxFuture<'_, Result<(), SocketError>>;

    /// The next frame; `None` when the other side has closed. May be dropped while it waits.
    fn receive(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, SocketError>>;
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the connection failed: {0}")]
pub struct SocketError(pub String);
