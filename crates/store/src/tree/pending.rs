//! The revisions that wait for the server, and what the server's answers change.

use super::{Node, RevisionTree};
use crate::{hashed::HashSet, revision::Revision};

impl RevisionTree {
    /// The revisions that wait for the server, in rising order.
    pub fn pending(&self) -> Vec<Revision> {
        self.nodes.iter().filter(|node| node.pending).map(|node| node.revision).collect()
    }

    /// Whether any revision waits for the server.
    pub fn is_pending(&self) -> bool {
        self.nodes.iter().any(|node| node.pending)
    }

    /// What the leaves would be if the server refused everything that is pending.
    pub(super) fn accepted_leaves(&self) -> Vec<&Node> {
        self.leaves_among(|node| !node.pending).collect()
    }

    /// Marks a revision and the pending ones that it continues as known to the server. What they were
    /// made from was sent along, so the server has it again. What lies behind a revision that wasn't
    /// pending may have been marked since this one was sent, so it goes on waiting. Returns whether any
    /// was pending.
    pub fn acknowledge(&mut self, revision: Revision) -> bool {
        let mut next = vec![revision];
        let mut changed = false;
        while let Some(revision) = next.pop() {
            let Ok(at) = self.position(revision) else { continue };
            if std::mem::take(&mut self.nodes[at].pending) {
                let bases: Vec<Revision> = self.nodes[at].closes().collect();
                for base in &bases {
                    if let Ok(at) = self.position(*base) {
                        self.nodes[at].kept_for_pending = false;
                    }
                }
                next.extend(bases);
                changed = true;
            }
        }
        changed
    }

    /// Marks one revision as known to the server, which has sent its name. Says nothing about what
    /// it descends from: the server may have lost that. Returns whether it was pending.
    pub fn hear_of(&mut self, revision: Revision) -> bool {
        let at = self.position(revision);
        at.is_ok_and(|at| {
            self.nodes[at].kept_for_pending = false;
            std::mem::take(&mut self.nodes[at].pending)
        })
    }

    /// Marks all revisions as pending, for a server that has lost some of them: without those in
    /// between it can't tell how the others descend from what it still has. Returns whether any
    /// wasn't pending.
    pub fn mark_pending(&mut self) -> bool {
        let mut changed = false;
        for node in &mut self.nodes {
            changed |= !std::mem::replace(&mut node.pending, true);
            node.kept_for_pending = false;
        }
        changed
    }

    /// Marks those revisions as pending that lie between the `shown` ones, which are leaves on the server,
    /// and later ones that the server has: it doesn't know them, or it wouldn't show their ancestors.
    /// Returns whether there were any.
    pub fn mark_links(&mut self, shown: &[Revision]) -> bool {
        // The server is told the names of what is forgotten here, and has decided to show it.
        let is_due = |it: &Revision| self.get(*it).is_some() && !self.forgotten.contains(*it);
        let mut reached: HashSet<Revision> = shown.iter().copied().filter(is_due).collect();
        let mut known = 0;
        // A revision may come before one that it merges.
        while known < reached.len() {
            known = reached.len();
            for node in &self.nodes {
                if node.closes().any(|closed| reached.contains(&closed)) {
                    reached.insert(node.revision);
                }
            }
        }
        let accepted = self.nodes.iter().filter(|node| !node.pending);
        let closed: HashSet<Revision> = accepted.flat_map(Node::closes).collect();
        let mut changed = false;
        for node in self.nodes.iter_mut().filter(|node| !node.pending) {
            let is_between = reached.contains(&node.revision) && closed.contains(&node.revision);
            if is_between && !shown.contains(&node.revision) {
                node.pending = true;
                changed = true;
            }
        }
        changed
    }

    /// Removes pending revisions, and the pending ones that descend from them, and returns them in
    /// rising order. Those that accepted revisions descend from stay. If all of them stay, the
    /// revisions are no longer pending and lose their bodies, which the server has refused.
    pub fn take_pending(&mut self, revisions: &[Revision]) -> Vec<Node> {
        let accepted = self.nodes.iter().filter(|node| !node.pending);
        let settled: HashSet<Revision> = accepted.flat_map(Node::closes).collect();
        let mut taken: Vec<Revision> = Vec::new();
        // A revision may come before one that it merges.
        let mut is_growing = true;
        while is_growing {
            is_growing = false;
            for node in self.nodes.iter().filter(|node| node.pending) {
                let concerned = revisions.contains(&node.revision)
                    || node.closes().any(|closed| taken.contains(&closed));
                let is_new = concerned && !taken.contains(&node.revision);
                if is_new && !settled.contains(&node.revision) {
                    taken.push(node.revision);
                    is_growing = true;
                }
            }
        }
        if taken.is_empty() {
            let refused = |node: &&mut Node| node.pending && revisions.contains(&node.revision);
            for node in self.nodes.iter_mut().filter(refused) {
                node.pending = false;
                node.body = None;
            }
        }
        let taken: Vec<Node> =
            self.nodes.extract_if(.., |node| taken.contains(&node.revision)).collect();
        debug_assert!(
            taken.iter().all(|node| node.pending && self.get(node.revision).is_none()),
            "only pending revisions leave the tree"
        );
        taken
    }

    /// Marks those of the revisions as pending that are merge bases and have a body: the server was
    /// to receive them with an edit that it has refused.
    pub fn offer_bases(&mut self, revisions: &[Revision]) {
        let bases = self.merge_bases_among(revisions);
        for node in self.nodes.iter_mut().filter(|node| bases.contains(&node.revision)) {
            node.pending |= node.body.is_some();
        }
    }

    /// Drops the bodies of those of the revisions that are merge bases: the server hasn't got them.
    /// A base that was in `pending` becomes pending again instead, and one that a pending edit is
    /// based on keeps its body. Returns whether anything changed.
    pub fn forget_bases(&mut self, revisions: &[Revision], pending: &[Revision]) -> bool {
        let bases = self.merge_bases_among(revisions);
        let needed: HashSet<Revision> =
            self.nodes.iter().filter(|node| node.pending).flat_map(Node::closes).collect();
        let mut changed = false;
        for node in self.nodes.iter_mut().filter(|node| bases.contains(&node.revision)) {
            if pending.contains(&node.revision) {
                node.pending = true;
                changed = true;
            } else if !needed.contains(&node.revision) {
                changed |= node.body.take().is_some();
                // It takes no room on the server, or makes others give way there.
                node.spilled = 0;
            }
        }
        changed
    }
}
