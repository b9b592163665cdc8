//! Requests over HTTP/1.1. Whoever connects has to say what they want before long.

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

/// Serves until it is told to stop, and then until nobody is left who has asked for something. A
/// request's head has to arrive within `patience`, of the next request as well: who asks for nothing
/// more is closed after that.
pub async fn serve(
    mut listener: impl Listener,
    router: Router,
    patience: Duration,
    mut stopping: Stopping,
) {
    let mut visitors = JoinSet::new();
    loop {
        tokio::select! {
            () = stopping.told() => break,
            (stream, _) = listener.accept() => {
                visitors.spawn(attend(stream, router.clone(), patience, stopping.clone()));
            }
            Some(_) = visitors.join_next() => {}
        }
    }
    drop(listener);
    while visitors.join_next().await.is_some() {}
}

async fn attend(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    patience: Duration,
    mut stopping: Stopping,
) {
    let visit = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .with_upgrades();
    pin!(visit);
    let result = tokio::select! {
        result = &mut visit => result,
        () = stopping.told() => {
            visit.as_mut().graceful_shutdown();
            visit.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a visit ended early");
    }
}
