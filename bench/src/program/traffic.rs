//! Counts the traffic of a client's socket.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use settee_client::socket::{Connector, Socket, SocketError};
use settee_store::backend::BoxFuture;

/// The number of frames and their bytes, in both directions. Clones share their counters.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    counters: Arc<(AtomicU32, AtomicU32)>,
}

impl Traffic {
    pub fn frames(&self) -> f64 {
        self.counters.0.load(Ordering::Relaxed).into()
    }

    pub fn bytes(&self) -> f64 {
        self.counters.1.load(Ordering::Relaxed).into()
    }

    fn count(&self, frame: &[u8]) {
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        self.counters.0.fetch_add(1, Ordering::Relaxed);
        self.counters.1.fetch_add(length, Ordering::Relaxed);
    }
}

/// Counts the traffic of another connector's connections.
pub struct CountingConnector<C> {
    pub inner: C,
    pub traffic: Traffic,
}

impl<C: Connector> Connector for CountingConnector<C> {
    fn connect(&self) -> BoxFuture<'static, Result<Box<dyn Socket>, SocketError>> {
        let connecting = self.inner.connect();
        let traffic = self.traffic.clone();
        Box::pin(async move {
            let inner = connecting.await?;
            Ok(Box::new(CountingSocket { inner, traffic }) as Box<dyn Socket>)
        })
    }
}

struct CountingSocket {
    inner: Box<dyn Socket>,
    traffic: Traffic,
}

impl Socket for CountingSocket {
    fn send(&mut self, frame: Vec<u8>) -> BoxFuture<'_, Result<(), SocketError>> {
        self.traffic.count(&frame);
        self.inner.send(frame)
    }

    fn receive(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, SocketError>> {
        Box::pin(async move {
            let received = self.inner.receive().await;
            if let Ok(Some(frame)) = &received {
                self.traffic.count(frame);
            }
            received
        })
    }
}
