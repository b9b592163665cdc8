//! What replicas tell each other about the revisions that they have forgotten.

use super::{Node, RevisionTree};
use crate::{
    forgotten::Forgotten,
    hashed::{HashMap, HashSet},
    revision::Revision,
};

impl RevisionTree {
    /// Applies what the server has forgotten. The server has had these revisions, and what it still
    /// has closes them, so they are no longer pending, and what they descend from isn't either. One
    /// that nothing here closes goes on waiting, and is shown until then: the server decides about it
    /// when it receives it.
    ///
    /// They are forgotten here as well, so that all replicas merge over the same ancestors. Those
    /// that the server has `named` nevertheless stay, and so do the ancestors of pending edits.
    /// Returns whether anything changed.
    pub fn learn_forgotten(&mut self, forgotten: &Forgotten, named: &[Revision]) -> bool {
        if forgotten.is_empty() {
            return false;
        }
        let leaves: HashSet<Revision> = self.leaves().iter().map(|leaf| leaf.revision).collect();
        let known: Vec<Revision> = self.nodes.iter().map(|node| node.revision).collect();
        let mut changed = false;
        let mut closed: HashSet<Revision> = HashSet::default();
        for revision in known.into_iter().filter(|revision| forgotten.contains(*revision)) {
            if leaves.contains(&revision) {
                let is_pending = self.get(revision).is_some_and(|node| node.pending);
                changed |= !(is_pending && self.forgotten.contains(revision));
            } else {
                closed.extend(self.ancestors(revision));
            }
            self.forgotten.insert(revision);
        }
        // A server that has lost something may show what the forgotten ones descend from, and has to be
        // told then how.
        let is_shown =
            |revision: &Revision| named.contains(revision) && !forgotten.contains(*revision);
        closed.retain(|revision| {
            self.get(*revision).is_some_and(|node| node.pending)
                && (forgotten.contains(*revision)
                    || !self.ancestors(*revision).iter().any(is_shown))
        });
        for node in self.nodes.iter_mut().filter(|node| closed.contains(&node.revision)) {
            changed |= std::mem::take(&mut node.pending);
        }
        let pending = self.nodes.iter().filter(|node| node.pending);
        let needed: HashSet<Revision> =
            pending.flat_map(|node| self.ancestors(node.revision)).collect();
        let is_dropped = |revision: Revision| {
            forgotten.contains(revision)
                && !named.contains(&revision)
                && !needed.contains(&revision)
        };
        let dropped = self.droppable(|node| is_dropped(node.revision), named);
        self.nodes.retain(|node| !dropped.contains(&node.revision));
        for node in &mut self.nodes {
            node.kept_for_pending |=
                forgotten.contains(node.revision) && !named.contains(&node.revision);
        }
        changed || !dropped.is_empty()
    }

    /// Those of the chosen revisions that can be dropped without turning one that they close into a leaf:
    /// others close it as well, or it is forgotten itself, or the server has `named` it, and knows whether
    /// it is a leaf.
    fn droppable(
        &self,
        is_chosen: impl Fn(&Node) -> bool,
        named: &[Revision],
    ) -> HashSet<Revision> {
        let mut closers: HashMap<Revision, usize> = HashMap::default();
        for closed in self.nodes.iter().flat_map(Node::closes) {
            *closers.entry(closed).or_default() += 1;
        }
        let is_live = |closed: Revision| {
            let is_known = self.get(closed).is_some() && !self.forgotten.contains(closed);
            is_known && !named.contains(&closed)
        };
        let mut dropped = HashSet::default();
        for node in self.nodes.iter().filter(|node| is_chosen(node)) {
            let mut open: HashMap<Revision, usize> = HashMap::default();
            for closed in node.closes().filter(|closed| is_live(*closed)) {
                *open.entry(closed).or_default() += 1;
            }
            if open.iter().all(|(closed, count)| closers[closed] > *count) {
                for (closed, count) in open {
                    *closers.entry(closed).or_default() -= count;
                }
                dropped.insert(node.revision);
            }
        }
        dropped
    }

    /// Drops the revisions that the server has forgotten and that were kept for pending edits, once
    /// nothing is pending. What the server has got again with an edit that it took isn't marked any
    /// more.
    pub fn let_go_of_the_forgotten(&mut self) {
        if self.is_pending() || !self.nodes.iter().any(|node| node.kept_for_pending) {
            return;
        }
        let stays = |revision| self.get(revision).is_some_and(|node| !node.kept_for_pending);
        // Dropping a revision must not turn one that it closes into a leaf.
        let is_dropped = |node: &&Node| node.kept_for_pending && !node.closes().any(stays);
        let dropped: HashSet<Revision> =
            self.nodes.iter().filter(is_dropped).map(|node| node.revision).collect();
        self.nodes.retain(|node| !dropped.contains(&node.revision));
    }

    /// Shows again what was forgotten here, but is a leaf on the server: a revision that the server
    /// has `named`, that it hasn't `forgotten`, and that nothing here closes. The server has lost
    /// what closed it, or was made to believe so here. Returns whether there was one.
    ///
    /// While edits of the document wait for the server, nothing is shown again: they are sent with
    /// the names of what is forgotten here, and the server may close it then.
    pub fn recall(&mut self, named: &[Revision], forgotten: &Forgotten) -> bool {
        if self.forgotten.is_empty() || self.is_pending() {
            return false;
        }
        let closed: HashSet<Revision> = self.nodes.iter().flat_map(Node::closes).collect();
        let mut changed = false;
        for revision in named {
            let is_leaf = !closed.contains(revision) && !forgotten.contains(*revision);
            changed |= is_leaf && self.forgotten.remove(*revision);
        }
        changed
    }

    /// Shows what the server has named while an edit waited that it has refused now, as
    /// [`recall`](Self::recall) does otherwise.
    pub fn recall_after_refusal(&mut self) {
        let named: Vec<Revision> = self
            .nodes
            .iter()
            .filter(|node| !node.kept_for_pending)
            .map(|node| node.revision)
            .collect();
        self.recall(&named, &Forgotten::default());
    }

    /// On a server: closes leaves that a client has forgotten, if one of the new `deletions` that the
    /// client brings can have closed them: a leaf of a higher generation. A server that has lost
    /// something has such leaves, and a deletion that was compacted doesn't say what it has closed.
    ///
    /// Nothing else that a client has forgotten is believed. So nobody can hide what others have
    /// written or will write without deleting it visibly, and that can be done with an edit, too. The
    /// leaves that stay are announced at `seq`, so that the client is told. So are all leaves if one
    /// was closed, because the names of what is forgotten travel with them. Returns whether there was
    /// any.
    pub fn close_forgotten(
        &mut self,
        forgotten: &Forgotten,
        deletions: &[Revision],
        seq: u64,
    ) -> bool {
        if forgotten.is_empty() {
            return false;
        }
        let leaves: Vec<Revision> = self.leaves().iter().map(|leaf| leaf.revision).collect();
        let deletion = leaves.iter().filter(|leaf| deletions.contains(leaf)).max().copied();
        let (named, others): (Vec<Revision>, Vec<Revision>) =
            leaves.into_iter().partition(|leaf| forgotten.contains(*leaf));
        let can_have_closed =
            |leaf: &Revision| deletion.is_some_and(|it| it.generation() > leaf.generation());
        let (closed, mut told): (Vec<Revision>, Vec<Revision>) =
            named.into_iter().partition(can_have_closed);
        for leaf in &closed {
            self.forgotten.insert(*leaf);
        }
        if !closed.is_empty() {
            told.extend(others);
        }
        self.announce(seq, |node| told.contains(&node.revision)) || !closed.is_empty()
    }
}
