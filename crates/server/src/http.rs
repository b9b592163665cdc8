//! Requests over HTTP/1.1, with limits on how many connections there are, how long a request's head
//! may take, and how long an answer may not move.
//!
//! The graceful shutdown of `hyper_util` covers HTTP/1 connections that are upgraded only behind its
//! version detection, which costs memory for each idle connection.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper::{Request, body::Incoming, server::conn::http1, service::Service, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    pin,
    sync::Semaphore,
    task::JoinSet,
};

use crate::{
    io::Attended,
    shutdown::Stopping,
    visitors::{Network, Visitors},
    work::{Held, Work},
};

/// How long nothing is accepted after that failed, as it does while too many files are open.
const RECOVERY: Duration = Duration::from_millis(100);

/// What a request can tell of its connection.
#[derive(Clone)]
pub struct Peer {
    pub address: SocketAddr,
    /// What the connection holds in memory.
    pub held: Arc<Held>,
}

/// What HTTP shares with the rest of the server.
pub struct Shared {
    pub visitors: Arc<Visitors>,
    pub work: Arc<Work>,
    /// Each TCP connection holds one.
    pub sockets: Arc<Semaphore>,
    /// How long a request's head may take, and how long an answer may not move.
    pub patience: Duration,
    pub stopping: Stopping,
}

/// Serves until it is told to stop, and then until every request under way is answered. A connection
/// that is one too many is closed at once.
pub async fn serve(listener: TcpListener, app: Router, shared: Shared) {
    let mut connections = JoinSet::new();
    let mut stopping = shared.stopping.clone();
    loop {
        tokio::select! {
            () = stopping.told() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => {
                    if let Some(attended) = attend(stream, address, app.clone(), &shared) {
                        connections.spawn(attended);
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "can't accept a connection");
                    tokio::time::sleep(RECOVERY).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Serves one connection, if there is a place for it.
fn attend(
    stream: TcpStream,
    address: SocketAddr,
    app: Router,
    shared: &Shared,
) -> Option<impl Future<Output = ()> + Send + 'static> {
    let socket = shared.sockets.clone().try_acquire_owned();
    let place = shared.visitors.enter(Network::of_peer(address));
    let (Ok(socket), Some(place)) = (socket, place) else {
        tracing::debug!(%address, "a connection too many");
        return None;
    };
    // A live edit is one small frame, which must not wait for company.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "can't send small frames at once");
    }
    let held = Arc::new(shared.work.held());
    let stream = Attended::new(stream, held.clone(), shared.patience);
    let (patience, stopping) = (shared.patience, shared.stopping.clone());
    Some(async move {
        requests(stream, Peer { address, held }, app, patience, stopping).await;
        // A WebSocket that goes on has a seat and a place of its own.
        drop((socket, place));
    })
}

/// Answers the requests of a connection, until it ends or becomes a WebSocket.
async fn requests(
    stream: Attended<TcpStream>,
    peer: Peer,
    app: Router,
    patience: Duration,
    mut stopping: Stopping,
) {
    let app = TowerToHyperService::new(app);
    let service = service_fn(move |mut request: Request<Incoming>| {
        // A proxy sends any number of requests on a connection.
        peer.held.frame_done(0);
        request.extensions_mut().insert(peer.clone());
        app.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    pin!(connection);
    let result = tokio::select! {
        result = &mut connection => result,
        () = stopping.told() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}
