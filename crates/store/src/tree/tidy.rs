//! Dropping bodies and revisions that nothing needs any more.

use super::{HISTORY_LIMIT, Node, RevisionTree, room::Room};
use crate::{hashed::HashSet, revision::Revision};

/// The revisions that a tidy tree keeps.
struct Kept {
    /// Those that aren't forgotten, however old they are.
    named: HashSet<Revision>,
    /// Those of them that keep their bodies.
    with_body: HashSet<Revision>,
}

impl RevisionTree {
    /// Drops what nothing needs any more.
    ///
    /// Bodies are kept of leaves, of pending edits and what they are based on, of merge bases, and of
    /// what leaves are based on; of the last two as many as
    /// [there is room for](super::RETAINED_LIMIT). Merge bases include those that would be needed
    /// again if the server refused what is pending. Of a [deleted document](Self::is_gone) none is
    /// kept. The oldest revisions past [`HISTORY_LIMIT`] are [forgotten](Self::forgotten).
    ///
    /// CouchDB: compaction drops the bodies, stemming the revisions.
    pub fn tidy(&mut self) {
        self.drop_returned();
        self.erase();
        if self.nodes.len() <= 2 {
            return;
        }
        let Kept { named, with_body } = self.kept();
        for node in &mut self.nodes {
            if with_body.contains(&node.revision) {
                continue;
            }
            let length = node.length();
            node.body = None;
            if length > 0 && named.contains(&node.revision) {
                node.spilled = u32::try_from(length).unwrap_or(u32::MAX);
            }
        }
        let mut surplus = self.nodes.len().saturating_sub(HISTORY_LIMIT);
        let mut forgotten: HashSet<Revision> = HashSet::default();
        // A revision may go only after everything that it closes: its parent would become a leaf.
        for node in &self.nodes {
            if surplus == 0 {
                break;
            }
            let closes_nothing = node
                .closes()
                .all(|closed| forgotten.contains(&closed) || self.get(closed).is_none());
            if !named.contains(&node.revision) && closes_nothing {
                forgotten.insert(node.revision);
                surplus -= 1;
            }
        }
        self.forget(|node| forgotten.contains(&node.revision));
    }

    /// What [`RevisionTree::tidy`] keeps.
    fn kept(&self) -> Kept {
        let leaves = self.leaves();
        let mut named = self.bases_of(&leaves);
        let mut room = Room::beside(&leaves);
        let mut with_body = self.latest_that_fit(&named, &mut room);
        // Another tab or another replica may be editing what the leaf is based on.
        let mut closed: HashSet<Revision> = leaves.iter().flat_map(|leaf| leaf.closes()).collect();
        closed.retain(|closed| !named.contains(closed));
        room.keeps_what_is_not_sent();
        with_body.extend(self.latest_that_fit(&closed, &mut room));
        named.extend(closed);
        if self.is_pending() {
            let accepted = self.accepted_leaves();
            let bases = self.bases_of(&accepted);
            with_body.extend(self.latest_that_fit(&bases, &mut Room::beside(&accepted)));
            named.extend(bases);
        }
        let pending = self.nodes.iter().filter(|node| node.pending);
        let based_on = pending.flat_map(|node| node.closes().chain([node.revision]));
        for revision in based_on.chain(leaves.iter().map(|leaf| leaf.revision)) {
            named.insert(revision);
            with_body.insert(revision);
        }
        Kept { named, with_body }
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
