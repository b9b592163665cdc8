//! One revision in a document's tree.

use minicbor::Encode;

use crate::{body::Body, heap_sort::heap_sort, read_fields, revision::Revision};

/// One revision of a document, as this replica knows it.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
#[expect(clippy::struct_excessive_bools, reason = "the flags are independent of each other")]
pub struct Node {
    /// The node's name, which is unique in a tree.
    #[n(0)]
    pub revision: Revision,
    /// The revision that this one edited; `None` for a first revision. The tree may have dropped
    /// it.
    #[n(1)]
    pub parent: Option<Revision>,
    /// The leaves that this revision closes besides its parent, in rising order. CouchDB has no
    /// equivalent.
    #[cbor(n(2), skip_if = "Vec::is_empty")]
    pub merges: Vec<Revision>,
    /// CouchDB: `_deleted`. A deleted revision has a body, too.
    #[cbor(n(3), skip_if = "is_false")]
    pub deleted: bool,
    /// `None` once nothing needs it: see [`RevisionTree::tidy`](crate::tree::RevisionTree::tidy).
    #[n(4)]
    pub body: Option<Body>,
    /// The update sequence at which this replica learned of the revision, or later of its body.
    #[n(5)]
    pub seq: u64,
    /// Written on this device, and so far neither acknowledged nor refused by a server.
    #[cbor(n(6), skip_if = "is_false")]
    pub pending: bool,
    /// Written in this profile. Later edits of the same profile are rebased on it.
    #[cbor(n(7), skip_if = "is_false")]
    pub own: bool,
    /// The server has forgotten this revision. It is kept here because a pending revision descends
    /// from it.
    #[cbor(n(8), skip_if = "is_false")]
    pub kept_for_pending: bool,
    /// The length in bytes of the body that was dropped for lack of room: see
    /// [`RevisionTree::tidy`](crate::tree::RevisionTree::tidy). 0 if none was.
    #[cbor(n(9), skip_if = "is_zero")]
    pub spilled: u32,
}

read_fields!(Map Node {
    0 revision,
    1 parent,
    2 merges: default,
    3 deleted: default,
    4 body,
    5 seq,
    6 pending: default,
    7 own: default,
    8 kept_for_pending: default,
    9 spilled: default,
});

impl Node {
    /// The revisions that this one replaces: its parent and those that it merges.
    pub(crate) fn closes(&self) -> impl Iterator<Item = Revision> + '_ {
        self.parent.into_iter().chain(self.merges.iter().copied())
    }

    /// Whether the other node says the same of the revision, apart from the body.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        self.parent == other.parent && self.merges == other.merges && self.deleted == other.deleted
    }

    /// Replaces what is known of the revision. Whose it is and whether it waits stays as it is.
    pub(crate) fn correct(&mut self, with: Self) {
        let (pending, own) = (self.pending || with.pending, self.own || with.own);
        *self = Self { pending, own, ..with };
    }

    /// The length of the body in bytes; 0 without one.
    pub(crate) fn length(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.as_str().len())
    }

    /// `CouchDB`'s order of leaves: live before deleted, then the highest generation, then the
    /// highest hash.
    pub(crate) fn rank(&self) -> (bool, Revision) {
        (!self.deleted, self.revision)
    }
}

/// Sorts nodes of one tree, the winner first. Names are unique, so the order is, too.
pub(crate) fn sort_by_rank(nodes: &mut Vec<&Node>) {
    heap_sort(nodes, |one, other| other.rank().cmp(&one.rank()));
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the encoder passes references")]
pub(crate) fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the encoder passes references")]
fn is_zero(length: &u32) -> bool {
    *length == 0
}
