//! Dropping the text of deleted documents.

use super::RevisionTree;

impl RevisionTree {
    /// Whether the document is deleted, and nothing of it waits for the server.
    pub fn is_gone(&self) -> bool {
        !self.is_empty() && !self.is_pending() && self.winner().is_some_and(|winner| winner.deleted)
    }

    /// Drops the bodies of a document that is [gone](Self::is_gone), except those of the leaves,
    /// which are deleted.
    ///
    /// Nobody needs them. Whoever edits what a leaf is based on, in another tab, names it and brings
    /// a whole body, so the edit becomes a branch beside the deletion. Another replica that has
    /// edited it sends the body along. If the server refuses the deletion, or before it has answered,
    /// the document isn't gone.
    pub(super) fn erase(&mut self) {
        if !self.is_gone() {
            return;
        }
        let leaves: Vec<_> = self.leaves().iter().map(|leaf| leaf.revision).collect();
        for node in self.nodes.iter_mut().filter(|node| !leaves.contains(&node.revision)) {
            node.body = None;
        }
    }
}
