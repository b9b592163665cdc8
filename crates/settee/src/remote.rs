//! Databases of a server, kept in memory only: for programs that need none of it when they are gone.

use std::ops::Deref;

use settee_client::{Client, ClientError, Opening, Replica, ReplicaStatus, socket::Connector};
use settee_keys::random::random;
use settee_store::{Database, Memory};
use settee_sync::Limits;

use crate::Error;

/// A connection to a server for any number of databases, which are kept in memory. It ends when this
/// and all of its databases are gone.
#[derive(Clone)]
pub struct Remote {
    client: Client,
}

/// One database of a [`Remote`]. It is used like any other [`Database`].
#[derive(Clone)]
pub struct RemoteDatabase {
    database: Database,
    client: Client,
    replica: Replica,
}

impl Remote {
    /// Connects, and connects again whenever that is needed. Called within a runtime.
    pub fn connect(connector: impl Connector + 'static) -> Self {
        let agent = concat!("settee/", env!("CARGO_PKG_VERSION"));
        Self::connect_within(Limits::default(), connector, agent)
    }

    /// The same within other limits; the agent is what the program calls itself to the server.
    pub fn connect_within(
        limits: Limits,
        connector: impl Connector + 'static,
        agent: &str,
    ) -> Self {
        Self { client: Client::spawn(connector, limits, agent) }
    }

    /// Keeps the server's database of that name in memory from now on. It is empty at first, and can
    /// be written to at once.
    pub async fn open(&self, name: &str, credentials: &[u8]) -> Result<RemoteDatabase, Error> {
        self.open_with(name, credentials, Database::new(Memory::new(random()))).await
    }

    /// The same, with a database that may already hold something.
    pub async fn open_with(
        &self,
        name: &str,
        credentials: &[u8],
        database: Database,
    ) -> Result<RemoteDatabase, Error> {
        let opening = Opening {
            database: database.clone(),
            name: name.to_owned(),
            credentials: credentials.to_vec(),
            is_lazy: false,
        };
        let replica = self.client.open(opening).await?;
        Ok(RemoteDatabase { database, client: self.client.clone(), replica })
    }

    /// The connection itself.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl RemoteDatabase {
    /// The database in memory.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Waits until the server has opened the database. Fails if its credentials are denied.
    pub async fn opened(&self) -> Result<(), ClientError> {
        self.client.opened(self.replica).await
    }

    /// Waits until the server has acknowledged what was written here, and this has all that the
    /// server has.
    pub async fn up_to_date(&self) -> Result<(), ClientError> {
        self.client.up_to_date(self.replica).await
    }

    /// How the database is; `None` if the connection was ended.
    pub fn status(&self) -> Option<ReplicaStatus> {
        self.client.status().borrow().replicas.get(&self.replica).cloned()
    }

    /// The connection that it is synced over.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl Deref for RemoteDatabase {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}
