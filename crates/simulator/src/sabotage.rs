//! Deliberate bugs, to see whether the simulator finds them. They are in the actors, not in the library.
//!
//! Without the feature of that name there are none, and the functions here do nothing.

#[cfg(feature = "sabotage")]
pub use made::*;
#[cfg(not(feature = "sabotage"))]
pub use none::*;

#[cfg(feature = "sabotage")]
mod made {
    use settee_store::{Applied, Body, Database, Record};
    use settee_sync::{Channel, Checkpoint, client::Verdict};

    use crate::{
        client::remember,
        context::Context,
        databases::at_once,
        faults::Fate,
        server::{Batch, Done},
    };

    /// A deliberate bug.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub enum Sabotage {
        #[default]
        None,
        /// Clients store the checkpoint in a commit of its own, before the documents.
        CheckpointFirst,
        /// The server acknowledges before it commits.
        EarlyAcknowledgement,
        /// Clients treat a refusal as an acknowledgement.
        LostRefusal,
        /// The server goes on from any checkpoint, even if it has lost something since.
        UnnoticedRollback,
        /// Of a document with several leaves, clients show the one that arrived last.
        ArrivalOrder,
        /// The server doesn't close channels when access ends.
        UntoldRevocation,
    }

    /// A batch whose outcome the machine was told early is committed under this number, which no machine
    /// uses.
    const UNHEARD: Channel = Channel::MAX;

    /// Commits the checkpoint first, and may die after that. Returns the checkpoint to commit together
    /// with the documents, and the outcome of that commit.
    pub fn remember_first(
        context: &Context,
        database: &Database,
        checkpoint: Option<Checkpoint>,
        fate: Fate,
    ) -> (Option<Checkpoint>, Fate) {
        if context.sabotage != Sabotage::CheckpointFirst {
            return (checkpoint, fate);
        }
        let _ = at_once(database.commit(checkpoint.map(remember).into_iter().collect()));
        (None, if fate == Fate::CrashAfter { Fate::CrashBefore } else { fate })
    }

    /// The outcome that the machine is told before the batch is committed. The commit follows.
    pub fn acknowledge_early(context: &Context, batch: &mut Batch, seq: u64) -> Option<Done> {
        let is_heard = batch.channel != UNHEARD;
        if context.sabotage != Sabotage::EarlyAcknowledgement || !is_heard {
            return None;
        }
        let channel = std::mem::replace(&mut batch.channel, UNHEARD);
        let outcome = Ok(Applied { revision: None, seq: 0, changed: true, is_contested: false });
        let count = batch.documents.len();
        let committed = (vec![outcome; count], seq + count as u64);
        Some(Done::Committed(channel, batch.number, Some(committed)))
    }

    pub fn lose_refusals(context: &Context, mut verdict: Verdict) -> Verdict {
        if context.sabotage == Sabotage::LostRefusal {
            let lost = verdict.refused.drain(..);
            verdict.acknowledged.extend(lost.map(|(id, revisions, _)| (id, revisions)));
        }
        verdict
    }

    pub fn is_blind(context: &Context) -> bool {
        context.sabotage == Sabotage::UnnoticedRollback
    }

    pub fn tells_nobody(context: &Context) -> bool {
        context.sabotage == Sabotage::UntoldRevocation
    }

    /// The body that a client shows of a document.
    pub fn shown(context: &Context, record: &Record, body: Body) -> Body {
        if context.sabotage != Sabotage::ArrivalOrder {
            return body;
        }
        let leaves = record.tree.leaves();
        let last = leaves.iter().filter(|leaf| !leaf.deleted).max_by_key(|leaf| leaf.seq);
        last.and_then(|leaf| leaf.body.clone()).unwrap_or(body)
    }
}

#[cfg(not(feature = "sabotage"))]
mod none {
    use settee_store::{Body, Database, Record};
    use settee_sync::{Checkpoint, client::Verdict};

    use crate::{
        context::Context,
        faults::Fate,
        server::{Batch, Done},
    };

    pub fn remember_first(
        _: &Context,
        _: &Database,
        checkpoint: Option<Checkpoint>,
        fate: Fate,
    ) -> (Option<Checkpoint>, Fate) {
        (checkpoint, fate)
    }

    pub fn acknowledge_early(_: &Context, _: &mut Batch, _: u64) -> Option<Done> {
        None
    }

    pub fn lose_refusals(_: &Context, verdict: Verdict) -> Verdict {
        verdict
    }

    pub fn is_blind(_: &Context) -> bool {
        false
    }

    pub fn tells_nobody(_: &Context) -> bool {
        false
    }

    pub fn shown(_: &Context, _: &Record, body: Body) -> Body {
        body
    }
}
