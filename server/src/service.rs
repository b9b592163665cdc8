//! Everything put together, from the first request to the last write.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{Router, middleware, routing::get, serve::ListenerExt};
use settee_sync::{Authorize, Limits};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};

use crate::{
    access::TodoAccess,
    assets,
    databases::Databases,
    error::Error,
    headers, http, pages,
    shutdown::{self, Stop},
    site::Site,
    sync::{self, Hub, origin::Origin},
};

/// Most connections for sync at a time, if nothing else is said.
pub const CONNECTIONS: u32 = 10_000;
/// How long requests and connections may take to end when the server stops.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a server is to be.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder of its data.
    pub data: PathBuf,
    /// The app's pages; without them, the server does sync alone.
    pub site: Option<Site>,
    /// Addresses that pages may connect from, besides the server's own.
    pub origins: Vec<Origin>,
    /// Most connections for sync at a time.
    pub connections: u32,
    pub limits: Limits,
}

impl Settings {
    /// A server that does sync alone, within the usual limits.
    pub fn new(data: impl AsRef<Path>) -> Self {
        Self {
            data: data.as_ref().to_owned(),
            site: None,
            origins: Vec::new(),
            connections: CONNECTIONS,
            limits: Limits::default(),
        }
    }
}

/// Serves the protocol on streams of bytes: TCP without HTTP, pipes, whatever can be read and written.
/// A frame is its length, as four bytes with the highest first, and then its bytes.
#[derive(Clone)]
pub struct Streams(Arc<Hub>);

impl Streams {
    /// Until the stream ends. One too many is closed at once.
    pub async fn serve<S>(&self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        self.0.clone().serve_stream(stream).await;
    }
}

/// A server that is ready to listen.
pub struct Service {
    router: Router,
    hub: Arc<Hub>,
    databases: Arc<Databases>,
    stop: Stop,
}

impl Service {
    /// Opens the databases and renders the pages. Called within a runtime.
    pub fn open(settings: Settings) -> Result<Self, Error> {
        Self::open_with(settings, |policy| policy)
    }

    /// The same, with another policy: made of the todo app's, which also creates the databases of
    /// those whom it takes for owners.
    pub fn open_with(
        settings: Settings,
        policy: impl FnOnce(Arc<dyn Authorize>) -> Arc<dyn Authorize>,
    ) -> Result<Self, Error> {
        let Settings { data, site, origins, connections, limits } = settings;
        let databases = Arc::new(Databases::open(&data)?);
        let access = policy(Arc::new(TodoAccess::new(databases.clone())));
        let (stop, stopping) = shutdown::channel();
        let hub =
            Arc::new(Hub::new(databases.clone(), access, origins, connections, limits, stopping));
        let mut router =
            Router::new().route("/health", get(async || "ok")).merge(sync::router(hub.clone()));
        if let Some(site) = site {
            router = router.merge(pages::router(site.clone())?).merge(assets::router(site));
        }
        let router = router.layer(middleware::map_response(headers::secure));
        Ok(Self { router, hub, databases, stop })
    }

    /// For streams other than those at `/sync`.
    pub fn streams(&self) -> Streams {
        Streams(self.hub.clone())
    }

    /// Serves until `stop` ends; then everybody is told, and what was accepted is written.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), Error> {
        let Self { router, hub, databases, stop: stopper } = self;
        tracing::info!(address = %listener.local_addr()?, "serving");
        // A live edit is one small frame, which must not wait for company.
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "can't send small frames at once");
            }
        });
        let serving = http::serve(listener, router, hub.limits.answer, hub.stopping());
        tokio::pin!(serving);
        tokio::select! {
            () = &mut serving => {}
            () = stop => {}
        }
        tracing::info!("stopping");
        stopper.tell();
        // Connections that became WebSockets are no visits any more.
        let ended = async { tokio::join!(serving, hub.emptied()) };
        if tokio::time::timeout(PATIENCE, ended).await.is_err() {
            tracing::warn!("some connections didn't end in time");
        }
        databases.close().await;
        tracing::info!("stopped");
        Ok(())
    }
}
