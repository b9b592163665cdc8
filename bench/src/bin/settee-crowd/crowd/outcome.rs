//! What the clients have once all are synced, or time is up.

use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::{Result, member::Member};

/// Maximum time to become synced.
const PATIENCE: Duration = Duration::from_mins(2);
/// Pause between two checks of all clients.
const PAUSE: Duration = Duration::from_millis(100);

/// The last line of the output.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The sorted titles of all live todos that the first client has.
    titles: Vec<String>,
    /// Documents with changes that the server has refused.
    refused: usize,
    /// Clients that are not synced, or whose todos differ from those of the first.
    stuck: usize,
}

impl Outcome {
    /// Waits until no client is stuck, up to a time limit.
    pub async fn of(members: &[Member]) -> Result<Self> {
        let end = Instant::now() + PATIENCE;
        loop {
            let is_late = Instant::now() >= end;
            // Reading all documents is expensive, so it waits until all clients are synced.
            if is_late || are_at_rest(members).await? {
                let outcome = Self::now(members).await?;
                if is_late || outcome.is_good() {
                    return Ok(outcome);
                }
            }
            sleep(PAUSE).await;
        }
    }

    pub fn is_good(&self) -> bool {
        self.stuck == 0
    }

    async fn now(members: &[Member]) -> Result<Self> {
        let first = members.first().ok_or("nobody is there")?;
        let titles = first.titles().await?;
        let (mut refused, mut stuck) = (0, 0);
        for member in members {
            refused += member.database.counts().await?.refused;
            let is_done = member.is_at_rest().await? && member.titles().await? == titles;
            stuck += usize::from(!is_done);
        }
        Ok(Self { titles, refused, stuck })
    }
}

async fn are_at_rest(members: &[Member]) -> Result<bool> {
    for member in members {
        if !member.is_at_rest().await? {
            return Ok(false);
        }
    }
    Ok(true)
}
