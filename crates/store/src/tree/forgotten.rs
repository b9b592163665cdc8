//! What replicas tell each other about the revisions that they have forgotten.

use std::collections::HashSet;

use super::{Node, RevisionTree};
use crate::{forgotten::Forgotten, revision::Revision};

impl RevisionTree {
    /// Applies what the server has forgotten. The server has had these revisions, and what it still
    /// has closes them, so they are no longer pending.
    ///
    /// They are forgotten here as well, so that all replicas merge over the same ancestors. Those
    /// that the server has `named` nevertheless stay, and so do the ancestors of pending edits.
    /// Returns whether anything changed.
    pub fn learn_forgotten(&mut self, forgotten: &Forgotten, named: &[Revision]) -> bool {
        if forgotten.is_empty() {
            return false;
        }
        let leaves: HashSet<Revision> = self.leaves().iter().map(|leaf| leaf.revision).collect();
        let mut changed = false;
        for node in self.nodes.iter_mut().filter(|node| forgotten.contains(node.revision)) {
            changed |= std::mem::take(&mut node.pending) || leaves.contains(&node.revision);
            self.forgotten.insert(node.revision);
        }
        let pending = self.nodes.iter().filter(|node| node.pending);
        let needed: HashSet<Revision> =
            pending.flat_map(|node| self.ancestors(node.revision)).collect();
        let is_dropped = |revision: Revision| {
            forgotten.contains(revision)
                && !named.contains(&revision)
                && !needed.contains(&revision)
        };
        // Dropping a revision must not turn one that it closes into a leaf.
        let closes_live = |node: &Node| {
            node.closes()
                .any(|closed| self.get(closed).is_some() && !self.forgotten.contains(closed))
        };
        let dropped: HashSet<Revision> = self
            .nodes
            .iter()
            .filter(|node| is_dropped(node.revision) && !closes_live(node))
            .map(|node| node.revision)
            .collect();
        self.nodes.retain(|node| !dropped.contains(&node.revision));
        for node in &mut self.nodes {
            node.kept_for_pending |=
                forgotten.contains(node.revision) && !named.contains(&node.revision);
        }
        changed || !dropped.is_empty()
    }

    /// Drops the revisions that the server has forgotten and that were kept for pending edits, once
    /// nothing is pending.
    ///
    /// Direct bases of this profile's own revisions stay: they were sent along, so the server has
    /// them again. Of other replicas' revisions the server has sent everything that it knows.
    pub fn let_go_of_the_forgotten(&mut self) {
        if self.is_pending() || !self.nodes.iter().any(|node| node.kept_for_pending) {
            return;
        }
        let stays = |revision| self.get(revision).is_some_and(|node| !node.kept_for_pending);
        let sent = self.nodes.iter().filter(|node| node.own && !node.kept_for_pending);
        let bases: HashSet<Revision> = sent.flat_map(Node::closes).collect();
        // Dropping a revision must not turn one that it closes into a leaf.
        let is_dropped = |node: &&Node| {
            node.kept_for_pending && !bases.contains(&node.revision) && !node.closes().any(stays)
        };
        let dropped: HashSet<Revision> =
            self.nodes.iter().filter(is_dropped).map(|node| node.revision).collect();
        self.nodes.retain(|node| !dropped.contains(&node.revision));
    }

    /// On a server: remembers what a client has forgotten. The client had these revisions from a
    /// server, which may have lost them since. Announces the leaves at `seq`, so that all replicas
    /// receive the names. Returns whether any name was new.
    pub fn adopt_forgotten(&mut self, forgotten: &Forgotten, seq: u64) -> bool {
        let is_new = self.forgotten.extend(forgotten);
        if is_new {
            let leaves: HashSet<Revision> =
                self.leaves().iter().map(|leaf| leaf.revision).collect();
            self.announce(seq, |node| leaves.contains(&node.revision));
        }
        is_new
    }
}
