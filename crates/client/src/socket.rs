//! What the driver needs of a connection.

use futures_util::{Sink, Stream};
use settee_store::backend::{BoxFuture, MaybeSend, MaybeSync};
use settee_sync::Limits;
use thiserror::Error;

/// Opens connections to one server.
pub trait Connector: MaybeSync {
    /// Opens a connection that takes frames of up to [`Limits::frame`] bytes from the server. The
    /// driver drops the future when it has taken longer than [`Limits::answer`].
    fn connect(&self, limits: &Limits) -> BoxFuture<'static, Result<Box<dyn Socket>, SocketError>>;
}

impl<T: Connector + ?Sized> Connector for Box<T> {
    fn connect(&self, limits: &Limits) -> BoxFuture<'static, Result<Box<dyn Socket>, SocketError>> {
        (**self).connect(limits)
    }
}

/// An open connection, which carries whole frames in order, in both directions at the same time.
/// The stream ends when the other side has closed the connection. Dropping the socket closes it.
pub trait Socket:
    Stream<Item = Result<Vec<u8>, SocketError>> + Sink<Vec<u8>, Error = SocketError> + MaybeSend + Unpin
{
}

impl<T> Socket for T where
    T: Stream<Item = Result<Vec<u8>, SocketError>>
        + Sink<Vec<u8>, Error = SocketError>
        + MaybeSend
        + Unpin
{
}

/// Why a connection failed, in the words of its transport.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the connection failed: {0}")]
pub struct SocketError(pub String);

impl SocketError {
    /// Takes over the text of a transport's own error.
    #[cfg(not(target_arch = "wasm32"))]
    #[expect(clippy::needless_pass_by_value, reason = "callers hand it to map_err")]
    pub(crate) fn new(error: impl ToString) -> Self {
        Self(error.to_string())
    }
}
