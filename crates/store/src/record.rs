//! One document as a back end stores it, and as a reader sees it.

use minicbor::Encode;

use crate::{
    body::Body,
    document_id::DocumentId,
    folding::Folded,
    read_fields,
    revision::Revision,
    tree::RevisionTree,
    view::{OpenConflict, View, view},
};

/// A document's revisions, its place in the changes feed, and its edits that the server refused.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Record {
    /// The first field, so that it can be read from a record that is damaged further on.
    #[n(0)]
    pub id: DocumentId,
    /// The update sequence of the latest change to the record, compaction aside; 0 before the
    /// first.
    #[n(1)]
    pub seq: u64,
    /// Every revision that is known here. Empty if all of them were refused.
    #[n(2)]
    pub tree: RevisionTree,
    /// The latest refused edit. It is not in the tree, so other people's edits stay visible and
    /// later edits are based on those.
    #[n(3)]
    pub refused: Option<Refused>,
    /// Edits that were refused before `refused` and are independent of it, the earliest first;
    /// together with it at most [`REFUSED_LIMIT`](crate::refusal::REFUSED_LIMIT).
    #[cbor(n(4), skip_if = "Vec::is_empty")]
    pub refused_before: Vec<Refused>,
    /// The latest revisions that were [folded](crate::folding), the earliest first.
    #[cbor(n(5), skip_if = "Vec::is_empty")]
    pub folded: Vec<Folded>,
    /// The own revision that was never handed out, so that the next edit may replace it.
    #[n(6)]
    pub unsent: Option<Revision>,
}

read_fields!(Map Record {
    0 id,
    1 seq,
    2 tree,
    3 refused,
    4 refused_before: default,
    5 folded: default,
    6 unsent,
});

/// An edit that the server has refused. It is kept until the user retries or discards it.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Refused {
    /// The latest of the revisions that were refused together; it includes the earlier ones'
    /// changes.
    #[n(0)]
    pub revision: Revision,
    /// Whether the edit was to delete the document.
    #[cbor(n(1), skip_if = "crate::node::is_false")]
    pub deleted: bool,
    /// The body that the document was to have: `{}` if it was to be deleted.
    #[n(2)]
    pub body: Option<Body>,
    /// The reason that the server gave.
    #[n(3)]
    pub reason: String,
    /// The revisions that the edit was based on. They may still be pending, and be refused, too.
    #[cbor(n(4), skip_if = "Vec::is_empty")]
    pub based_on: Vec<Revision>,
}

read_fields!(Map Refused { 0 revision, 1 deleted: default, 2 body, 3 reason, 4 based_on: default });

/// A document as a reader sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The document's id, which an edit names.
    pub id: DocumentId,
    /// The update sequence of the latest change on this replica.
    pub seq: u64,
    /// The first of the leaves (CouchDB: `_rev`; live before deleted, then the highest generation,
    /// then the highest hash).
    pub winner: Revision,
    /// The leaves that this view shows, for [`crate::Edit::seen`]. Live leaves come first. There
    /// are at most [`MERGE_LIMIT`](crate::view::MERGE_LIMIT) live and as many deleted ones.
    pub leaves: Vec<Revision>,
    /// Whether all leaves are deleted (CouchDB: whether the winner is, which is the same).
    pub deleted: bool,
    /// The live leaves, merged field by field. For a deleted document, the winner's body.
    pub body: Body,
    /// False if the body shows the winner alone, because the live leaves are too large to be merged:
    /// see [`View::is_merged`]. An edit closes the others nevertheless, so readers have to be told.
    pub is_merged: bool,
    /// Fields to which several replicas gave different values, each with all its values. The body
    /// shows the first value. See [`Document::resolved`].
    pub conflicts: Vec<OpenConflict>,
    /// `Some` if somebody deleted the document while somebody else edited it, and it was kept.
    pub kept: Option<Kept>,
    /// The leaves that were written in this profile.
    pub own_leaves: Vec<Revision>,
    /// Whether any revision waits for the server.
    pub pending: bool,
    /// The latest edit that the server has refused. The body doesn't show it.
    pub refused: Option<Refused>,
}

/// Where a document was deleted that was kept nevertheless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Another profile deleted it.
    DeletedElsewhere,
    /// This profile deleted it, and another one edited it.
    DeletedHere,
}

impl Record {
    /// Whether this replica has learned of the document after that update sequence.
    pub fn is_new_since(&self, seq: u64) -> bool {
        let first = self.tree.nodes().iter().filter(|node| node.parent.is_none());
        first.map(|node| node.seq).min().is_some_and(|first| first > seq)
    }

    /// The bodies of revisions that this replica has learned of after that update sequence, each with the one that it
    /// is an edit of, where that is still known.
    pub fn bodies_since(&self, seq: u64) -> impl Iterator<Item = (Option<&Body>, &Body)> {
        self.tree.nodes().iter().filter(move |node| node.seq > seq).filter_map(|node| {
            let before = node.parent.and_then(|parent| self.tree.get(parent));
            Some((before.and_then(|before| before.body.as_ref()), node.body.as_ref()?))
        })
    }

    /// An empty record, as before a document's first revision.
    pub fn new(id: DocumentId) -> Self {
        Self {
            id,
            seq: 0,
            tree: RevisionTree::default(),
            refused: None,
            refused_before: Vec::new(),
            folded: Vec::new(),
            unsent: None,
        }
    }

    /// The document as a reader sees it; `None` if all of its revisions were refused.
    pub fn document(&self) -> Option<Document> {
        let view = view(&self.tree)?;
        let View { winner, leaves, deletions, deleted, body, is_merged, conflicts } = view;
        let nodes = || leaves.iter().filter_map(|leaf| self.tree.get(*leaf));
        let own_leaves = nodes().filter(|leaf| leaf.own).map(|leaf| leaf.revision).collect();
        let kept = (deletions > 0 && !deleted).then(|| {
            let is_ours = nodes().any(|leaf| leaf.deleted && leaf.own);
            if is_ours { Kept::DeletedHere } else { Kept::DeletedElsewhere }
        });
        Some(Document {
            id: self.id.clone(),
            seq: self.seq,
            winner,
            leaves,
            deleted,
            body,
            is_merged,
            conflicts,
            kept,
            own_leaves,
            pending: self.tree.is_pending(),
            refused: self.refused.clone(),
        })
    }

    /// The record as it was, or would have been, when these were its leaves.
    pub(crate) fn as_of(&self, leaves: &[Revision]) -> Self {
        Self { tree: self.tree.as_of(leaves), ..Self::new(self.id.clone()) }
    }

    /// Drops what nothing needs any more: see [`RevisionTree::tidy`].
    pub(crate) fn tidy(&mut self) {
        self.tree.tidy();
        self.check_unsent();
        if self.tree.is_gone() {
            self.folded.iter_mut().for_each(|folded| folded.node.body = None);
        }
    }

    /// Reduces a deleted document to a stub. Returns how many revisions were forgotten. See
    /// [`crate::Database::compact`].
    pub(crate) fn compact(&mut self) -> usize {
        // A retry of the refused edit may need the tree's older revisions.
        if self.refused.is_some() { 0 } else { self.tree.compact() }
    }

    /// The record in CBOR, as back ends store it; [`minicbor::decode()`] reads it.
    pub fn encode(&self) -> Vec<u8> {
        minicbor::to_vec(self).expect("writing to memory doesn't fail")
    }
}
