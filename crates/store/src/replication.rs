//! Revisions as they travel from one replica to another (CouchDB: `_bulk_get`, and `_bulk_docs`
//! with `new_edits: false`).

use thiserror::Error;

use crate::{
    body::{BODY_LIMIT, Body, BodyError},
    document_id::DocumentId,
    forgotten::Forgotten,
    hashed::HashSet,
    node::Node,
    operation::Applied,
    record::Record,
    revision::{GENERATION_LIMIT, Revision, RevisionError},
    tree::HISTORY_LIMIT,
};

/// Most revisions that a document travels with.
pub(crate) const TRAVEL_LIMIT: usize = HISTORY_LIMIT + crate::view::MERGE_LIMIT;

/// A revision from another replica, whose name was checked against its contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicatedRevision {
    /// The name, which every replica derives alike: see [`Revision::derive`].
    pub revision: Revision,
    /// The revision that this one edited, one generation lower; `None` for a first revision.
    pub parent: Option<Revision>,
    /// The leaves that it closes besides its parent, in rising order; at most [`HISTORY_LIMIT`].
    pub merges: Vec<Revision>,
    /// Whether it deletes the document (CouchDB: `_deleted`).
    pub deleted: bool,
    /// `None` for revisions that only show how others descend. Their names can't be checked.
    pub body: Option<Body>,
}

/// A document's revisions as they travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicatedDocument {
    /// The document's id, which is the same on every replica.
    pub id: DocumentId,
    /// The revisions, parents before their children. A receiver accepts at most [`HISTORY_LIMIT`] +
    /// [`MERGE_LIMIT`](crate::view::MERGE_LIMIT).
    pub revisions: Vec<ReplicatedRevision>,
    /// Revisions that the sender has dropped, because later ones close them.
    pub forgotten: Forgotten,
}

/// What another replica has of this one's revisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Nothing. It is sent the leaves, and nothing of a deleted document.
    Nothing,
    /// Something, perhaps everything. It is sent every revision's name, so that it can link its own
    /// revisions to the leaves.
    Unsure,
    /// Everything up to this update sequence of the sender.
    Until(u64),
}

/// Why a received revision is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReplicationError {
    /// See [`Revision::derive`].
    #[error("the revision's name doesn't follow from what it says")]
    HashMismatch,
    /// The generation has to be one more than the parent's, and 1 without a parent.
    #[error("the revision's generation isn't one more than its parent's")]
    Generation,
    /// The merged revisions have to be in rising order, and at most [`HISTORY_LIMIT`].
    #[error("the merged revisions are out of order, repeated or too many")]
    Merges,
    /// See [`ReplicatedDocument::revisions`].
    #[error("a document travels with 1 to {TRAVEL_LIMIT} revisions")]
    Count,
    /// Only a first revision with its body may come without its name.
    #[error("the revision has no name")]
    NoName,
    /// The bytes are not a body in canonical form: see [`Body::from_canonical`].
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The name can't be derived: see [`Revision::derive`].
    #[error(transparent)]
    Revision(#[from] RevisionError),
}

impl ReplicatedRevision {
    /// Checks that the name matches the contents. Without a body only the generation and the order
    /// of the merges can be checked. `body` is canonical JSON.
    ///
    /// Fails with any [`ReplicationError`] except [`ReplicationError::Count`].
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

    /// A first revision that comes without its name, which follows from its contents. `body` is
    /// canonical JSON.
    ///
    /// Fails with [`ReplicationError::Body`].
    pub fn first(deleted: bool, body: &[u8]) -> Result<Self, ReplicationError> {
        let body = Body::from_canonical(body)?;
        let revision = Revision::of_first(deleted, body.as_str().as_bytes());
        Ok(Self { revision, parent: None, merges: Vec::new(), deleted, body: Some(body) })
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
            spilled: 0,
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
    /// Checks the number of revisions: fails with [`ReplicationError::Count`] if there are none or
    /// too many. Whether a leaf lacks its body shows only when they are inserted into the tree
    /// ([`OperationError::NoBody`](crate::OperationError::NoBody)).
    pub fn verified(
        id: DocumentId,
        mut revisions: Vec<ReplicatedRevision>,
    ) -> Result<Self, ReplicationError> {
        if revisions.is_empty() || revisions.len() > TRAVEL_LIMIT {
            return Err(ReplicationError::Count);
        }
        // On a server very many documents wait for the store, most of them with one revision.
        revisions.shrink_to_fit();
        Ok(Self { id, revisions, forgotten: Forgotten::default() })
    }

    /// The approximate size of the document on the wire, in bytes.
    pub fn weight(&self) -> usize {
        let revisions: usize = self
            .revisions
            .iter()
            .map(|r| 48 + 20 * r.merges.len() + r.body.as_ref().map_or(0, |b| b.as_str().len()))
            .sum();
        self.id.as_str().len() + revisions + 12 * self.forgotten.len()
    }

    /// Whether every revision has its body.
    pub fn is_complete(&self) -> bool {
        self.revisions.iter().all(|revision| revision.body.is_some())
    }

    /// Leaves out revisions that the receiver has with their bodies, as `is_known` says. Those of
    /// [`told`](Self::told) stay, without a body.
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

    /// The revisions that the receiver acknowledges or refuses: those that no other one of the
    /// document descends from.
    pub fn told(&self) -> Vec<Revision> {
        let closed: HashSet<Revision> = self
            .revisions
            .iter()
            .flat_map(|revision| revision.parent.into_iter().chain(revision.merges.iter().copied()))
            .collect();
        let names = self.revisions.iter().map(|revision| revision.revision);
        names.filter(|name| !closed.contains(name)).collect()
    }

    /// The leaves of the sender among the revisions: those that come with a body, and that no other one
    /// of the document closes. A merge base may be among them, if its body comes later than the leaves.
    pub(crate) fn shown(&self) -> Vec<Revision> {
        let mut shown = self.told();
        let with_body = self.revisions.iter().filter(|revision| revision.body.is_some());
        let with_body: HashSet<Revision> = with_body.map(|revision| revision.revision).collect();
        shown.retain(|revision| with_body.contains(revision));
        shown
    }
}

impl Record {
    /// What to send to the server: the pending revisions of one branch, and the revisions that they
    /// are based on, so that replicas with other edits can merge by field. Other branches are sent
    /// afterwards, because the server accepts or refuses everything that it is sent of a document
    /// together. Of a branch that is too long to travel, the beginning is sent first. `None` if
    /// nothing is pending.
    ///
    /// The last revision has its body. Other bodies are added, the latest first, while all of them
    /// fit into [`BODY_LIMIT`] bytes. A base whose body this replica has dropped has none.
    pub fn outgoing_pending(&self) -> Option<ReplicatedDocument> {
        let tree = &self.tree;
        let pending = || tree.nodes().iter().filter(|node| node.pending);
        let closed: HashSet<Revision> = pending().flat_map(Node::closes).collect();
        let last = pending().find(|node| !closed.contains(&node.revision))?;
        let (last, branch) = self.travelling(last);
        let is_sent = |node: &Node| node.pending && branch.contains(&node.revision);
        let sent = tree.nodes().iter().filter(|node| is_sent(node));
        let bases: HashSet<Revision> = sent.flat_map(Node::closes).collect();
        let mut room = BODY_LIMIT.saturating_sub(last.length());
        let mut with_body = HashSet::from_iter([last.revision]);
        for node in tree.nodes().iter().rev() {
            let is_wanted = is_sent(node) || bases.contains(&node.revision);
            let fits = is_wanted && node.body.is_some() && node.length() <= room;
            if fits && with_body.insert(node.revision) {
                room -= node.length();
            }
        }
        // A server that has lost something learns from these names which revisions are closed. They
        // go with the last branch, because any branch may have closed some of them.
        let is_last = pending().all(|node| branch.contains(&node.revision));
        let forgotten = if is_last { tree.forgotten().clone() } else { Forgotten::default() };
        self.outgoing(forgotten, |node| {
            // No server needs what is above the limit to know that the last revision closes it.
            let is_possible =
                node.revision.generation() <= GENERATION_LIMIT || node.revision == last.revision;
            let is_needed = is_possible && (is_sent(node) || bases.contains(&node.revision));
            is_needed.then(|| with_body.contains(&node.revision))
        })
    }

    /// The end of the part of a branch that fits into [`TRAVEL_LIMIT`] revisions, with its
    /// ancestors.
    fn travelling<'a>(&'a self, end: &'a Node) -> (&'a Node, HashSet<Revision>) {
        let tree = &self.tree;
        let branch = tree.ancestors(end.revision);
        if tree.nodes().len() <= TRAVEL_LIMIT {
            return (end, branch);
        }
        let fits = |branch: &HashSet<Revision>| {
            let nodes = branch.iter().filter_map(|revision| tree.get(*revision));
            let sent = || nodes.clone().filter(|node| node.pending);
            let bases: HashSet<Revision> = sent().flat_map(Node::closes).collect();
            let bases = bases.iter().filter(|base| tree.get(**base).is_some_and(|it| !it.pending));
            sent().count() + bases.count() <= TRAVEL_LIMIT
        };
        if fits(&branch) {
            return (end, branch);
        }
        // The first of them in rising order descend from each other alone, or nearly so.
        let first = tree.nodes().iter().filter(|it| it.pending && branch.contains(&it.revision));
        let first: Vec<&Node> = first.take(TRAVEL_LIMIT).collect();
        let mut parts = first.into_iter().rev().map(|node| (node, tree.ancestors(node.revision)));
        parts.find(|(_, part)| fits(part)).unwrap_or((end, branch))
    }

    /// Whether this replica has the revision with its body.
    pub fn has_body(&self, revision: Revision) -> bool {
        self.tree.get(revision).is_some_and(|node| node.body.is_some())
    }

    /// What comes of receiving a document of which this replica has the latest revisions, and nothing is new;
    /// `None` if one of them is, or lacks its body here. That can't be refused: it is there already.
    pub fn unchanged_by(&self, document: &ReplicatedDocument) -> Option<Applied> {
        let leaves = self.tree.leaves();
        let is_here = |name: Revision| {
            let is_closed = || leaves.iter().all(|leaf| leaf.revision != name);
            self.has_body(name) || self.tree.get(name).is_some() && is_closed()
        };
        let is_contested = leaves.len() > 1;
        let unchanged = Applied { revision: None, seq: self.seq, changed: false, is_contested };
        document.told().into_iter().all(is_here).then_some(unchanged)
    }

    /// What another replica lacks, given what it is `known` to have; `None` if it lacks nothing.
    ///
    /// If this replica's own edits are sent so, [`Database::to_send`](crate::Database::to_send) has
    /// to be called before the record is read, so that they aren't [folded](crate::folding) later.
    ///
    /// `skip` names revisions that the other replica has in any case. Leaves are sent with their
    /// bodies, and merge bases with those that [are kept](crate::tree::RETAINED_LIMIT).
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
        // Leaves are merged over their common ancestors. Those bodies are sent to every replica or
        // to none, so that all of them merge alike.
        let ancestors = self.tree.bases_of(&leaves);
        let with_body = self.tree.bases_that_fit(&leaves, &ancestors);
        let is_conflict = leaves.len() > 1;
        // Merge bases are sent even to the replica that they came from: it drops their bodies when
        // it learns that this replica lacks them.
        let is_new = |node: &Node| {
            node.seq > since && (!skip(node.revision) || ancestors.contains(&node.revision))
        };
        if !self.tree.nodes().iter().any(is_new) {
            return None;
        }
        // Revisions between a named one and the leaves are named, too: a replica that was first
        // sent the leaves only doesn't know them.
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
                // A replica that began empty has no deleted leaves, but needs one that closes
                // revisions it is sent now.
                let is_end = node.deleted && !skip(node.revision);
                (is_new(node) || is_end).then_some(true)
            } else {
                named.contains(&node.revision).then(|| with_body.contains(&node.revision))
            }
        })
    }

    /// A document of the chosen revisions. `choose` returns `None` for a revision that isn't sent,
    /// and otherwise whether it is sent with its body. `None` if no revision is chosen.
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
