//! Requests over HTTP/1.1, with a limit on how long a request's head may take.
//!
//! The graceful shutdown of `hyper_util` covers HTTP/1 connections that are upgraded only behind its
//! version detection, which costs memory for each idle connection.

use std::time::Duration;

use axum::{Router, serve::Listener};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    pin,
    task::JoinSet,
};

use crate::shutdown::Stopping;

/// Serves until it is told to stop, and then until every request under way is answered. A request's
/// head has to arrive within `head_limit`; so has the next request's on the same connection.
pub async fn serve(
    mut listener: impl Listener,
    app: Router,
    head_limit: Duration,
    mut stopping: Stopping,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stopping.told() => break,
            (stream, _) = listener.accept() => {
                connections.spawn(attend(stream, app.clone(), head_limit, stopping.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn attend(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    app: Router,
    head_limit: Duration,
    mut stopping: Stopping,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_limit)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app))
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
