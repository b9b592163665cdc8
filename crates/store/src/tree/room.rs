//! The room that a document has for the bodies of earlier revisions.

use super::{Node, RevisionTree};
use crate::{body::BODY_LIMIT, hashed::HashSet, revision::Revision};

/// The bodies of earlier revisions that a document keeps have at most this many bytes together:
/// those that leaves are merged over, and those that leaves are based on. Bodies of leaves, of
/// pending edits and of what these are based on aren't counted: a server limits leaves by itself
/// ([`OperationError::Overgrown`](crate::OperationError::Overgrown)), and the others are this device's
/// own.
///
/// So a record on a server has at most twice as many bytes of bodies. The names in it have at most
/// 64 KiB: [`HISTORY_LIMIT`](super::HISTORY_LIMIT) and
/// [`FORGOTTEN_LIMIT`](crate::forgotten::FORGOTTEN_LIMIT) bound them.
pub const RETAINED_LIMIT: usize = BODY_LIMIT;

/// How many bytes of bodies there is room for.
///
/// Room is spent on the latest revisions first. Once a body doesn't fit, no earlier one is kept,
/// even if it would fit. A body that was dropped for lack of room goes on counting
/// ([`Node::spilled`]). So what is kept doesn't depend on the order in which bodies arrive: a body is
/// kept if it and all later ones fit together.
pub struct Room {
    bytes: usize,
    /// How many bytes of the room are for bodies that aren't sent with the leaves.
    unsent: usize,
}

impl Room {
    /// The room for the bodies that these leaves are merged over. They travel with the leaves, in
    /// one frame.
    pub fn beside(leaves: &[&Node]) -> Self {
        let sent: usize = leaves.iter().map(|leaf| leaf.length()).sum();
        let bytes = BODY_LIMIT.saturating_sub(sent).min(RETAINED_LIMIT);
        Self { bytes, unsent: RETAINED_LIMIT - bytes }
    }

    /// From now on, room is spent on bodies that aren't sent with the leaves.
    pub fn keeps_what_is_not_sent(&mut self) {
        self.bytes += std::mem::take(&mut self.unsent);
    }
}

impl RevisionTree {
    /// The merge bases of these leaves whose bodies are kept, and are sent with the leaves.
    pub(crate) fn bases_that_fit(
        &self,
        leaves: &[&Node],
        bases: &HashSet<Revision>,
    ) -> HashSet<Revision> {
        self.latest_that_fit(bases, &mut Room::beside(leaves))
    }

    /// The latest of the chosen revisions, as far as there is room for their bodies, which is then
    /// spent.
    pub(super) fn latest_that_fit(
        &self,
        chosen: &HashSet<Revision>,
        room: &mut Room,
    ) -> HashSet<Revision> {
        let mut fitting = HashSet::default();
        for node in self.nodes.iter().rev().filter(|node| chosen.contains(&node.revision)) {
            let length = node.length().max(usize::try_from(node.spilled).unwrap_or(usize::MAX));
            let Some(left) = room.bytes.checked_sub(length) else { break };
            room.bytes = left;
            fitting.insert(node.revision);
        }
        fitting
    }
}
