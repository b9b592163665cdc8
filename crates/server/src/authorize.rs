//! Deciding on a channel: what the policy says, and the database that it is about.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use settee_store::BackendError;
use settee_sync::{Channel, Denial, DenialCode, Role, message::Open, server::Grant};

use crate::{
    databases::{DatabaseError, Handle, short},
    grants::GrantEvent,
    guard::{Failure, guarded},
    hub::Hub,
    policy::{Access, Asked, Known},
    shared::Ruling,
    visitors::Visitor,
};

/// How long a decision may take: the client waits longer.
const DECISION_LIMIT: Duration = Duration::from_secs(10);

/// What became of a channel that was to be opened.
pub struct Decided {
    pub channel: Channel,
    /// To be decided on again, when the policy says so.
    pub credentials: Vec<u8>,
    pub decision: Result<Granted, Denial>,
}

/// A channel that may be opened.
pub struct Granted {
    pub grant: Grant,
    pub database: Handle,
    pub tag: Option<String>,
    pub adds: bool,
    /// What the grant is known by.
    pub named: Option<String>,
    pub ruling: Ruling,
    /// Completes when the grant may have changed.
    pub until: BoxFuture<'static, ()>,
}

/// Decides on a channel that is to be opened.
pub async fn authorize(hub: Arc<Hub>, visitor: Arc<Visitor>, open: Open) -> GrantEvent {
    let (channel, credentials) = (open.channel, open.credentials.clone());
    let name = open.database.clone();
    let decision = guarded(DECISION_LIMIT, grant(&hub, &visitor, open)).await;
    let decision = decision.unwrap_or_else(|failure| Err(undecided(&name, &failure)));
    match &decision {
        Ok(Granted { grant: Grant { role, resumed, .. }, .. }) => {
            tracing::debug!(database = short(&name), ?role, resumed, "granted");
        }
        Err(denial) => {
            tracing::debug!(database = short(&name), code = ?denial.code, "denied");
        }
    }
    GrantEvent::Opened(Decided { channel, credentials, decision })
}

/// Decides again on a channel that is open.
pub async fn decide_again(
    hub: Arc<Hub>,
    channel: Channel,
    database: String,
    credentials: Vec<u8>,
) -> GrantEvent {
    GrantEvent::Rechecked(channel, decide(&hub, &database, credentials).await)
}

/// What the policy says of these credentials, and the ruling that it goes by. A grant ends with that, at
/// the latest.
pub async fn decide(
    hub: &Hub,
    name: &str,
    credentials: Vec<u8>,
) -> Result<(Access, Ruling), Denial> {
    let decision = guarded(DECISION_LIMIT, ask(hub, name, credentials)).await;
    let decision = decision.unwrap_or_else(|failure| Err(undecided(name, &failure)));
    decision.map(|(_, access, ruling)| (access, ruling))
}

/// The database of that name, if these credentials open it.
pub async fn open(hub: &Hub, name: &str, credentials: Vec<u8>) -> Result<(Access, Handle), Denial> {
    let opened = guarded(DECISION_LIMIT, async {
        let (known, access, _) = ask(hub, name, credentials).await?;
        Ok((access, find(hub, name, known).await?.ok_or_else(missing)?))
    });
    opened.await.unwrap_or_else(|failure| Err(undecided(name, &failure)))
}

/// The same, with what is known of the database.
async fn ask(
    hub: &Hub,
    name: &str,
    credentials: Vec<u8>,
) -> Result<(Option<Known>, Access, Ruling), Denial> {
    let ruling = hub.databases.shared(name).ruling();
    let known = hub.databases.known(name).await.map_err(|error| unusable(name, &error))?;
    let asked = Asked { database: name.to_owned(), credentials, known: known.clone() };
    let access = hub.policy.authorize(asked).await?;
    let (until, current) = (access.until, ruling.clone());
    let until = async move {
        tokio::select! {
            () = until => {}
            () = current.ends() => {}
        }
    };
    Ok((known, Access { until: Box::pin(until), ..access }, ruling))
}

/// The database of which this is known, if there is one.
async fn find(hub: &Hub, name: &str, known: Option<Known>) -> Result<Option<Handle>, Denial> {
    let Some(known) = known else { return Ok(None) };
    hub.databases.find(name, &known).await.map_err(|error| unusable(name, &error))
}

async fn grant(hub: &Hub, visitor: &Visitor, open: Open) -> Result<Granted, Denial> {
    let Open { channel: _, database: name, credentials, checkpoint } = open;
    let failed = |error: DatabaseError| unusable(&name, &error);
    let (known, access, ruling) = ask(hub, &name, credentials).await?;
    let Access { role, tag, adds, name: named, creates, until } = access;
    let database = match (find(hub, &name, known).await?, creates) {
        (Some(database), _) => database,
        (None, Some(new)) => {
            if !visitor.create() {
                let message = "too many databases were created from here; try again later";
                return Err(Denial::new(DenialCode::TooMany, message));
            }
            let created = hub.databases.create(&name, new).await.map_err(failed)?;
            tracing::info!(database = short(&name), "created");
            created
        }
        (None, None) => return Err(missing()),
    };
    let grant = resume(&database, role, checkpoint).await.map_err(|error| failed(error.into()))?;
    Ok(Granted { grant, database, tag, adds, named, ruling, until })
}

async fn resume(
    database: &Handle,
    role: Role,
    checkpoint: Option<settee_sync::Checkpoint>,
) -> Result<Grant, BackendError> {
    let resumed = match checkpoint {
        Some(checkpoint) => database.knows(&checkpoint).await?,
        None => false,
    };
    Ok(Grant { role, position: database.position(), resumed })
}

fn missing() -> Denial {
    Denial::new(DenialCode::Unknown, "the server doesn't have the database yet")
}

fn unusable(name: &str, error: &DatabaseError) -> Denial {
    if let DatabaseError::Room(full) = error {
        tracing::warn!(%full, "can't create a database");
        return Denial::new(DenialCode::TooMany, full.to_string());
    }
    tracing::error!(database = short(name), %error, "can't open");
    unavailable()
}

fn undecided(name: &str, failure: &Failure) -> Denial {
    tracing::error!(database = short(name), %failure, "can't decide on access");
    unavailable()
}

fn unavailable() -> Denial {
    Denial::new(DenialCode::Unavailable, "the server can't open the database now")
}
