//! Replacing a revision that nobody else has.

use super::{Insertion, Node, RevisionTree};
use crate::revision::Revision;

impl RevisionTree {
    /// Whether a revision of that name may become a leaf: it is neither there nor forgotten.
    pub(crate) fn is_free(&self, revision: Revision) -> bool {
        self.get(revision).is_none() && !self.forgotten.contains(revision)
    }

    /// Replaces a leaf by a node that closes the same revisions. Returns the old one.
    pub(crate) fn replace(&mut self, old: Revision, new: Node) -> Option<Node> {
        let at = self.position(old).ok()?;
        assert!(self.nodes[at].closes().eq(new.closes()), "no revision becomes a leaf thereby");
        let old = self.nodes.remove(at);
        let insertion = self.insert(new);
        assert_eq!(insertion, Insertion::New, "the name of the new one is free");
        Some(old)
    }
}
