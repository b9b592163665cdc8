//! Counts the traffic of a client's socket.

use std::{
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use futures_util::{SinkExt, StreamExt};
use settee_client::socket::{Connector, Socket, SocketError};
use settee_store::backend::BoxFuture;
use settee_sync::Limits;

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
    fn connect(&self, limits: &Limits) -> BoxFuture<'static, Result<Box<dyn Socket>, SocketError>> {
        let connecting = self.inner.connect(limits);
        let traffic = self.traffic.clone();
        Box::pin(async move { Ok(counted(connecting.await?, traffic)) })
    }
}

fn counted(socket: Box<dyn Socket>, traffic: Traffic) -> Box<dyn Socket> {
    let sent = traffic.clone();
    let socket = socket
        .inspect(move |received| {
            if let Ok(frame) = received {
                traffic.count(frame);
            }
        })
        .with(move |frame: Vec<u8>| {
            sent.count(&frame);
            ready(Ok::<_, SocketError>(frame))
        });
    Box::new(socket)
}
