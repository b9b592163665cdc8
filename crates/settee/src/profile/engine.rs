//! The engine: what keeps the databases in sync. Nothing else reaches it, so that a page can have its
//! code loaded after it has shown what the device has.

use std::sync::Arc;

use settee_client::socket::Connector;
use settee_sync::Limits;
use tokio::sync::watch;

use super::{
    home::Home,
    shared_home::SharedHomes,
    stand_in::StandIns,
    sync::Syncing,
    tabs::{Joining, Tabs},
    taking::Taking,
    turns::Places,
    unsaved::Unsaved,
    used::OpenDatabases,
};

/// Keeps the databases of a [`Settee`](crate::Settee) in sync, once it runs.
pub struct Engine {
    pub server: Server,
    pub limits: Limits,
    pub agent: String,
    pub places: Places,
    pub home: Home,
    pub databases: Arc<OpenDatabases>,
    pub unsaved: Unsaved,
    pub tabs: Tabs,
    pub joining: Joining,
    /// What the server has called itself in its last greeting.
    pub greeting: watch::Sender<Option<Arc<str>>>,
    /// Changes when the [`Settee`](crate::Settee) is gone.
    pub ended: watch::Receiver<()>,
}

/// Runs an engine, whose code is loaded first where it is apart. So nothing else may name
/// [`Engine::run`].
pub async fn run(engine: Engine) {
    #[cfg(all(feature = "split", target_arch = "wasm32"))]
    super::apart::run(engine).await;
    #[cfg(not(all(feature = "split", target_arch = "wasm32")))]
    engine.run().await;
}

/// Where the server is.
#[derive(Clone)]
pub enum Server {
    At(String),
    Over(Arc<dyn Connector>),
}

impl Server {
    fn connector(self) -> Arc<dyn Connector> {
        match self {
            #[cfg(target_arch = "wasm32")]
            Self::At(url) => Arc::new(settee_client::browser::WebSocketConnector::new(url)),
            #[cfg(not(target_arch = "wasm32"))]
            Self::At(url) => Arc::new(settee_client::native::WebSocketConnector::new(url)),
            Self::Over(connector) => connector,
        }
    }
}

impl Engine {
    /// Syncs, until it is dropped.
    pub async fn run(self) {
        let connector = self.server.connector();
        let homes = SharedHomes {
            home: self.home.clone(),
            databases: self.databases.clone(),
            taking: Taking {
                home: self.home.clone(),
                databases: self.databases.clone(),
                unsaved: self.unsaved.clone(),
            },
            turn: Arc::default(),
            ended: self.ended.clone(),
        };
        let stand_ins = StandIns {
            connector: connector.clone(),
            limits: self.limits.clone(),
            agent: self.agent.clone(),
            home: self.home.clone(),
            unsaved: self.unsaved,
        };
        let syncing = Syncing {
            connector,
            limits: self.limits,
            agent: self.agent,
            places: self.places,
            home: self.home,
            databases: self.databases,
            tabs: self.tabs,
            server: self.greeting,
        };
        let stand_ins = stand_ins.run(self.ended);
        tokio::join!(self.joining.run(), syncing.run(), stand_ins, homes.run());
    }
}
