//! What all connections share.

use std::sync::Arc;

use settee_sync::Limits;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Semaphore,
};

use crate::{
    comparisons::Comparisons,
    connection::{self, Client},
    databases::Databases,
    origin::Origin,
    policy::Policy,
    quotas::Quotas,
    shutdown::Stopping,
    transport::StreamTransport,
    visitors::{Visitor, Visitors},
    work::Work,
};

pub struct Hub {
    /// What the server calls itself.
    pub agent: String,
    pub databases: Arc<Databases>,
    pub policy: Arc<dyn Policy>,
    pub origins: Vec<Origin>,
    pub limits: Limits,
    pub quotas: Quotas,
    pub visitors: Arc<Visitors>,
    pub work: Arc<Work>,
    /// Each connection holds one.
    pub seats: Arc<Semaphore>,
    pub comparisons: Comparisons,
    pub stopping: Stopping,
}

impl Hub {
    pub fn new(
        agent: String,
        databases: Arc<Databases>,
        policy: Arc<dyn Policy>,
        origins: Vec<Origin>,
        quotas: Quotas,
        limits: Limits,
        stopping: Stopping,
    ) -> Self {
        Self {
            agent,
            databases,
            policy,
            origins,
            seats: Arc::new(Semaphore::new(quotas.connections as usize)),
            visitors: Arc::new(Visitors::new(&quotas)),
            work: Work::new(quotas.bytes_in_work, limits.frame),
            limits,
            quotas,
            comparisons: Comparisons::default(),
            stopping,
        }
    }

    /// Serves the protocol on a stream of bytes until it ends, if there is a seat for it.
    pub async fn serve_stream<S>(self: Arc<Self>, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Ok(_seat) = self.seats.clone().try_acquire_owned() else { return };
        let Some(place) = self.visitors.enter(None) else { return };
        let visitor = Visitor::new(place, &self.quotas);
        let client = Client { visitor: Arc::new(visitor), held: Arc::new(self.work.held()) };
        let longest = self.limits.frame;
        connection::run(self, client, Box::new(StreamTransport::new(stream, longest))).await;
    }

    /// Waits until no connection is left, and lets no more in.
    pub async fn emptied(&self) {
        // It fails only if somebody else has closed the semaphore already.
        if self.seats.acquire_many(self.quotas.connections).await.is_ok() {
            self.seats.close();
        }
    }
}
