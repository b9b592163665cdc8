//! Deliberate bugs, to see whether the simulator finds them. They are in the actors, not in the library.
//!
//! Without the feature of that name there are none, and the functions here do nothing.

#[cfg(feature = "sabotage")]
pub use made::*;
#[cfg(not(feature = "sabotage"))]
pub use none::*;

#[cfg(feature = "sabotage")]
mod made {
    use std::collections::HashSet;

    use settee_keys::{Invitation, Judgement};
    use settee_store::{
        Applied, Body, Database, DocumentId, Edit, Operation, Record, Revision, clerk::Clerk,
        replication::ReplicatedDocument, tree::RETAINED_LIMIT,
    };
    use settee_sync::{Channel, Checkpoint, client::Verdict, helping::Helping};

    use crate::{
        client::{Store, remember},
        context::Context,
        databases::{at_once, records_by_id},
        faults::Fate,
        places::Giver,
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
        /// The server believes everything that clients say is forgotten, without a deletion.
        BelievedMarks,
        /// Clients spend the room for earlier bodies on those that come first.
        RoomInOrderOfArrival,
        /// People are shown that an edit is saved before it is committed.
        EarlySaved,
        /// The server doesn't see that an invitation was taken back.
        OverlookedRevocation,
        /// The server takes what editors say of access.
        EditorsSay,
        /// The server lets helpers change titles.
        HelpersRetitle,
        /// The server lets helpers add documents without leave.
        HelpersAdd,
        /// The clerk saves how far it has read in a commit of its own, before its answers.
        PositionFirst,
        /// The clerk saves its answers in a commit of their own, before how far it has read.
        AnswersFirst,
        /// The clerk looks at nothing that was written before it began.
        LooksFromNewest,
        /// The server takes from anybody what only the clerk may write.
        AnybodyAnswers,
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

    /// The server's judgement on somebody with this invitation.
    pub fn overlook(
        context: &Context,
        judgement: Judgement,
        invitation: Option<&Record>,
    ) -> Judgement {
        let document = invitation.and_then(Record::document);
        let invitation = document.and_then(|document| Invitation::read(&document.body));
        match (context.sabotage, invitation) {
            (Sabotage::OverlookedRevocation, Some(Invitation { role, .. })) => {
                Judgement::Granted(role)
            }
            _ => judgement,
        }
    }

    pub fn lets_editors_say(context: &Context) -> bool {
        context.sabotage == Sabotage::EditorsSay
    }

    pub fn lets_anybody_answer(context: &Context) -> bool {
        context.sabotage == Sabotage::AnybodyAnswers
    }

    /// Has the clerk begin with the newest change.
    pub fn forget_what_waits(context: &Context, database: &Database) {
        if context.sabotage == Sabotage::LooksFromNewest {
            let key = format!("clerk/{}", Giver.name());
            let value = Some(database.seq().to_be_bytes().into());
            let _ = at_once(database.commit(vec![Operation::Local { key, value }]));
        }
    }

    /// Commits a part of what the clerk has decided first, and may die after that. Returns the rest, and the outcome
    /// of its commit.
    pub fn part(
        context: &Context,
        database: &Database,
        operations: Vec<Operation>,
        fate: Fate,
    ) -> (Vec<Operation>, Fate) {
        let is_position = |operation: &Operation| matches!(operation, Operation::Local { .. });
        let (position, answers) = operations.into_iter().partition(is_position);
        let (first, rest): (Vec<_>, Vec<_>) = match context.sabotage {
            Sabotage::PositionFirst => (position, answers),
            Sabotage::AnswersFirst => (answers, position),
            _ => return (answers.into_iter().chain(position).collect(), fate),
        };
        let _ = at_once(database.commit(first));
        (rest, if fate == Fate::CrashAfter { Fate::CrashBefore } else { fate })
    }

    /// What the server lets helpers do.
    pub fn loosened<const N: usize>(context: &Context, rules: [Helping; N]) -> [Helping; N] {
        rules.map(|rule| match context.sabotage {
            Sabotage::HelpersRetitle => Helping { fields: &["completed", "title"], ..rule },
            Sabotage::HelpersAdd => Helping { by_leave: false, ..rule },
            _ => rule,
        })
    }

    /// What the server does besides with the documents of a client: it believes what is forgotten as if it
    /// were the client, and the client the server.
    pub fn believe(context: &Context, documents: &[ReplicatedDocument]) -> Vec<Operation> {
        if context.sabotage != Sabotage::BelievedMarks {
            return Vec::new();
        }
        let with_marks = documents.iter().filter(|document| !document.forgotten.is_empty());
        let believe = |document| Operation::Replicate { document, acknowledges: true };
        with_marks.cloned().map(believe).collect()
    }

    /// The documents without the bodies of earlier revisions for which there is no room beside those
    /// that came first.
    pub fn spend_room(
        context: &Context,
        database: &Database,
        mut documents: Vec<ReplicatedDocument>,
    ) -> Vec<ReplicatedDocument> {
        if context.sabotage != Sabotage::RoomInOrderOfArrival {
            return documents;
        }
        let known = records_by_id(database);
        for document in &mut documents {
            let tree =
                known.get(&document.id).map(|record| record.tree.clone()).unwrap_or_default();
            let sent = document.revisions.iter().map(|sent| (sent.parent, &sent.merges));
            let all = sent.chain(tree.nodes().iter().map(|node| (node.parent, &node.merges)));
            let closed = all.flat_map(|(parent, merges)| parent.into_iter().chain(merges.clone()));
            let closed: HashSet<Revision> = closed.collect();
            let kept = tree.nodes().iter().filter(|node| closed.contains(&node.revision));
            let mut total: usize = kept.map(|node| length(node.body.as_ref())).sum();
            for sent in &mut document.revisions {
                let is_here = tree.get(sent.revision).is_some_and(|node| node.body.is_some());
                if closed.contains(&sent.revision) && !is_here {
                    total += length(sent.body.as_ref());
                    sent.body = sent.body.take().filter(|_| total <= RETAINED_LIMIT);
                }
            }
        }
        documents
    }

    fn length(body: Option<&Body>) -> usize {
        body.map_or(0, |body| body.as_str().len())
    }

    /// The edits that people are shown as saved before they are committed: what they will make.
    pub fn show_early(
        context: &Context,
        store: &Store,
        edits: &[Edit],
    ) -> Vec<(DocumentId, Revision)> {
        if context.sabotage != Sabotage::EarlySaved {
            return Vec::new();
        }
        let outcomes = at_once(store.copy().database.write(edits.to_vec())).unwrap_or_default();
        let made = |(edit, outcome): (&Edit, Result<Applied, _>)| {
            Some((edit.id.clone(), outcome.ok().filter(|it| it.changed)?.revision?))
        };
        edits.iter().zip(outcomes).filter_map(made).collect()
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
    use settee_keys::Judgement;
    use settee_store::{
        Body, Database, DocumentId, Edit, Operation, Record, Revision,
        replication::ReplicatedDocument,
    };
    use settee_sync::{Checkpoint, client::Verdict, helping::Helping};

    use crate::{
        client::Store,
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

    pub fn overlook(_: &Context, judgement: Judgement, _: Option<&Record>) -> Judgement {
        judgement
    }

    pub fn lets_editors_say(_: &Context) -> bool {
        false
    }

    pub fn lets_anybody_answer(_: &Context) -> bool {
        false
    }

    pub fn forget_what_waits(_: &Context, _: &Database) {}

    pub fn part(
        _: &Context,
        _: &Database,
        operations: Vec<Operation>,
        fate: Fate,
    ) -> (Vec<Operation>, Fate) {
        (operations, fate)
    }

    pub fn loosened<const N: usize>(_: &Context, rules: [Helping; N]) -> [Helping; N] {
        rules
    }

    pub fn believe(_: &Context, _: &[ReplicatedDocument]) -> Vec<Operation> {
        Vec::new()
    }

    pub fn spend_room(
        _: &Context,
        _: &Database,
        documents: Vec<ReplicatedDocument>,
    ) -> Vec<ReplicatedDocument> {
        documents
    }

    pub fn show_early(_: &Context, _: &Store, _: &[Edit]) -> Vec<(DocumentId, Revision)> {
        Vec::new()
    }

    pub fn shown(_: &Context, _: &Record, body: Body) -> Body {
        body
    }
}
