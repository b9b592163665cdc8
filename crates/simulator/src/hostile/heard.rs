//! What a person with ill will has learned of a database.

use std::collections::{BTreeMap, HashSet};

use settee_store::{DocumentId, Revision, replication::ReplicatedRevision};
use settee_sync::{Checkpoint, message::WireDocument};

use super::forgery::Forged;
use crate::random::Random;

/// Most messages that are remembered, to be sent again.
const MESSAGES_LIMIT: usize = 60;

#[derive(Default)]
pub struct Heard {
    pub position: Option<Checkpoint>,
    documents: BTreeMap<DocumentId, BTreeMap<Revision, ReplicatedRevision>>,
    /// Documents as they were received or sent, to be sent again.
    messages: Vec<Forged>,
    /// Documents to be sent later, each at a time.
    pub later: Vec<Forged>,
}

impl Heard {
    pub fn hear(&mut self, document: &WireDocument) {
        let Ok(document) = document.verify() else { return };
        let known = self.documents.entry(document.id.clone()).or_default();
        for revision in &document.revisions {
            if revision.body.is_some() || !known.contains_key(&revision.revision) {
                known.insert(revision.revision, revision.clone());
            }
        }
        self.remember(Forged { document, made: Vec::new() });
    }

    pub fn remember(&mut self, message: Forged) {
        if self.messages.len() >= MESSAGES_LIMIT {
            self.messages.remove(MESSAGES_LIMIT / 2);
        }
        self.messages.push(message);
    }

    pub fn message(&self, random: &mut Random) -> Option<Forged> {
        random.pick(&self.messages).cloned()
    }

    pub fn document(&self, random: &mut Random) -> Option<DocumentId> {
        let ids: Vec<&DocumentId> = self.documents.keys().collect();
        random.pick(&ids).map(|id| (*id).clone())
    }

    /// The document's revisions, in rising order.
    pub fn revisions(&self, id: &DocumentId) -> Vec<&ReplicatedRevision> {
        self.documents.get(id).into_iter().flat_map(BTreeMap::values).collect()
    }

    /// Those of them that no other one closes.
    pub fn leaves(&self, id: &DocumentId) -> Vec<&ReplicatedRevision> {
        let all = self.revisions(id);
        let closed: HashSet<Revision> =
            all.iter().flat_map(|it| it.parent.into_iter().chain(it.merges.clone())).collect();
        all.into_iter().filter(|it| it.body.is_some() && !closed.contains(&it.revision)).collect()
    }

    /// A checkpoint to open with: none, a true one, or one that leads to a comparison.
    pub fn checkpoint(&self, random: &mut Random) -> Option<Checkpoint> {
        let Checkpoint { incarnation, run, seq, .. } = self.position?;
        let some = random.between(0, seq + 1);
        match random.below(5) {
            0 => None,
            1 => Some(Checkpoint::void()),
            2 => Some(Checkpoint::new(random.bytes(), random.bytes(), some)),
            _ => Some(Checkpoint::new(*incarnation, *run, some)),
        }
    }
}
