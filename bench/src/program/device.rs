//! Native clients, which keep their databases in memory.

use settee::{
    Remote,
    client::native::{Traffic, WebSocketConnector},
    keys::{Token, random::random},
    remote::RemoteDatabase,
    store::{Database, Edit, Memory},
    sync::Limits,
};

use super::{Result, server::Server};

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

/// A connection for any number of databases. It ends with this value.
pub struct Connection {
    traffic: Traffic,
    remote: Remote,
}

impl Connection {
    pub fn new(server: &Server) -> Self {
        let connector = WebSocketConnector::new(server.url());
        let traffic = connector.traffic();
        let remote = Remote::connect_within(Limits::default(), connector, "settee-bench");
        Self { traffic, remote }
    }

    /// Keeps the owner's database in sync from now on.
    pub async fn open(&self, owner: &Token, database: Database) -> Result<RemoteDatabase> {
        let id = owner.database_id();
        Ok(self.remote.open_with(id.as_str(), owner.as_bytes(), database).await?)
    }
}

/// A device with one database. The connection ends with this value.
pub struct Device {
    pub database: Database,
    pub traffic: Traffic,
    remote: RemoteDatabase,
}

impl Device {
    /// Connects to the server, and opens the owner's database.
    pub async fn connect(server: &Server, owner: &Token, database: Database) -> Result<Self> {
        let connection = Connection::new(server);
        let remote = connection.open(owner, database.clone()).await?;
        Ok(Self { database, traffic: connection.traffic, remote })
    }

    /// One that has connected, and has all that the server has.
    pub async fn up_to_date(server: &Server, owner: &Token) -> Result<Self> {
        let device = Self::connect(server, owner, empty_database()).await?;
        device.remote.up_to_date().await?;
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
