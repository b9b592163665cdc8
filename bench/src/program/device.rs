//! Native clients, which keep their lists in memory.

use settee_client::{
    Client, Replica, ReplicaStatus, Status, client::Opening, native::WebSocketConnector,
};
use settee_store::{Database, Edit, Memory};
use settee_sync::Limits;
use settee_todo::{Token, token::random};

use super::{
    Result,
    server::Server,
    traffic::{CountingConnector, Traffic},
};

/// An empty database on a device.
pub fn empty_database() -> Database {
    Database::new(Memory::new(random()))
}

/// Writes edits that all have to succeed, in one transaction.
pub async fn write(database: &Database, edits: Vec<Edit>) -> Result<()> {
    for outcome in database.write(edits).await? {
        outcome?;
    }
    Ok(())
}

/// A connection for any number of lists. It ends with this value.
pub struct Connection {
    traffic: Traffic,
    client: Client,
}

impl Connection {
    pub fn new(server: &Server) -> Self {
        let traffic = Traffic::default();
        let inner = WebSocketConnector::new(server.url());
        let connector = CountingConnector { inner, traffic: traffic.clone() };
        let chance = u64::from_ne_bytes(random());
        let (client, run) = Client::new(connector, Limits::default(), "settee-bench", chance);
        tokio::spawn(run);
        Self { traffic, client }
    }

    /// Keeps the owner's list in sync from now on.
    pub async fn open(&self, owner: &Token, database: Database) -> Result<Replica> {
        let opening = Opening {
            database,
            name: owner.list_id().to_string(),
            credentials: owner.as_bytes().to_vec(),
            is_lazy: false,
        };
        Ok(self.client.open(opening).await?)
    }

    /// Waits until a list is here as it is on the server.
    pub async fn up_to_date(&self, replica: Replica) -> Result<()> {
        let is_done = |status: &Status| {
            status.replicas.get(&replica).is_some_and(ReplicaStatus::is_up_to_date)
        };
        let mut status = self.client.status();
        status.wait_for(is_done).await?;
        Ok(())
    }
}

/// A device with one list. The connection ends with this value.
pub struct Device {
    pub database: Database,
    pub traffic: Traffic,
    replica: Replica,
    connection: Connection,
}

impl Device {
    /// Connects to the server, and opens the owner's list.
    pub async fn connect(server: &Server, owner: &Token, database: Database) -> Result<Self> {
        let connection = Connection::new(server);
        let replica = connection.open(owner, database.clone()).await?;
        let traffic = connection.traffic.clone();
        Ok(Self { database, traffic, replica, connection })
    }

    /// One that has connected, and has all that the server has.
    pub async fn up_to_date(server: &Server, owner: &Token) -> Result<Self> {
        let device = Self::connect(server, owner, empty_database()).await?;
        device.connection.up_to_date(device.replica).await?;
        Ok(device)
    }

    /// Waits until the database has so many documents.
    pub async fn has(&self, documents: usize) -> Result<()> {
        let mut news = self.database.watch();
        while self.database.counts().await?.documents < documents {
            news.changed().await?;
        }
        Ok(())
    }

    /// Waits until the server has acknowledged everything.
    pub async fn acknowledged(&self) -> Result<()> {
        let mut news = self.database.watch();
        while self.database.counts().await?.pending > 0 {
            news.changed().await?;
        }
        Ok(())
    }
}
