//! The history of one document: every revision that this replica knows, and how they descend from
//! each other.
//!
//! A tree is a set of nodes. Merging two trees is their union: commutative, associative and
//! idempotent. Leaves, the winner and ancestors are computed from the set.
//!
//! - `erase`: dropping the text of deleted documents.
//! - `fold`: replacing what nobody else has.
//! - `pending`: what waits for the server, and what the server has answered.
//! - `tidy`: dropping what nothing needs any more; `room`: how much there is room for.
//! - `forgotten`: what replicas tell each other about revisions that they have dropped.

mod erase;
mod fold;
mod forgotten;
mod pending;
mod room;
mod tidy;

use minicbor::{Decode, Decoder, Encode, Encoder, data::Type, decode, encode};

pub use self::room::RETAINED_LIMIT;
pub use crate::node::Node;
use crate::{
    ancestry::Ancestry, forgotten::Forgotten, hashed::HashSet, node::sort_by_rank,
    revision::Revision,
};

/// The number of revisions of a document that are kept; the oldest are forgotten first. Leaves, the
/// ancestors that they are merged over, and revisions that wait for the server are kept beyond it.
///
/// CouchDB: `_revs_limit`, which is 1000 there and counts for each branch.
pub const HISTORY_LIMIT: usize = 100;

/// What happened to a node that was inserted into a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insertion {
    /// The tree didn't have the revision; now it has.
    New,
    /// The tree had the revision already. If the body was missing, the node's body was added.
    Known,
    /// The tree had the revision with other contents and without a body. A name is derived from the
    /// contents with the body, so the node's are the true ones, and have replaced them. Or both have no
    /// body, and the node's are the server's.
    Corrected,
    /// The tree has a revision of that name with other contents.
    Differs,
}

/// A document's revisions, in rising order. As in CouchDB there may be several roots: two branches
/// whose common ancestor was forgotten, or never arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RevisionTree {
    nodes: Vec<Node>,
    /// Revisions that were dropped. None of them becomes a leaf again.
    forgotten: Forgotten,
}

/// An array of the nodes while nothing is forgotten; otherwise a map with the nodes under 0 and the
/// forgotten names under 1.
impl<C> Encode<C> for RevisionTree {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        c: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        debug_assert!(is_rising(&self.nodes), "decoding refuses nodes in another order");
        if !self.forgotten.is_empty() {
            e.map(2)?.u8(0)?;
            self.nodes.encode(e, c)?;
            e.u8(1)?;
            return self.forgotten.encode(e, c);
        }
        self.nodes.encode(e, c)
    }
}

impl<'b, C> Decode<'b, C> for RevisionTree {
    fn decode(d: &mut Decoder<'b>, c: &mut C) -> Result<Self, decode::Error> {
        let mut tree = Self::default();
        if d.datatype()? == Type::Map {
            let length = d.map()?.ok_or_else(|| decode::Error::message("a length is missing"))?;
            for _ in 0..length {
                match d.u8()? {
                    0 => tree.nodes = Decode::decode(d, c)?,
                    1 => tree.forgotten = Decode::decode(d, c)?,
                    _ => d.skip()?,
                }
            }
        } else {
            tree.nodes = Decode::decode(d, c)?;
        }
        if is_rising(&tree.nodes) {
            Ok(tree)
        } else {
            Err(decode::Error::message("a tree's revisions are in rising order"))
        }
    }
}

/// Revisions are looked up by binary search.
fn is_rising(nodes: &[Node]) -> bool {
    nodes.is_sorted_by(|one, other| one.revision < other.revision)
}

impl RevisionTree {
    /// Whether there is no node. Forgotten revisions don't count.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All nodes, in rising order of their revisions: a parent comes before its children. A
    /// revision may come before one that it merges.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The names of revisions that were forgotten. None of them becomes a leaf again.
    pub fn forgotten(&self) -> &Forgotten {
        &self.forgotten
    }

    /// The node of that name; `None` if the tree hasn't got it.
    pub fn get(&self, revision: Revision) -> Option<&Node> {
        self.position(revision).ok().map(|at| &self.nodes[at])
    }

    /// Inserts a node. If it has a body, its name was checked against its contents. If the tree has
    /// the revision already, `pending` and `own` stay as they are; if the contents
    /// [differ](Insertion::Differs), nothing changes.
    pub fn insert(&mut self, node: Node) -> Insertion {
        match self.position(node.revision) {
            Err(at) => {
                self.nodes.insert(at, node);
                let neighbours = &self.nodes[at.saturating_sub(1)..self.nodes.len().min(at + 2)];
                assert!(is_rising(neighbours), "a node is inserted in its place");
                Insertion::New
            }
            Ok(at) => {
                let known = &mut self.nodes[at];
                let bodies_differ =
                    matches!((&known.body, &node.body), (Some(a), Some(b)) if a != b);
                if !known.is_alike(&node) || bodies_differ {
                    let is_proven = known.body.is_none() && node.body.is_some();
                    if !is_proven {
                        return Insertion::Differs;
                    }
                    known.correct(node);
                    return Insertion::Corrected;
                }
                // A body that arrives later is a change, so it gets a new `seq`.
                if known.body.is_none() && node.body.is_some() {
                    known.body = node.body;
                    known.spilled = 0;
                    known.seq = node.seq;
                }
                Insertion::Known
            }
        }
    }

    /// Inserts a node that the server has sent. Without a body its contents can't be checked. But they
    /// replace others that can't be checked either, so that all replicas believe the same.
    pub(crate) fn insert_told(&mut self, node: Node) -> Insertion {
        match self.position(node.revision) {
            Ok(at) if node.body.is_none() && self.nodes[at].body.is_none() => {
                let known = &mut self.nodes[at];
                if known.is_alike(&node) {
                    return Insertion::Known;
                }
                known.correct(node);
                Insertion::Corrected
            }
            _ => self.insert(node),
        }
    }

    /// The revisions that no other revision of the tree descends from or merges, the winner first.
    /// Forgotten revisions are not among them, unless they wait for the server.
    ///
    /// CouchDB: live before deleted, then the highest generation, then the highest hash.
    pub fn leaves(&self) -> Vec<&Node> {
        let mut leaves: Vec<&Node> = self.leaves_among(|_| true).collect();
        sort_by_rank(&mut leaves);
        debug_assert!(
            leaves.is_sorted_by(|one, other| one.rank() > other.rank()),
            "no two leaves have the same name"
        );
        leaves
    }

    /// The leaves of the tree that consists of the chosen nodes only.
    fn leaves_among(&self, is_chosen: fn(&Node) -> bool) -> impl Iterator<Item = &Node> {
        let chosen = move || self.nodes.iter().filter(move |node| is_chosen(node));
        let closed: HashSet<Revision> = chosen().flat_map(Node::closes).collect();
        chosen().filter(move |node| {
            let is_forgotten = !node.pending && self.forgotten.contains(node.revision);
            !closed.contains(&node.revision) && !is_forgotten
        })
    }

    /// The part of the tree that these revisions descend from, with themselves.
    pub(crate) fn as_of(&self, leaves: &[Revision]) -> Self {
        let mut known = HashSet::default();
        for leaf in leaves {
            known.extend(self.ancestors(*leaf));
        }
        let nodes = self.nodes.iter().filter(|node| known.contains(&node.revision));
        // What is forgotten now wasn't then.
        Self { nodes: nodes.cloned().collect(), forgotten: Forgotten::default() }
    }

    /// Whether another revision descends from this one, or merges it, whatever the server answers to what
    /// is pending.
    pub(crate) fn is_closed_for_good(&self, revision: Revision) -> bool {
        let accepted = self.nodes.iter().filter(|node| !node.pending);
        accepted.flat_map(Node::closes).any(|closed| closed == revision)
    }

    /// Whether the revision closes something that would be a leaf without it.
    pub(crate) fn closes_alone(&self, revision: Revision) -> bool {
        let others = || self.nodes.iter().filter(|node| node.revision != revision);
        let is_open = |closed: Revision| {
            self.get(closed).is_some()
                && !self.forgotten.contains(closed)
                && !others().any(|other| other.closes().any(|it| it == closed))
        };
        self.get(revision).is_some_and(|node| node.closes().any(is_open))
    }

    /// The first of the leaves; `None` for an empty tree.
    pub fn winner(&self) -> Option<&Node> {
        if let [only] = self.nodes.as_slice() {
            return Some(only);
        }
        self.leaves().first().copied()
    }

    /// All revisions of the tree that `revision` descends from or has merged, and itself.
    pub fn ancestors(&self, revision: Revision) -> HashSet<Revision> {
        let mut found = HashSet::default();
        let mut next = vec![revision];
        while let Some(revision) = next.pop() {
            if let Some(node) = self.get(revision)
                && found.insert(revision)
            {
                next.extend(node.closes());
            }
        }
        found
    }

    /// The latest revisions that both descend from: usually one; several after crossed merges; none
    /// if this replica knows no common origin.
    pub fn common_ancestors(&self, one: Revision, other: Revision) -> Vec<&Node> {
        Ancestry::of(&self.nodes).common(one, other)
    }

    /// The revisions that leaves are merged over: the latest common ancestors of each two leaves.
    pub fn merge_bases(&self) -> HashSet<Revision> {
        self.bases_of(&self.leaves())
    }

    pub(crate) fn bases_of(&self, leaves: &[&Node]) -> HashSet<Revision> {
        let mut bases = HashSet::default();
        if leaves.len() < 2 {
            return bases;
        }
        let ancestry = Ancestry::of(&self.nodes);
        for (at, leaf) in leaves.iter().enumerate() {
            for other in leaves.iter().skip(at + 1) {
                let common = ancestry.common(leaf.revision, other.revision);
                bases.extend(common.iter().map(|node| node.revision));
            }
        }
        bases
    }

    /// Those of the revisions that are merge bases of the tree.
    fn merge_bases_among(&self, revisions: &[Revision]) -> HashSet<Revision> {
        let mut bases = self.merge_bases();
        bases.retain(|base| revisions.contains(base));
        bases
    }

    /// Gives the chosen revisions the update sequence `seq`, so that all replicas are sent them.
    /// Returns whether there was one.
    pub(crate) fn announce(&mut self, seq: u64, is_chosen: impl Fn(&Node) -> bool) -> bool {
        self.nodes.iter_mut().filter(|node| is_chosen(node)).fold(false, |_, node| {
            node.seq = seq;
            true
        })
    }

    /// The latest revision that this profile's own edits have made of `revision`; `revision` itself
    /// if there is none.
    pub fn own_tip(&self, mut revision: Revision) -> Revision {
        for _ in 0..self.nodes.len() {
            let next = self
                .nodes
                .iter()
                .rfind(|node| node.own && node.closes().any(|closed| closed == revision));
            match next {
                Some(node) => revision = node.revision,
                None => break,
            }
        }
        revision
    }

    /// Where the revision is among the nodes, or where it would be inserted.
    fn position(&self, revision: Revision) -> Result<usize, usize> {
        self.nodes.binary_search_by_key(&revision, |node| node.revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Body;

    #[test]
    fn a_tree_out_of_order_is_not_decoded() {
        let node = |generation| Node {
            revision: Revision::new(generation, [0; 16]).unwrap(),
            parent: None,
            merges: Vec::new(),
            deleted: false,
            body: Some(Body::empty()),
            seq: 1,
            pending: false,
            own: false,
            kept_for_pending: false,
            spilled: 0,
        };
        let is_decoded = |nodes: &[Node]| {
            let bytes = minicbor::to_vec(nodes).unwrap();
            minicbor::decode::<RevisionTree>(&bytes).is_ok()
        };
        assert!(is_decoded(&[]) && is_decoded(&[node(1), node(2)]));
        assert!(!is_decoded(&[node(2), node(1)]));
        assert!(!is_decoded(&[node(1), node(1)]));
    }
}
