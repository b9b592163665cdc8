//! Revisions on their way from one replica to another.

use std::collections::HashSet;

use thiserror::Error;

use crate::{
    body::{Body, BodyError},
    document_id::DocumentId,
    record::Record,
    revision::{Revision, RevisionError},
    tree::{HISTORY_LIMIT, Node},
};

/// A revision from another replica, whose name has been checked against what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicatedRevision {
    pub revision: Revision,
    pub parent: Option<Revision>,
    pub merges: Vec<Revision>,
    pub deleted: bool,
    /// Absent of revisions that are there to show the descent of others only.
    pub body: Option<Body>,
}

/// A document's revisions as they travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicatedDocument {
    pub id: DocumentId,
    /// Ancestors before those that descend from them.
    pub revisions: Vec<ReplicatedRevision>,
}

/// What another replica has of this one's revisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Nothing at all: the leaves will do, and of a deleted document nothing is needed.
    Nothing,
    /// Something, maybe all: every revision is named, so that its own can be linked to the leaves.
    Unsure,
    /// Everything up to this update sequence.
    Until(u64),
}

/// Why a revision from elsewhere is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReplicationError {
    #[error("the revision's name doesn't follow from what it says")]
    HashMismatch,
    #[error("the revision's generation doesn't follow its parent's")]
    Generation,
    #[error("the revisions that one merges have to be in rising order, and without repeats")]
    Merges,
    #[error("a document travels with at most {HISTORY_LIMIT} revisions and more than none")]
    Count,
    #[error("the revision that a document ends in travels with its body")]
    NoBody,
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error(transparent)]
    Revision(#[from] RevisionError),
}

impl ReplicatedRevision {
    /// Checks that the name follows from the content. Of a revision without a body only the
    /// generation can be checked.
    pub fn verified(
        revision: Revision,
        parent: Option<Revision>,
        merges: Vec<Revision>,
        deleted: bool,
        body: Option<&[u8]>,
    ) -> Result<Self, ReplicationError> {
        let follows = parent.map_or(0, Revision::generation).checked_add(1);
        if follows != Some(revision.generation()) {
            return Err(ReplicationError::Generation);
        }
        if merges.len() > HISTORY_LIMIT || !merges.is_sorted_by(|a, b| a < b) {
            return Err(ReplicationError::Merges);
        }
        let body = body.map(Body::from_canonical).transpose()?;
        if let Some(body) = &body
            && Revision::derive(parent, &merges, deleted, body)? != revision
        {
            return Err(ReplicationError::HashMismatch);
        }
        Ok(Self { revision, parent, merges, deleted, body })
    }

    pub(crate) fn into_node(self, seq: u64) -> Node {
        let Self { revision, parent, merges, deleted, body } = self;
        Node { revision, parent, merges, deleted, body, seq, pending: false, own: false }
    }

    fn of(node: &Node, with_body: bool) -> Self {
        Self {
            revision: node.revision,
            parent: node.parent,
            merges: node.merges.clone(),
            deleted: node.deleted,
            body: if with_body { node.body.clone() } else { None },
        }
    }
}

impl ReplicatedDocument {
    /// Checks what the revisions are together: that what nothing else here closes has a body.
    pub fn verified(
        id: DocumentId,
        revisions: Vec<ReplicatedRevision>,
    ) -> Result<Self, ReplicationError> {
        if revisions.is_empty() || revisions.len() > HISTORY_LIMIT + crate::view::MERGE_LIMIT {
            return Err(ReplicationError::Count);
        }
        let closed: HashSet<Revision> = revisions
            .iter()
            .flat_map(|revision| revision.parent.into_iter().chain(revision.merges.iter().copied()))
            .collect();
        if revisions.iter().any(|r| r.body.is_none() && !closed.contains(&r.revision)) {
            return Err(ReplicationError::NoBody);
        }
        Ok(Self { id, revisions })
    }

    /// Roughly what the document costs on the wire, in bytes.
    pub fn weight(&self) -> usize {
        let revisions: usize = self
            .revisions
            .iter()
            .map(|r| 48 + 20 * r.merges.len() + r.body.as_ref().map_or(0, |b| b.as_str().len()))
            .sum();
        self.id.as_str().len() + revisions
    }

    /// The revisions that travel with what they say: a receiver's verdict is about these.
    pub fn told(&self) -> Vec<Revision> {
        self.revisions.iter().filter(|r| r.body.is_some()).map(|r| r.revision).collect()
    }
}

impl Record {
    /// What waits for the server: the pending revisions, and the bodies they are based on, so
    /// that whoever has edited meanwhile can merge by field.
    pub fn outgoing_pending(&self) -> Option<ReplicatedDocument> {
        let tree = &self.tree;
        let bases: HashSet<Revision> = tree
            .nodes()
            .iter()
            .filter(|node| node.pending)
            .flat_map(|node| node.parent.into_iter().chain(node.merges.iter().copied()))
            .collect();
        let leaves: HashSet<Revision> = tree.leaves().iter().map(|leaf| leaf.revision).collect();
        self.outgoing(|node| {
            let is_leaf = leaves.contains(&node.revision);
            if node.pending {
                Some(is_leaf)
            } else if bases.contains(&node.revision) && node.body.is_some() {
                Some(true)
            } else {
                None
            }
        })
    }

    /// What another replica lacks, going by what it is known to have.
    ///
    /// `skip` tells which revisions it has all the same.
    pub fn outgoing_since(
        &self,
        known: Known,
        skip: impl Fn(Revision) -> bool,
    ) -> Option<ReplicatedDocument> {
        let leaves = self.tree.leaves();
        let is_empty = known == Known::Nothing;
        let since = if let Known::Until(seq) = known { seq } else { 0 };
        if is_empty && leaves.first().is_none_or(|winner| winner.deleted) {
            return None;
        }
        let is_leaf = |node: &Node| leaves.iter().any(|leaf| leaf.revision == node.revision);
        if !self.tree.nodes().iter().any(|node| node.seq > since && !skip(node.revision)) {
            return None;
        }
        // An open conflict is merged over the common ancestor, so its body goes along.
        let mut ancestors: HashSet<Revision> = HashSet::new();
        for (at, leaf) in leaves.iter().enumerate() {
            for other in leaves.iter().skip(at + 1) {
                let common = self.tree.common_ancestors(leaf.revision, other.revision);
                ancestors.extend(common.iter().map(|node| node.revision));
            }
        }
        self.outgoing(|node| {
            let is_new = node.seq > since && !skip(node.revision);
            if is_leaf(node) {
                is_new.then_some(true)
            } else if ancestors.contains(&node.revision) {
                Some(true)
            } else {
                (is_new && (!is_empty || leaves.len() > 1)).then_some(false)
            }
        })
    }

    /// The chosen revisions; `choose` tells whether one travels, and then whether with its body.
    fn outgoing(&self, choose: impl Fn(&Node) -> Option<bool>) -> Option<ReplicatedDocument> {
        let revisions: Vec<ReplicatedRevision> = self
            .tree
            .nodes()
            .iter()
            .filter_map(|node| choose(node).map(|body| ReplicatedRevision::of(node, body)))
            .collect();
        (!revisions.is_empty()).then(|| ReplicatedDocument { id: self.id.clone(), revisions })
    }
}
