//! What there is when everybody has come to rest, or should have.

use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::{Result, member::Member};

/// How long coming to rest may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// Between two looks at everybody.
const PAUSE: Duration = Duration::from_millis(100);

/// The last line.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// Of all live todos, as the first client reads them; sorted.
    titles: Vec<String>,
    /// Documents with changes that the server has refused.
    refused: usize,
    /// Clients that have not come to rest, or read something else than the first.
    stuck: usize,
}

impl Outcome {
    /// Waits until nobody is stuck, as long as there is patience.
    pub async fn of(members: &[Member]) -> Result<Self> {
        let end = Instant::now() + PATIENCE;
        loop {
            let is_late = Instant::now() >= end;
            // To read everything while not everybody has it would be in vain.
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
