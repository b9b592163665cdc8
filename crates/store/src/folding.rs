//! Folding the edits of a long time offline: an own revision that was never handed out is replaced
//! by the next edit of it, so that a document which is edited ten thousand times makes a few
//! revisions.
//!
//! The replaced revision leaves the tree, but another tab may be editing what it saw of it. So the
//! latest ones are kept beside the tree, and an edit that names one is rebased as if it were there.

use std::borrow::Cow;

use minicbor::Encode;

use crate::{
    body::BODY_LIMIT, node::Node, operation::OperationError, read_fields, record::Record,
    revision::Revision, tree::RevisionTree,
};

/// How many revisions of an own branch may wait for the server before the next one is folded.
///
/// Most edits are sent before that. Then nothing has to be marked before it is sent, and every
/// revision that a tab has seen is in the tree.
pub const UNFOLDED_LIMIT: usize = 8;
/// Most folded revisions that are kept beside the tree; their bodies have at most [`BODY_LIMIT`]
/// bytes together.
pub(crate) const FOLDED_LIMIT: usize = 16;

/// A revision that was never handed out, and the one that has replaced it.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Folded {
    /// The revision as it was in the tree.
    #[n(0)]
    pub node: Node,
    /// What stands in its place now. It has the same parent, and merges the same.
    #[n(1)]
    pub into: Revision,
}

read_fields!(Map Folded { 0 node, 1 into });

impl Record {
    /// The node that the next edit of exactly these revisions may replace: nobody else has it, and
    /// nothing is based on it.
    pub(crate) fn foldable(&self, tips: &[Revision]) -> Option<&Node> {
        let [tip] = tips else { return None };
        let node = self.tree.get(*tip).filter(|node| node.pending && self.unsent == Some(*tip))?;
        let is_closed = self.tree.nodes().iter().any(|other| other.closes().any(|it| it == *tip));
        (!is_closed).then_some(node)
    }

    /// Puts a new node in the place of a [foldable](Self::foldable) one.
    pub(crate) fn fold(&mut self, old: Revision, new: Node) {
        let into = new.revision;
        let Some(node) = self.tree.replace(old, new) else { return };
        self.folded.retain(|folded| folded.node.revision != into);
        for folded in self.folded.iter_mut().filter(|folded| folded.into == old) {
            folded.into = into;
        }
        self.folded.push(Folded { node, into });
        let mut room = BODY_LIMIT;
        let fits = |folded: &&Folded| {
            let length = folded.node.body.as_ref().map_or(0, |body| body.as_str().len());
            let is_fitting = length <= room;
            room = room.saturating_sub(length);
            is_fitting
        };
        let kept = self.folded.iter().rev().take(FOLDED_LIMIT).take_while(fits).count();
        self.folded.drain(..self.folded.len() - kept);
        self.unsent = Some(into);
    }

    /// Notes that a new revision may be folded, if its branch has grown long.
    pub(crate) fn note_unsent(&mut self, revision: Revision) {
        let branch = self.tree.ancestors(revision);
        let is_pending = |node: &&Node| node.pending && branch.contains(&node.revision);
        if self.tree.nodes().iter().filter(is_pending).count() > UNFOLDED_LIMIT {
            self.unsent = Some(revision);
        }
    }

    /// Notes that everything may be known to others from now on. Returns whether that is news.
    pub(crate) fn hand_out(&mut self) -> bool {
        self.unsent.take().is_some()
    }

    /// A revision that doesn't wait for the server any more has come to others.
    pub(crate) fn check_unsent(&mut self) {
        let is_pending = |revision| self.tree.get(revision).is_some_and(|node| node.pending);
        self.unsent = self.unsent.filter(|unsent| is_pending(*unsent));
    }

    /// The folded revision of that name. One that isn't known was folded before all of these: it is
    /// taken for the earliest.
    fn folded(&self, revision: Revision) -> Option<&Folded> {
        let known = self.folded.iter().rfind(|folded| folded.node.revision == revision);
        known.or(self.folded.first())
    }

    /// The tree as somebody saw it who saw these revisions: with those of them that were folded
    /// since, as far as they are kept. Fails with [`OperationError::UnknownRevision`].
    pub(crate) fn as_seen(
        &self,
        seen: &[Revision],
    ) -> Result<Cow<'_, RevisionTree>, OperationError> {
        let mut tree = Cow::Borrowed(&self.tree);
        for revision in seen.iter().filter(|revision| self.tree.get(**revision).is_none()) {
            let folded = self.folded(*revision).ok_or(OperationError::UnknownRevision)?;
            if folded.node.revision == *revision {
                tree.to_mut().insert(folded.node.clone());
            }
        }
        Ok(tree)
    }

    /// The revisions of the tree that stand where this one was seen: usually itself, or what it was
    /// folded into.
    pub(crate) fn standing_for(&self, seen: Revision) -> Vec<Revision> {
        match self.folded(seen) {
            Some(folded) if self.tree.get(seen).is_none() => match self.tree.get(folded.into) {
                Some(_) => vec![folded.into],
                None => self.bases_of_seen(seen),
            },
            _ => vec![seen],
        }
    }

    /// The revisions of the tree that a branch beside later edits of this profile begins from:
    /// usually itself, or what a folded one was based on.
    pub(crate) fn bases_of_seen(&self, seen: Revision) -> Vec<Revision> {
        match self.folded(seen) {
            Some(folded) if self.tree.get(seen).is_none() => {
                folded.node.closes().filter(|closed| self.tree.get(*closed).is_some()).collect()
            }
            _ => vec![seen],
        }
    }
}
