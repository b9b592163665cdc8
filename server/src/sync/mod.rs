//! The WebSocket at `/sync`.
//!
//! A connection is one task, which hands what happens to the protocol's machine and does what
//! that says.
//!
//! - `origin`: which pages may connect.
//! - `upgrade`: from a request to a connection, or why not.
//! - `connection`: the task; `wire`: its socket; `job`: what it asks of the databases; `news`:
//!   word of their changes.

mod connection;
mod job;
mod news;
pub mod origin;
mod upgrade;
mod wire;

use std::sync::Arc;

use axum::{Router, routing::any};
use settee_sync::{Authorize, Limits};
use tokio::sync::Semaphore;

use crate::{databases::Databases, shutdown::Stopping};
use origin::Origin;

/// The subprotocol that a client names when it opens the socket.
pub const SUBPROTOCOL: &str = "settee.v1";

pub(crate) fn router(hub: Arc<Hub>) -> Router {
    Router::new().route("/sync", any(upgrade::upgrade)).with_state(hub)
}

/// What all connections share.
pub(crate) struct Hub {
    databases: Arc<Databases>,
    access: Arc<dyn Authorize>,
    origins: Vec<Origin>,
    limits: Limits,
    connections: u32,
    /// Each connection holds one.
    seats: Arc<Semaphore>,
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
        Self { databases, access, origins, limits, connections, seats, stopping }
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
