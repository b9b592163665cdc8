//! A server for tests of the facade.

use std::net::SocketAddr;

use settee::server::Kit;
use tokio::{net::TcpListener, task::JoinHandle};

/// A server, until it is dropped.
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<std::io::Result<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn of(kit: Kit) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = axum::Router::new().merge(kit.router());
        Self { address, task: tokio::spawn(kit.serve(listener, app, std::future::pending())) }
    }

    pub fn url(&self) -> String {
        format!("ws://{}/sync", self.address)
    }
}
