//! A server's side of Settee, put together from what an app hands in.

use std::{collections::HashMap, io, sync::Arc, time::Duration};

use axum::{
    Router,
    routing::{any, get},
    serve::ListenerExt,
};
use settee_store::Storage;
use settee_sync::Limits;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};

use crate::{
    databases::Databases,
    http,
    hub::Hub,
    origin::Origin,
    policy::Policy,
    shutdown::{self, Stop},
    upgrade,
    validator::Validator,
};

/// Most connections for sync at a time, if nothing else is said.
pub const CONNECTIONS: u32 = 10_000;
/// How long requests and connections may take to end when the server stops.
const STOPPING_LIMIT: Duration = Duration::from_secs(10);

/// What a kit is to be made of.
pub struct Builder<P> {
    storage: Arc<dyn Storage>,
    policy: P,
    validators: HashMap<String, Arc<dyn Validator>>,
    origins: Vec<Origin>,
    connections: u32,
    limits: Limits,
}

/// The server's side of Settee: its router, its streams, its databases.
pub struct Kit {
    hub: Arc<Hub>,
    stop: Stop,
}

/// Serves the protocol on streams of bytes: TCP without HTTP, pipes, whatever can be read and
/// written. A frame is its length, as four bytes with the highest first, and then its bytes.
#[derive(Clone)]
pub struct Streams(Arc<Hub>);

impl Kit {
    /// Begins a kit whose databases are kept there. It needs a policy, and a validator for each kind
    /// of database that the policy creates.
    pub fn builder(storage: impl Storage + 'static) -> Builder<()> {
        Builder {
            storage: Arc::new(storage),
            policy: (),
            validators: HashMap::new(),
            origins: Vec::new(),
            connections: CONNECTIONS,
            limits: Limits::default(),
        }
    }

    /// The routes `/sync` and `/health`, to be merged into an app's own.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/sync", any(upgrade::upgrade).with_state(self.hub.clone()))
            .route("/health", get(async || "ok"))
    }

    /// For streams other than those at `/sync`.
    pub fn streams(&self) -> Streams {
        Streams(self.hub.clone())
    }

    /// The server's databases.
    pub fn databases(&self) -> Arc<Databases> {
        self.hub.databases.clone()
    }

    /// Serves an app with this kit's router in it until `stop` completes. Then clients are told, what
    /// was accepted is written, and the storage is closed.
    ///
    /// Unlike axum itself, it closes connections that don't finish a request's head in time.
    pub async fn serve(
        self,
        listener: TcpListener,
        app: Router,
        stop: impl Future<Output = ()> + Send,
    ) -> io::Result<()> {
        let Self { hub, stop: stopper } = self;
        tracing::info!(address = %listener.local_addr()?, "serving");
        // A live edit is one small frame, which must not wait for company.
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "can't send small frames at once");
            }
        });
        let serving = http::serve(listener, app, hub.limits.answer, hub.stopping.clone());
        tokio::pin!(serving);
        tokio::select! {
            () = &mut serving => {}
            () = stop => {}
        }
        tracing::info!("stopping");
        stopper.tell();
        // HTTP doesn't count connections that became WebSockets.
        let ended = async { tokio::join!(serving, hub.emptied()) };
        if tokio::time::timeout(STOPPING_LIMIT, ended).await.is_err() {
            tracing::warn!("some connections didn't end in time");
        }
        hub.databases.close().await;
        tracing::info!("stopped");
        Ok(())
    }
}

impl<P> Builder<P> {
    /// Who may open or create what.
    pub fn policy<Q: Policy + 'static>(self, policy: Q) -> Builder<Arc<dyn Policy>> {
        let Self { storage, policy: _, validators, origins, connections, limits } = self;
        let policy: Arc<dyn Policy> = Arc::new(policy);
        Builder { storage, policy, validators, origins, connections, limits }
    }

    /// Databases of this kind take what the validator lets through.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>, validator: impl Validator + 'static) -> Self {
        self.validators.insert(kind.into(), Arc::new(validator));
        self
    }

    /// Addresses that pages may connect from, besides the server's own.
    #[must_use]
    pub fn origins(mut self, origins: impl IntoIterator<Item = Origin>) -> Self {
        self.origins.extend(origins);
        self
    }

    /// Most connections for sync at a time; [`CONNECTIONS`] if nothing else is said.
    #[must_use]
    pub fn connections(mut self, connections: u32) -> Self {
        self.connections = connections;
        self
    }

    /// The protocol's limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

impl Builder<Arc<dyn Policy>> {
    /// The kit, ready to serve.
    pub fn build(self) -> Kit {
        let Self { storage, policy, validators, origins, connections, limits } = self;
        let databases = Arc::new(Databases::new(storage, validators));
        let (stop, stopping) = shutdown::channel();
        let hub = Hub::new(databases, policy, origins, connections, limits, stopping);
        Kit { hub: Arc::new(hub), stop }
    }
}

impl Streams {
    /// Serves one stream until it ends. A stream that is one too many is closed at once.
    pub async fn serve<S>(&self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        self.0.clone().serve_stream(stream).await;
    }
}
