//! What handles ask of the driver, and what it publishes to them.

use std::{collections::HashMap, sync::Arc};

use settee_store::{BackendError, Database};
use settee_sync::{
    Checkpoint,
    client::{
        Replica,
        status::{ConnectionStatus, ReplicaStatus},
    },
};
use tokio::sync::oneshot;

/// The state of the connection, and of each database that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Whether the client is connected, and if not, why.
    pub connection: ConnectionStatus,
    /// What the server has called itself in its last greeting.
    pub server: Option<Arc<str>>,
    /// The databases from [`Client::open`](crate::Client::open) to
    /// [`Client::close`](crate::Client::close).
    pub replicas: HashMap<Replica, ReplicaStatus>,
}

/// A database that is to be kept in sync.
pub struct Opening {
    /// The database on this device.
    pub database: Database,
    /// Its name on the server, of at most 128 bytes.
    pub name: String,
    /// What the server is shown, of at most 4096 bytes. Only the server's policy reads it.
    pub credentials: Vec<u8>,
    /// Whether the database was created on this device, so that the server need not hear of it
    /// before it has a document.
    pub is_lazy: bool,
}

/// What a handle asks for. The driver replies once the status shows the outcome.
pub(crate) enum Command {
    Open {
        opening: Opening,
        checkpoint: Option<Checkpoint>,
        reply: oneshot::Sender<Replica>,
    },
    Close {
        replica: Replica,
        reply: oneshot::Sender<()>,
    },
    Credentials {
        replica: Replica,
        credentials: Vec<u8>,
        reply: oneshot::Sender<()>,
    },
    /// Count anew what waits for the server.
    Count {
        replica: Replica,
        reply: Counted,
    },
    Here {
        replica: Replica,
        state: Option<Vec<u8>>,
    },
    Wake,
    Offline,
}

/// Whom to tell that a database was counted. It is dropped if the replica was closed.
pub(crate) type Counted = oneshot::Sender<Result<(), BackendError>>;
