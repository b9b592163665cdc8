//! Deciding on a channel: what the policy says, and the database that it is about.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use settee_sync::{Access, Channel, Denial, DenialCode, message::Open, server::Grant};
use tokio::time::timeout;

use super::{Hub, grants::Word};
use crate::{databases::Handle, telemetry::short};

/// How long a decision may take: the client waits longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of a channel that was to be opened.
pub struct Granted {
    pub channel: Channel,
    /// To be decided on again, when the policy says so.
    pub credentials: Vec<u8>,
    pub decision: Result<(Grant, Handle, BoxFuture<'static, ()>), Denial>,
}

pub async fn authorize(hub: Arc<Hub>, open: Open) -> Word {
    let (channel, credentials) = (open.channel, open.credentials.clone());
    let decision = timeout(PATIENCE, grant(&hub, open)).await;
    let decision = decision.unwrap_or_else(|_| Err(unavailable()));
    Word::Opened(Granted { channel, credentials, decision })
}

/// Decides again on a channel that is open.
pub async fn decide(
    hub: Arc<Hub>,
    channel: Channel,
    database: String,
    credentials: Vec<u8>,
) -> Word {
    let decision = timeout(PATIENCE, hub.access.authorize(database, credentials)).await;
    Word::Decided(channel, decision.unwrap_or_else(|_| Err(unavailable())))
}

async fn grant(hub: &Hub, open: Open) -> Result<(Grant, Handle, BoxFuture<'static, ()>), Denial> {
    let Open { channel: _, database: name, credentials, checkpoint } = open;
    let access = hub.access.authorize(name.clone(), credentials).await;
    let Access { role, until } = access.inspect_err(|denial| {
        tracing::info!(database = short(&name), code = ?denial.code, "denied");
    })?;
    let opened = hub.databases.find(&name).await.inspect_err(|error| {
        tracing::error!(database = short(&name), %error, "can't open");
    });
    let database = opened.map_err(|_| unavailable())?.ok_or_else(unavailable)?;
    let resumed = checkpoint.is_some_and(|checkpoint| database.knows(&checkpoint));
    let position = database.position();
    tracing::info!(database = short(&name), ?role, resumed, "granted");
    Ok((Grant { role, position, resumed }, database, until))
}

fn unavailable() -> Denial {
    Denial::new(DenialCode::Unavailable, "the server can't open the list now")
}
