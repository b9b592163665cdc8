//! Bugs made on purpose, to see whether they are found. They are in the actors, not in the kit.
//!
//! Without the feature of that name there are none, and nothing here does anything.

#[cfg(feature = "sabotage")]
pub use made::*;
#[cfg(not(feature = "sabotage"))]
pub use none::*;

#[cfg(feature = "sabotage")]
mod made {
    use settee_store::{Applied, Body, Database, Record};
    use settee_sync::{Channel, Checkpoint, client::Verdict};

    use crate::{
        at_once,
        client::remember,
        context::Context,
        faults::Fate,
        server::{Batch, Done},
    };

    /// Which bug is made.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub enum Sabotage {
        #[default]
        None,
        /// Clients store the checkpoint in a commit of its own, before the documents.
        CheckpointFirst,
        /// The server acknowledges before it commits.
        EarlyAcknowledgement,
        /// Clients take a refusal for an acknowledgement.
        LostRefusal,
        /// The server goes on from any checkpoint, also from one that it hasn't lived through.
        UnnoticedRollback,
        /// What clients show of a document with several leaves is the one that came last.
        ArrivalOrder,
        /// The server lets those go on who have a channel open when their access ends.
        UntoldRevocation,
    }

    /// What the machine has been told of is committed on a channel that it knows nothing of.
    const UNHEARD: Channel = Channel::MAX;

    /// Commits the checkpoint, with a chance of dying after that. Gives back what is left to
    /// remember with the documents, and what becomes of their commit.
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

    /// What the machine is told before the batch is committed. That is left to be done.
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

    /// What a client shows of a document that reads so.
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
