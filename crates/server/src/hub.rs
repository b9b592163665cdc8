//! What all connections share.

use std::sync::Arc;

use settee_sync::Limits;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Semaphore,
};

use crate::{
    connection, databases::Databases, origin::Origin, policy::Policy, shutdown::Stopping,
    transport::StreamTransport,
};

/// Databases that are read as a whole at a time, to be compared.
const DIGESTS: usize = 2;

pub struct Hub {
    pub databases: Arc<Databases>,
    pub policy: Arc<dyn Policy>,
    pub origins: Vec<Origin>,
    pub limits: Limits,
    connections: u32,
    /// Each connection holds one.
    pub seats: Arc<Semaphore>,
    /// Each comparison of a database with a client's holds one while it reads all of it.
    pub digesting: Semaphore,
    pub stopping: Stopping,
}

impl Hub {
    pub fn new(
        databases: Arc<Databases>,
        policy: Arc<dyn Policy>,
        origins: Vec<Origin>,
        connections: u32,
        limits: Limits,
        stopping: Stopping,
    ) -> Self {
        let seats = Arc::new(Semaphore::new(connections as usize));
        let digesting = Semaphore::new(DIGESTS);
        Self { databases, policy, origins, limits, connections, seats, digesting, stopping }
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

    /// Waits until no connection is left, and lets no more in.
    pub async fn emptied(&self) {
        // It fails only if somebody else has closed the semaphore already.
        if self.seats.acquire_many(self.connections).await.is_ok() {
            self.seats.close();
        }
    }
}
