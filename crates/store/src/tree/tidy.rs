//! Dropping bodies and revisions that nothing needs any more.

use std::collections::HashSet;

use super::{HISTORY_LIMIT, Node, RevisionTree};
use crate::revision::Revision;

impl RevisionTree {
    /// Drops what nothing needs any more.
    ///
    /// Bodies are kept of leaves, of what leaves and pending edits are based on, of pending edits,
    /// and of merge bases, including those that would be needed again if the server refused what
    /// is pending. Of a [deleted document](Self::is_gone) none is kept. The oldest revisions past [`HISTORY_LIMIT`] are [forgotten](Self::forgotten).
    ///
    /// CouchDB: compaction drops the bodies, stemming the revisions.
    pub fn tidy(&mut self) {
        self.drop_returned();
        self.erase();
        if self.nodes.len() <= 2 {
            return;
        }
        let kept = self.revisions_with_body();
        for node in &mut self.nodes {
            if !kept.contains(&node.revision) {
                node.body = None;
            }
        }
        let mut surplus = self.nodes.len().saturating_sub(HISTORY_LIMIT);
        let mut forgotten: HashSet<Revision> = HashSet::new();
        // A revision may go only after everything that it closes: its parent would become a leaf.
        for node in &self.nodes {
            if surplus == 0 {
                break;
            }
            let closes_nothing = node
                .closes()
                .all(|closed| forgotten.contains(&closed) || self.get(closed).is_none());
            if !kept.contains(&node.revision) && closes_nothing {
                forgotten.insert(node.revision);
                surplus -= 1;
            }
        }
        self.forget(|node| forgotten.contains(&node.revision));
    }

    /// The revisions that keep their bodies: see [`RevisionTree::tidy`].
    fn revisions_with_body(&self) -> HashSet<Revision> {
        let mut kept = self.merge_bases();
        for leaf in self.leaves() {
            kept.insert(leaf.revision);
            // Another tab or another replica may be editing what the leaf is based on.
            kept.extend(leaf.closes());
        }
        if self.is_pending() {
            kept.extend(self.bases_of(&self.accepted_leaves()));
        }
        for node in self.nodes.iter().filter(|node| node.pending) {
            kept.insert(node.revision);
            kept.extend(node.closes());
        }
        kept
    }

    /// Reduces a deleted document without pending revisions to a stub: forgets everything but the
    /// deleted leaves. Returns how many revisions were forgotten.
    pub fn compact(&mut self) -> usize {
        let leaves = self.leaves();
        if self.is_pending() || leaves.iter().any(|leaf| !leaf.deleted) {
            return 0;
        }
        let (kept, before): (Vec<Revision>, usize) =
            (leaves.iter().map(|leaf| leaf.revision).collect(), self.nodes.len());
        self.forget(|node| !kept.contains(&node.revision));
        assert_eq!(self.nodes.len(), kept.len(), "compaction keeps every leaf");
        before - self.nodes.len()
    }

    /// Removes the chosen nodes, and remembers their names.
    fn forget(&mut self, is_chosen: impl Fn(&Node) -> bool) {
        for node in self.nodes.extract_if(.., |node| is_chosen(node)) {
            self.forgotten.insert(node.revision);
        }
    }

    /// Removes forgotten revisions that were received again, unless a leaf or a pending revision
    /// descends from them.
    fn drop_returned(&mut self) {
        if !self.nodes.iter().any(|node| self.forgotten.contains(node.revision)) {
            return;
        }
        let pending = self.nodes.iter().filter(|node| node.pending);
        let ends = self.leaves().into_iter().chain(pending);
        let kept: HashSet<Revision> = ends.flat_map(|end| self.ancestors(end.revision)).collect();
        self.forget(|node| !kept.contains(&node.revision));
    }
}
