//! The handle that programs use.

use std::collections::HashMap;

use settee_store::{BackendError, Database};
use settee_sync::{
    Checkpoint, Limits,
    client::{
        self as machine,
        status::{ConnectionStatus, ReplicaStatus},
    },
};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{driver::Driver, socket::Connector};

pub use machine::Replica;

/// Most commands that wait for the driver. It takes them between two awaits.
const COMMANDS: usize = 256;
/// The local document that says how far the server was read.
pub(crate) const CHECKPOINT: &str = "sync/checkpoint";

/// A handle on the connection to one server. Clones are the same one; when the last is dropped,
/// the connection is closed.
#[derive(Clone)]
pub struct Client {
    commands: mpsc::Sender<Command>,
    status: watch::Receiver<Status>,
}

/// How the connection is, and each database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub connection: ConnectionStatus,
    pub replicas: HashMap<Replica, ReplicaStatus>,
}

/// A database that is to be kept in sync.
pub struct Opening {
    /// The database on this device.
    pub database: Database,
    /// Its name on the server.
    pub name: String,
    pub credentials: Vec<u8>,
    /// The database began on this device: the server hears of it with its first change.
    pub is_lazy: bool,
}

#[derive(Debug, Error)]
pub enum ClientError {
    #[error("the client has stopped")]
    Stopped,
    #[error(transparent)]
    Backend(#[from] BackendError),
}

pub(crate) enum Command {
    Open { opening: Opening, checkpoint: Option<Checkpoint>, reply: oneshot::Sender<Replica> },
    Close(Replica),
    Credentials(Replica, Vec<u8>),
    Wake,
    Offline,
}

impl Client {
    /// Makes a client, and the future that runs it: to be spawned. `chance` is a random number.
    ///
    /// The future ends with the last handle; and when a database that is led
    /// ([`Database::lead`]) is led by somebody else now.
    pub fn new(
        connector: impl Connector + 'static,
        limits: Limits,
        agent: &str,
        chance: u64,
    ) -> (Self, impl Future<Output = ()>) {
        let (commands, receiver) = mpsc::channel(COMMANDS);
        let first = Status { connection: ConnectionStatus::Connecting, replicas: HashMap::new() };
        let (sender, status) = watch::channel(first);
        let machine = machine::Client::new(limits, agent, chance);
        let driver = Driver::new(Box::new(connector), machine, receiver, sender);
        (Self { commands, status }, driver.run())
    }

    /// Keeps a database in sync from now on.
    pub async fn open(&self, opening: Opening) -> Result<Replica, ClientError> {
        let stored = opening.database.local(CHECKPOINT).await?;
        let checkpoint = stored.and_then(|bytes| Checkpoint::decode(&bytes));
        let (reply, replica) = oneshot::channel();
        self.command(Command::Open { opening, checkpoint, reply }).await?;
        replica.await.map_err(|_| ClientError::Stopped)
    }

    pub async fn close(&self, replica: Replica) -> Result<(), ClientError> {
        self.command(Command::Close(replica)).await
    }

    /// Shows other credentials from now on.
    pub async fn set_credentials(
        &self,
        replica: Replica,
        credentials: Vec<u8>,
    ) -> Result<(), ClientError> {
        self.command(Command::Credentials(replica, credentials)).await
    }

    /// Says that the device is awake, visible or online again: the client looks at once whether
    /// the server is there. With a full queue of commands it is about to anyway.
    pub fn wake(&self) {
        let _ = self.commands.try_send(Command::Wake);
    }

    /// Says that the device has no network.
    pub fn go_offline(&self) {
        let _ = self.commands.try_send(Command::Offline);
    }

    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    async fn command(&self, command: Command) -> Result<(), ClientError> {
        self.commands.send(command).await.map_err(|_| ClientError::Stopped)
    }
}
