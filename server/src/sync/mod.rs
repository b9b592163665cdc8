//! The WebSocket at `/sync`, and other streams that carry the protocol.
//!
//! A connection is one task, which hands what happens to the protocol's machine and does what
//! that says.
//!
//! - `origin`: which pages may connect.
//! - `upgrade`: from a request to a connection, or why not.
//! - `connection`: the task; `transport`: what carries its frames; `wire`: what waits to be sent.
//! - `authorize`: who may open a channel; `grants`: for how long.
//! - `job`: what is asked of the databases; `news`: word of their changes.

mod authorize;
mod connection;
mod grants;
mod job;
mod news;
pub mod origin;
mod transport;
mod upgrade;
mod wire;

use std::sync::Arc;

use axum::{Router, routing::any};
use settee_sync::{Authorize, Limits};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Semaphore,
};

use crate::{databases::Databases, shutdown::Stopping};
use origin::Origin;
use transport::StreamTransport;

/// The subprotocol that a client names when it opens the socket.
pub const SUBPROTOCOL: &str = "settee.v1";

/// Databases that are read as a whole at a time, to be compared.
const DIGESTS: usize = 2;

pub(crate) fn router(hub: Arc<Hub>) -> Router {
    Router::new().route("/sync", any(upgrade::upgrade)).with_state(hub)
}

/// What all connections share.
pub(crate) struct Hub {
    databases: Arc<Databases>,
    access: Arc<dyn Authorize>,
    origins: Vec<Origin>,
    pub limits: Limits,
    connections: u32,
    /// Each connection holds one.
    seats: Arc<Semaphore>,
    /// Each comparison of a database with a client's holds one while it reads all of it.
    digesting: Semaphore,
    stopping: Stopping,
}

impl Hub {
    pub fn new(
        databases: Arc<Databases>,
        access: Arc<dyn Authorize>,
        origins: Vec<Origin>,
        connections: u32,
        limits: Limits,
        stopping: Stopping,
    ) -> Self {
        let seats = Arc::new(Semaphore::new(connections as usize));
        let digesting = Semaphore::new(DIGESTS);
        Self { databases, access, origins, limits, connections, seats, digesting, stopping }
    }

    /// Serves the protocol on a stream of bytes until it ends, if there is a seat for it.
    pub async fn serve_stream<S>(self: Arc<Self>, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Ok(_seat) = self.seats.clone().try_acquire_owned() else { return };
        let longest = self.limits.frame;
        connection::run(self, StreamTransport::new(stream, longest)).await;
    }

    pub fn stopping(&self) -> Stopping {
        self.stopping.clone()
    }

    /// Waits until no connection is left, and lets none in any more.
    pub async fn emptied(&self) {
        // Fails only where somebody else has closed the doors already.
        if self.seats.acquire_many(self.connections).await.is_ok() {
            self.seats.close();
        }
    }
}
