//! The engine: what keeps the databases in sync. Nothing else reaches it, so that a page can have its
//! code loaded after it has shown what the device has.

use std::sync::Arc;

use settee_client::socket::Connector;
use settee_sync::Limits;
use tokio::sync::watch;

use super::{
    home::Home, stand_in::StandIns, sync::Syncing, tabs::Tabs, turns::Places, unsaved::Unsaved,
    used::OpenDatabases,
};
use crate::settee::until;

/// Keeps the databases of a [`Settee`](crate::Settee) in sync, once it runs: see
/// [`Config::run_by`](crate::Config::run_by).
pub struct Engine {
    pub(crate) server: Server,
    pub(crate) limits: Limits,
    pub(crate) agent: String,
    pub(crate) places: Places,
    pub(crate) home: Home,
    pub(crate) databases: Arc<OpenDatabases>,
    pub(crate) unsaved: Unsaved,
    pub(crate) tabs: Tabs,
    /// What the server has called itself in its last greeting.
    pub(crate) greeting: watch::Sender<Option<Arc<str>>>,
    pub(crate) ended: watch::Receiver<()>,
}

/// Where the server is.
#[derive(Clone)]
pub(crate) enum Server {
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
    /// Syncs, for as long as the [`Settee`](crate::Settee) lives.
    pub async fn run(self) {
        let connector = self.server.connector();
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
        let all = async {
            tokio::join!(syncing.run(), stand_ins.run(self.ended.clone()));
        };
        until(self.ended.clone(), all).await;
    }
}
