//! The handle that programs use.

use std::collections::HashMap;

use settee_store::BackendError;
use settee_sync::{
    Denial, Limits,
    client::{
        self as machine,
        status::{ChannelStatus, ConnectionStatus, ReplicaStatus},
    },
};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{checkpoint, command::Command, driver::Driver, platform, socket::Connector};

pub use crate::command::{Opening, Status};
pub use machine::Replica;

/// How many commands may wait for the driver. A handle waits for room.
const COMMANDS: usize = 256;

/// A handle on the connection to one server, and on the databases that are synced over it.
///
/// Clones are handles on the same connection. It is closed when the last of them is dropped.
#[derive(Clone)]
pub struct Client {
    commands: mpsc::Sender<Command>,
    status: watch::Receiver<Status>,
}

/// Why a client could not do what it was asked for.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The client has ended: see [`Client::new`].
    #[error("the client has stopped")]
    Stopped,
    /// [`Client::close`] was called for the database, perhaps on another handle.
    #[error("the database is not synced any more")]
    Closed,
    /// The server doesn't let these credentials open the database.
    #[error("the server has denied access: {}", .0.message)]
    Denied(Denial),
    /// The database on this device could not be read.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl Client {
    /// Makes a client and runs it in the background, as [`Client::new`] says.
    ///
    /// # Panics
    ///
    /// Natively when it is called outside of a Tokio runtime.
    pub fn spawn(connector: impl Connector + 'static, limits: Limits, agent: &str) -> Self {
        // It only spreads the waiting times of clients, so a constant serves where there is none.
        let chance = getrandom::u64().unwrap_or_default();
        let (client, run) = Self::new(connector, limits, agent, chance);
        platform::spawn(run);
        client
    }

    /// Makes a client, and the future that runs it. `agent` tells the server which program this is;
    /// `chance` is a random number, which spreads the waiting times of clients.
    ///
    /// The future ends when the last handle is dropped. It also ends when a database that was
    /// opened with [`Database::lead`](settee_store::Database::lead) is led by somebody else now.
    pub fn new<C: Connector + 'static>(
        connector: C,
        limits: Limits,
        agent: &str,
        chance: u64,
    ) -> (Self, impl Future<Output = ()> + use<C>) {
        let (commands, receiver) = mpsc::channel(COMMANDS);
        let first = Status {
            connection: ConnectionStatus::Connecting,
            server: None,
            replicas: HashMap::new(),
        };
        let (sender, status) = watch::channel(first);
        let machine = machine::Client::new(limits.clone(), agent, chance);
        let driver = Driver::new(Box::new(connector), limits, machine, receiver, sender);
        (Self { commands, status }, driver.run())
    }

    /// Keeps a database in sync from now on. This waits neither for the server nor for the channel:
    /// see [`Client::opened`] and [`Client::up_to_date`].
    pub async fn open(&self, opening: Opening) -> Result<Replica, ClientError> {
        let checkpoint = checkpoint::load(&opening.database).await?;
        self.ask(|reply| Command::Open { opening, checkpoint, reply }).await
    }

    /// Stops syncing a database. What is being written to it now may still be completed.
    pub async fn close(&self, replica: Replica) -> Result<(), ClientError> {
        self.ask(|reply| Command::Close { replica, reply }).await
    }

    /// Shows the server other credentials from now on: the channel is opened anew with them.
    pub async fn set_credentials(
        &self,
        replica: Replica,
        credentials: Vec<u8>,
    ) -> Result<(), ClientError> {
        self.ask(|reply| Command::Credentials { replica, credentials, reply }).await
    }

    /// Waits until the server has opened the database's channel, through lost connections and
    /// denials that pass with time. Any other denial is [`ClientError::Denied`].
    pub async fn opened(&self, replica: Replica) -> Result<(), ClientError> {
        self.wait(replica, |status| match &status.channel {
            ChannelStatus::Open => Some(Ok(())),
            ChannelStatus::Denied(denial) if !denial.code.is_passing() => {
                Some(Err(ClientError::Denied(denial.clone())))
            }
            _ => None,
        })
        .await
    }

    /// Waits until the server has acknowledged all that was written to the database before this
    /// call, and the database has all that the server is known to have. While the client is offline
    /// or denied access it waits.
    pub async fn up_to_date(&self, replica: Replica) -> Result<(), ClientError> {
        let (reply, counted) = oneshot::channel();
        self.command(Command::Count { replica, reply }).await?;
        if let Ok(counted) = counted.await {
            counted?;
        }
        self.wait(replica, |status| status.is_up_to_date().then_some(Ok(()))).await
    }

    /// Says that somebody is here, and what others on the database may know of them: at most
    /// [`STATE_LIMIT`](settee_sync::limits::STATE_LIMIT) bytes, or it is as if nobody were. The status tells who
    /// else is here.
    pub async fn show(&self, replica: Replica, state: Option<Vec<u8>>) -> Result<(), ClientError> {
        self.command(Command::Here { replica, state }).await
    }

    /// Says that the device is awake, visible or online again: the client checks at once whether
    /// the server is there. If the queue of commands is full this does nothing: the client is busy,
    /// so it is awake.
    pub fn wake(&self) {
        let _ = self.commands.try_send(Command::Wake);
    }

    /// Says that the device has lost its network. If the queue of commands is full this does
    /// nothing: the client notices the loss later.
    pub fn go_offline(&self) {
        let _ = self.commands.try_send(Command::Offline);
    }

    /// The status now, and word of each change. It ends when the client stops.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Waits until the replica's status decides something.
    async fn wait(
        &self,
        replica: Replica,
        decide: impl Fn(&ReplicaStatus) -> Option<Result<(), ClientError>>,
    ) -> Result<(), ClientError> {
        let mut status = self.status();
        loop {
            match status.borrow_and_update().replicas.get(&replica).map(&decide) {
                Some(Some(decided)) => return decided,
                Some(None) => {}
                None => return Err(ClientError::Closed),
            }
            status.changed().await.map_err(|_| ClientError::Stopped)?;
        }
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, ClientError> {
        let (reply, replied) = oneshot::channel();
        self.command(command(reply)).await?;
        replied.await.map_err(|_| ClientError::Stopped)
    }

    async fn command(&self, command: Command) -> Result<(), ClientError> {
        self.commands.send(command).await.map_err(|_| ClientError::Stopped)
    }
}
