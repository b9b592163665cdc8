//! Revisions on their way from one replica to another (CouchDB: `_bulk_get`, and `_bulk_docs` with
//! `new_edits: false`).

use std::collections::HashSet;

use thiserror::Error;

use crate::{
    body::{BODY_LIMIT, Body, BodyError},
    document_id::DocumentId,
    forgotten::Forgotten,
    node::Node,
    record::Record,
    revision::{Revision, RevisionError},
    tree::HISTORY_LIMIT,
};

/// Most revisions that a document travels with.
pub(crate) const TRAVEL_LIMIT: usize = HISTORY_LIMIT + crate::view::MERGE_LIMIT;

/// A revision from another replica, whose name has been checked against what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicatedRevision {
    /// The name, as every replica derives it.
    pub revision: Revision,
    /// What it was made on, of one generation less; `None` of a first revision.
    pub parent: Option<Revision>,
    /// The leaves that it closes besides its parent, in rising order, at most [`HISTORY_LIMIT`].
    pub merges: Vec<Revision>,
    /// Whether it deletes the document (CouchDB: `_deleted`).
    pub deleted: bool,
    /// Absent of revisions that are there to show the descent of others only: their names can't be
    /// checked.
    pub body: Option<Body>,
}

/// A document's revisions as they travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicatedDocument {
    /// The same on every replica.
    pub id: DocumentId,
    /// Parents before their children. A receiver takes at most [`HISTORY_LIMIT`] and
    /// [`MERGE_LIMIT`](crate::view::MERGE_LIMIT) together.
    pub revisions: Vec<ReplicatedRevision>,
    /// What the sender has had and keeps no more, for what it has closes it.
    pub forgotten: Forgotten,
}

/// What another replica has of this one's revisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Nothing at all: the leaves will do, and of a deleted document nothing is needed.
    Nothing,
    /// Something, maybe all: every revision is named, so that its own can be linked to the leaves.
    Unsure,
    /// Everything up to this update sequence of the sender's.
    Until(u64),
}

/// Why a revision from elsewhere is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReplicationError {
    /// See [`Revision::derive`].
    #[error("the revision's name doesn't follow from what it says")]
    HashMismatch,
    /// It is one more than the parent's, and 1 without a parent.
    #[error("the revision's generation doesn't follow its parent's")]
    Generation,
    /// Or there are more than [`HISTORY_LIMIT`] of them.
    #[error("the revisions that one merges have to be in rising order, and without repeats")]
    Merges,
    /// See [`ReplicatedDocument::revisions`].
    #[error("a document travels with at most {TRAVEL_LIMIT} revisions and more than none")]
    Count,
    /// The bytes are no body in canonical form: see [`Body::from_canonical`].
    #[error(transparent)]
    Body(#[from] BodyError),
    /// No name can be derived.
    #[error(transparent)]
    Revision(#[from] RevisionError),
}

impl ReplicatedRevision {
    /// Checks that the name follows from the content. Of a revision without a body only the
    /// generation can be checked. `body` is canonical JSON.
    ///
    /// Fails with any [`ReplicationError`] but [`ReplicationError::Count`].
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
        Node {
            revision,
            parent,
            merges,
            deleted,
            body,
            seq,
            pending: false,
            own: false,
            kept_for_pending: false,
        }
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
    /// Checks that there are revisions, and not too many: else [`ReplicationError::Count`]. That
    /// nothing stays without a body which needs one is seen when they meet the tree
    /// ([`OperationError::NoBody`](crate::OperationError::NoBody)).
    pub fn verified(
        id: DocumentId,
        revisions: Vec<ReplicatedRevision>,
    ) -> Result<Self, ReplicationError> {
        if revisions.is_empty() || revisions.len() > TRAVEL_LIMIT {
            return Err(ReplicationError::Count);
        }
        Ok(Self { id, revisions, forgotten: Forgotten::default() })
    }

    /// Roughly what the document costs on the wire, in bytes.
    pub fn weight(&self) -> usize {
        let revisions: usize = self
            .revisions
            .iter()
            .map(|r| 48 + 20 * r.merges.len() + r.body.as_ref().map_or(0, |b| b.as_str().len()))
            .sum();
        self.id.as_str().len() + revisions + 12 * self.forgotten.len()
    }

    /// Whether everything is told of each revision: none lacks its body.
    pub fn is_complete(&self) -> bool {
        self.revisions.iter().all(|revision| revision.body.is_some())
    }

    /// Leaves out what `is_known` says the receiver has with its body: what the verdict is about is
    /// only named, and what that was made on is not there at all.
    #[must_use]
    pub fn without_known(mut self, is_known: impl Fn(Revision) -> bool) -> Self {
        let told = self.told();
        self.revisions.retain(|known| told.contains(&known.revision) || !is_known(known.revision));
        for revision in &mut self.revisions {
            if is_known(revision.revision) {
                revision.body = None;
            }
        }
        self
    }

    /// The revisions that a receiver's verdict is about: those that all others lead to.
    pub fn told(&self) -> Vec<Revision> {
        let closed: HashSet<Revision> = self
            .revisions
            .iter()
            .flat_map(|revision| revision.parent.into_iter().chain(revision.merges.iter().copied()))
            .collect();
        let names = self.revisions.iter().map(|revision| revision.revision);
        names.filter(|name| !closed.contains(name)).collect()
    }
}

impl Record {
    /// What waits for the server: the pending revisions of a branch, and those they are based on,
    /// so that whoever has edited meanwhile can merge by field. Other branches come after it, for
    /// the server takes all that it is sent of a document, or nothing.
    ///
    /// Of other bodies than the last there are as many as fit beside it into [`BODY_LIMIT`] bytes,
    /// the latest first; a base without one may be forgotten here. `None` if nothing waits.
    pub fn outgoing_pending(&self) -> Option<ReplicatedDocument> {
        let tree = &self.tree;
        let pending = || tree.nodes().iter().filter(|node| node.pending);
        let closed: HashSet<Revision> = pending().flat_map(Node::closes).collect();
        let last = pending().find(|node| !closed.contains(&node.revision))?;
        let branch = tree.ancestors(last.revision);
        let is_sent = |node: &Node| node.pending && branch.contains(&node.revision);
        let sent = tree.nodes().iter().filter(|node| is_sent(node));
        let bases: HashSet<Revision> = sent.flat_map(Node::closes).collect();
        let mut room = BODY_LIMIT.saturating_sub(length(last));
        let mut with_body = HashSet::from([last.revision]);
        for node in tree.nodes().iter().rev() {
            let is_wanted = is_sent(node) || bases.contains(&node.revision);
            let fits = is_wanted && node.body.is_some() && length(node) <= room;
            if fits && with_body.insert(node.revision) {
                room -= length(node);
            }
        }
        // A server that has lost something learns by it what is dead; with the last branch, for each
        // of them may have closed some of it.
        let is_last = pending().all(|node| branch.contains(&node.revision));
        let forgotten = if is_last { tree.forgotten().clone() } else { Forgotten::default() };
        self.outgoing(forgotten, |node| {
            let is_needed = is_sent(node) || bases.contains(&node.revision);
            is_needed.then(|| with_body.contains(&node.revision))
        })
    }

    /// Whether the revision is here with its body. Of one that is forgotten the body is not: others
    /// may still be merged over it.
    pub fn has_body(&self, revision: Revision) -> bool {
        self.tree.get(revision).is_some_and(|node| node.body.is_some())
    }

    /// What another replica lacks, going by what it is known to have; `None` if it lacks nothing.
    ///
    /// `skip` tells which revisions it has all the same. Leaves go with their bodies; bodies that
    /// they are merged over go as far as they fit beside all leaves into [`BODY_LIMIT`] bytes, the
    /// latest first.
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
        // An open conflict is merged over the common ancestor, so its body goes along: to all or
        // to nobody, for all are to read the same.
        let ancestors = self.tree.bases_of(&leaves);
        let with_body = self.bases_that_fit(&leaves, &ancestors);
        let is_conflict = leaves.len() > 1;
        // What leaves are merged over is told to who has sent it as well: meanwhile it may have
        // forgotten it again, for having heard that it isn't known here.
        let is_new = |node: &Node| {
            node.seq > since && (!skip(node.revision) || ancestors.contains(&node.revision))
        };
        if !self.tree.nodes().iter().any(is_new) {
            return None;
        }
        // What leads from a named revision to the leaves is named too: a replica that began with
        // leaves alone doesn't know of it.
        let mut named: HashSet<Revision> = ancestors.clone();
        let mut known = 0;
        for node in self.tree.nodes() {
            if is_new(node) && !is_leaf(node) && (!is_empty || is_conflict) {
                named.insert(node.revision);
            }
        }
        while known < named.len() {
            known = named.len();
            for node in self.tree.nodes().iter().filter(|node| !is_leaf(node)) {
                if node.closes().any(|closed| named.contains(&closed)) {
                    named.insert(node.revision);
                }
            }
        }
        let forgotten = if is_empty { Forgotten::default() } else { self.tree.forgotten().clone() };
        self.outgoing(forgotten, |node| {
            if is_leaf(node) {
                // Who began empty has no tombstones, and one ends what is told beside it.
                let is_end = node.deleted && !skip(node.revision);
                (is_new(node) || is_end).then_some(true)
            } else {
                named.contains(&node.revision).then(|| with_body.contains(&node.revision))
            }
        })
    }

    /// Those of the bases whose bodies travel: as many as fit beside the leaves, the latest first.
    fn bases_that_fit(&self, leaves: &[&Node], bases: &HashSet<Revision>) -> HashSet<Revision> {
        let mut room = BODY_LIMIT.saturating_sub(leaves.iter().map(|leaf| length(leaf)).sum());
        let mut fitting = HashSet::new();
        for node in self.tree.nodes().iter().rev().filter(|node| bases.contains(&node.revision)) {
            if length(node) <= room {
                room -= length(node);
                fitting.insert(node.revision);
            }
        }
        fitting
    }

    /// The chosen revisions; `choose` tells whether one travels, and then whether with its body.
    fn outgoing(
        &self,
        forgotten: Forgotten,
        choose: impl Fn(&Node) -> Option<bool>,
    ) -> Option<ReplicatedDocument> {
        let revisions: Vec<ReplicatedRevision> = self
            .tree
            .nodes()
            .iter()
            .filter_map(|node| choose(node).map(|body| ReplicatedRevision::of(node, body)))
            .collect();
        let is_something = !revisions.is_empty();
        is_something.then(|| ReplicatedDocument { id: self.id.clone(), revisions, forgotten })
    }
}

fn length(node: &Node) -> usize {
    node.body.as_ref().map_or(0, |body| body.as_str().len())
}
