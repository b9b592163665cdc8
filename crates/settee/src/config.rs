//! What a [`Settee`](crate::Settee) is to be.

#[cfg(all(feature = "native", not(target_arch = "wasm32")))]
use std::path::PathBuf;
use std::sync::Arc;

use settee_client::socket::Connector;
#[cfg(all(feature = "browser", target_arch = "wasm32"))]
use settee_store::backend::indexeddb::IndexedDb;
use settee_sync::Limits;

use crate::profile::{device::InMemory, engine::Server};

/// Databases that are hidden, which means that nobody uses them, and that are synced at a time.
/// Others take their turn after them.
pub const HIDDEN_AT_A_TIME: usize = 32;

/// Where the server is, where databases are kept, and within which limits they are synced. Clones
/// are of the same place, also of the same memory.
#[derive(Clone)]
pub struct Config {
    pub(crate) server: Server,
    pub(crate) place: Place,
    pub(crate) agent: String,
    pub(crate) limits: Limits,
    pub(crate) hidden: usize,
}

/// Where a device keeps its databases.
#[derive(Clone)]
pub(crate) enum Place {
    /// In memory, as long as the program runs.
    Memory(InMemory),
    /// In the browser, under names that begin so.
    #[cfg(target_arch = "wasm32")]
    Browser(String),
    /// In a folder.
    #[cfg(all(feature = "native", not(target_arch = "wasm32")))]
    Folder(PathBuf),
}

impl Config {
    /// The server's end of the protocol, by its `ws://` or `wss://` address. Databases are kept in
    /// the browser; natively in memory, unless [`Config::in_folder`] says where.
    pub fn at(url: impl Into<String>) -> Self {
        Self::of(Server::At(url.into()))
    }

    /// The server that the page came from, with its end of the protocol under `/sync`.
    #[cfg(all(feature = "browser", target_arch = "wasm32"))]
    pub fn of_page() -> Self {
        Self::at(format!("{}/sync", crate::browser::origin().replacen("http", "ws", 1)))
    }

    /// The same over anything else that connects, such as a
    /// `settee_client::stream::StreamConnector`.
    pub fn over(connector: impl Connector + 'static) -> Self {
        Self::of(Server::Over(Arc::new(connector)))
    }

    fn of(server: Server) -> Self {
        #[cfg(target_arch = "wasm32")]
        let place = Place::Browser("settee".to_owned());
        #[cfg(not(target_arch = "wasm32"))]
        let place = Place::Memory(InMemory::default());
        Self {
            server,
            place,
            agent: concat!("settee/", env!("CARGO_PKG_VERSION")).to_owned(),
            limits: Limits::default(),
            hidden: HIDDEN_AT_A_TIME,
        }
    }

    /// Keeps databases in memory, as long as the program runs.
    #[must_use]
    pub fn in_memory(mut self) -> Self {
        self.place = Place::Memory(InMemory::default());
        self
    }

    /// Keeps databases in this folder, which one program uses at a time. It is made if there is none.
    #[cfg(all(feature = "native", not(target_arch = "wasm32")))]
    #[must_use]
    pub fn in_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.place = Place::Folder(folder.into());
        self
    }

    /// Keeps databases in the browser under names that begin so, apart from other apps of the same
    /// origin; `settee` if nothing else is said.
    #[cfg(target_arch = "wasm32")]
    #[must_use]
    pub fn named(mut self, app: impl Into<String>) -> Self {
        self.place = Place::Browser(app.into());
        self
    }

    /// Deletes all that a device keeps, with all that was not sent. Whoever has it open loses it, and has to
    /// keep from opening it again: see [`Opening::closed`](crate::Opening::closed).
    ///
    /// It goes on while `is_wanted`. Returns whether there was anything: another tab that is about to go may have
    /// made some of it anew. Fails if one doesn't let go, and can be tried again.
    #[cfg(all(feature = "browser", target_arch = "wasm32"))]
    pub async fn erase(self, is_wanted: impl Fn() -> bool) -> Result<bool, crate::Error> {
        let Place::Browser(prefix) = self.place else { return Ok(false) };
        let prefix = format!("{prefix}:");
        let mut names = IndexedDb::names().await?;
        names.retain(|name| name.starts_with(&prefix));
        for name in names.iter().take_while(|_| is_wanted()) {
            IndexedDb::delete(name).await?;
        }
        Ok(!names.is_empty())
    }

    /// What the program calls itself to the server.
    #[must_use]
    pub fn agent(mut self, agent: impl Into<String>) -> Self {
        self.agent = agent.into();
        self
    }

    /// The protocol's limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How many hidden databases are synced at a time; [`HIDDEN_AT_A_TIME`] if nothing else is said.
    #[must_use]
    pub fn hidden_at_a_time(mut self, hidden: usize) -> Self {
        self.hidden = hidden.max(1);
        self
    }
}
