//! A server's side of Settee, put together from what an app hands in.

use std::{collections::HashMap, io, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{any, get},
};
use settee_store::{Storage, clerk::Clerk};
use settee_sync::{Limits, helping::Helping};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Semaphore,
};

use crate::{
    databases::{Databases, Kind},
    guard::guarded,
    http,
    hub::Hub,
    notices::{self, Courier, Notices, Notifier, Timing},
    open_files,
    origin::Origin,
    policy::Policy,
    quotas::Quotas,
    shutdown::{self, Stop},
    upgrade,
    validator::Validator,
};

/// How long requests and connections may take to end when the server stops.
const STOPPING_LIMIT: Duration = Duration::from_secs(10);

/// How long the storage may take to say that it works.
const CHECK_LIMIT: Duration = Duration::from_secs(5);

/// What a kit is to be made of.
pub struct Builder<P> {
    storage: Arc<dyn Storage>,
    policy: P,
    validators: HashMap<String, Arc<dyn Validator>>,
    helping: HashMap<String, Vec<Helping>>,
    clerks: HashMap<String, Arc<dyn Clerk>>,
    notifiers: HashMap<String, Arc<dyn Notifier>>,
    courier: Option<(Arc<dyn Courier>, Timing)>,
    origins: Vec<Origin>,
    quotas: Quotas,
    limits: Limits,
    agent: String,
}

/// The server's side of Settee: its router, its streams, its databases.
pub struct Kit {
    hub: Arc<Hub>,
    courier: Option<Arc<dyn Courier>>,
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
            helping: HashMap::new(),
            clerks: HashMap::new(),
            notifiers: HashMap::new(),
            courier: None,
            origins: Vec::new(),
            quotas: Quotas::default(),
            limits: Limits::default(),
            agent: concat!("settee-server/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// The routes `/sync`, `/notices`, `/health` and `/ready`, to be merged into an app's own. The second answers
    /// as long as the program runs, the third with 503 if the storage doesn't work.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/sync", any(upgrade::upgrade).with_state(self.hub.clone()))
            .route("/health", get(async || "ok"))
            .route("/ready", get(ready).with_state(self.hub.clone()))
            .merge(notices::routes(self.hub.clone(), self.courier.clone()))
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
    /// Unlike axum itself, it closes connections that don't finish a request's head in time, or take
    /// nothing of an answer, and has [`Quotas`] for them.
    pub async fn serve(
        self,
        listener: TcpListener,
        app: Router,
        stop: impl Future<Output = ()> + Send,
    ) -> io::Result<()> {
        let Self { hub, courier: _, stop: stopper } = self;
        tracing::info!(address = %listener.local_addr()?, "serving");
        let sockets = hub.quotas.connections.saturating_add(hub.quotas.requests);
        open_files::provide_for(sockets.into());
        let shared = http::Shared {
            visitors: hub.visitors.clone(),
            work: hub.work.clone(),
            sockets: Arc::new(Semaphore::new(sockets as usize)),
            patience: hub.limits.answer,
            stopping: hub.stopping.clone(),
        };
        let serving = http::serve(listener, app, shared);
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

async fn ready(State(hub): State<Arc<Hub>>) -> (StatusCode, &'static str) {
    match guarded(CHECK_LIMIT, hub.databases.check()).await {
        Ok(Ok(())) => (StatusCode::OK, "ready"),
        Ok(Err(error)) => {
            tracing::error!(%error, "the storage doesn't work");
            (StatusCode::SERVICE_UNAVAILABLE, "the storage doesn't work")
        }
        Err(failure) => {
            tracing::error!(%failure, "the storage doesn't answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the storage doesn't answer")
        }
    }
}

impl<P> Builder<P> {
    /// Who may open or create what.
    pub fn policy<Q: Policy + 'static>(self, policy: Q) -> Builder<Arc<dyn Policy>> {
        let Self {
            storage,
            policy: _,
            validators,
            helping,
            clerks,
            notifiers,
            courier,
            origins,
            quotas,
            limits,
            agent,
        } = self;
        Builder {
            storage,
            policy: Arc::new(policy),
            validators,
            helping,
            clerks,
            notifiers,
            courier,
            origins,
            quotas,
            limits,
            agent,
        }
    }

    /// Databases of this kind take what the validator lets through.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>, validator: impl Validator + 'static) -> Self {
        self.validators.insert(kind.into(), Arc::new(validator));
        self
    }

    /// What helpers may do in databases of this kind, which is nothing otherwise. Of several rules, the first
    /// that is about a document holds.
    #[must_use]
    pub fn helping(mut self, kind: impl Into<String>, rule: Helping) -> Self {
        self.helping.entry(kind.into()).or_default().push(rule);
        self
    }

    /// Documents of databases of this kind are answered by a clerk. One that panics, fails or takes longer than
    /// 10 seconds is asked again after a while, about the same documents. Nobody else waits for it.
    #[must_use]
    pub fn clerk(mut self, kind: impl Into<String>, clerk: impl Clerk + 'static) -> Self {
        self.clerks.insert(kind.into(), Arc::new(clerk));
        self
    }

    /// Devices are told of changes in databases of this kind, once there is a [courier](Self::courier).
    #[must_use]
    pub fn notifier(mut self, kind: impl Into<String>, notifier: impl Notifier + 'static) -> Self {
        self.notifiers.insert(kind.into(), Arc::new(notifier));
        self
    }

    /// Who brings notices to devices, and when. Without one, no device is told anything.
    #[must_use]
    pub fn courier(mut self, courier: impl Courier + 'static, timing: Timing) -> Self {
        self.courier = Some((Arc::new(courier), timing));
        self
    }

    /// Addresses that pages may connect from, besides the server's own.
    #[must_use]
    pub fn origins(mut self, origins: impl IntoIterator<Item = Origin>) -> Self {
        self.origins.extend(origins);
        self
    }

    /// What strangers may use.
    #[must_use]
    pub fn quotas(mut self, quotas: Quotas) -> Self {
        self.quotas = quotas;
        self
    }

    /// The protocol's limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What the server calls itself in its greeting: the program, its version, and perhaps its build.
    #[must_use]
    pub fn agent(mut self, agent: impl Into<String>) -> Self {
        self.agent = agent.into();
        self
    }
}

impl Builder<Arc<dyn Policy>> {
    /// The kit, ready to serve.
    pub fn build(self) -> Kit {
        let Self {
            storage,
            policy,
            validators,
            mut helping,
            mut clerks,
            mut notifiers,
            courier,
            origins,
            quotas,
            limits,
            agent,
        } = self;
        let turns = Arc::new(Semaphore::new(notices::TURNS));
        let kinds = validators.into_iter().map(|(name, validator)| {
            let helping = helping.remove(&name).unwrap_or_default();
            let clerk = clerks.remove(&name);
            let notifier = notifiers.remove(&name).zip(courier.clone());
            let notices = notifier.map(|(notifier, (courier, timing))| {
                Arc::new(Notices {
                    notifier,
                    courier,
                    timing,
                    policy: policy.clone(),
                    turns: turns.clone(),
                })
            });
            (name, Arc::new(Kind { validator, helping, clerk, notices }))
        });
        let databases = Arc::new(Databases::new(storage, kinds.collect(), quotas.clone()));
        let (stop, stopping) = shutdown::channel();
        let hub = Hub::new(agent, databases, policy, origins, quotas, limits, stopping);
        Kit { hub: Arc::new(hub), courier: courier.map(|(courier, _)| courier), stop }
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
