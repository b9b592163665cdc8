//! The history of one document: every revision this replica knows, and how they descend.
//!
//! Trees are sets of nodes, and merging two is their union: commutative, associative and
//! idempotent. Everything else here is computed from the set.

use std::collections::HashSet;

use minicbor::{Decode, Decoder, Encode, Encoder, data::Type, decode, encode};

use crate::{ancestry::Ancestry, body::Body, forgotten::Forgotten, revision::Revision};

/// Most revisions of a document that are remembered; the oldest are forgotten first. Leaves, what
/// they are merged over, and what waits for the server are remembered beyond it.
///
/// CouchDB: `_revs_limit`, which is 1000 there, and for each branch.
pub const HISTORY_LIMIT: usize = 100;

/// One revision of a document, as this replica knows it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Node {
    /// Names the node: there is one of each name in a tree.
    #[n(0)]
    pub revision: Revision,
    /// What it was made on; `None` of a first revision. It may be in the tree no more.
    #[n(1)]
    pub parent: Option<Revision>,
    /// The leaves that this revision closes besides its parent, in rising order. CouchDB has none.
    #[cbor(n(2), default, skip_if = "Vec::is_empty")]
    pub merges: Vec<Revision>,
    /// CouchDB: `_deleted`. A deleted revision has a body like any other.
    #[cbor(n(3), default, skip_if = "crate::record::is_false")]
    pub deleted: bool,
    /// Gone when nothing needs it any more: see [`RevisionTree::tidy`].
    #[n(4)]
    pub body: Option<Body>,
    /// The update sequence at which this replica learned of the revision, or later of its body.
    #[n(5)]
    pub seq: u64,
    /// Written here, and neither acknowledged nor refused by a server so far.
    #[cbor(n(6), default, skip_if = "crate::record::is_false")]
    pub pending: bool,
    /// Written in this profile. Later edits of the same profile are rebased on it.
    #[cbor(n(7), default, skip_if = "crate::record::is_false")]
    pub own: bool,
    /// The server has forgotten it. It is here for as long as something that was made of it waits.
    #[cbor(n(8), default, skip_if = "crate::record::is_false")]
    pub lingers: bool,
}

impl Node {
    pub(crate) fn closes(&self) -> impl Iterator<Item = Revision> + '_ {
        self.parent.into_iter().chain(self.merges.iter().copied())
    }

    /// `CouchDB`'s order of leaves: live before deleted, then the highest generation, then the highest hash.
    fn rank(&self) -> (bool, Revision) {
        (!self.deleted, self.revision)
    }
}

/// What became of a node that was offered to a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insertion {
    /// It is in the tree now, and wasn't before.
    New,
    /// It was there already. If only its body was missing, it has it now.
    Known,
    /// The tree knows a revision of that name that says something else.
    Differs,
}

/// A document's revisions, in rising order. It may have several roots, as in CouchDB: of branches
/// whose common ancestor is forgotten, or was never heard of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RevisionTree {
    nodes: Vec<Node>,
    /// Those that are nodes no more. None of them is ever a leaf again.
    forgotten: Forgotten,
}

/// The nodes alone, as long as nothing is forgotten, and a pair otherwise.
impl<C> Encode<C> for RevisionTree {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        c: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
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
        // Revisions are looked up by their order.
        if tree.nodes.is_sorted_by(|one, other| one.revision < other.revision) {
            Ok(tree)
        } else {
            Err(decode::Error::message("a tree's revisions are in rising order"))
        }
    }
}

impl RevisionTree {
    /// Whether there is no node. Forgotten revisions don't count.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// In rising order of their revisions, so a parent comes before its children. What a revision
    /// merges may come after it.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The names of revisions that were forgotten. None of them is ever a leaf again.
    pub fn forgotten(&self) -> &Forgotten {
        &self.forgotten
    }

    /// The node of that name, if there is one.
    pub fn get(&self, revision: Revision) -> Option<&Node> {
        self.position(revision).ok().map(|at| &self.nodes[at])
    }

    /// Puts a node in its place among the others. `pending` and `own` of one that is known
    /// stay as they are; of one that [differs](Insertion::Differs) nothing is taken.
    pub fn insert(&mut self, node: Node) -> Insertion {
        match self.position(node.revision) {
            Err(at) => {
                self.nodes.insert(at, node);
                Insertion::New
            }
            Ok(at) => {
                let known = &mut self.nodes[at];
                let bodies_differ =
                    matches!((&known.body, &node.body), (Some(a), Some(b)) if a != b);
                if known.parent != node.parent
                    || known.merges != node.merges
                    || known.deleted != node.deleted
                    || bodies_differ
                {
                    return Insertion::Differs;
                }
                // To learn what a revision says is to learn of it, so those who follow are told.
                if known.body.is_none() && node.body.is_some() {
                    known.body = node.body;
                    known.seq = node.seq;
                }
                Insertion::Known
            }
        }
    }

    /// The revisions that no other one descends from or merges, or did, the winner first.
    ///
    /// CouchDB: live before deleted, then the highest generation, then the highest hash.
    pub fn leaves(&self) -> Vec<&Node> {
        let mut leaves: Vec<&Node> = self.leaves_among(|_| true).collect();
        leaves.sort_by_key(|node| std::cmp::Reverse(node.rank()));
        leaves
    }

    /// The leaves there would be if there were no other revisions.
    fn leaves_among(&self, is_there: fn(&Node) -> bool) -> impl Iterator<Item = &Node> {
        let there = move || self.nodes.iter().filter(move |node| is_there(node));
        let closed: HashSet<Revision> = there().flat_map(Node::closes).collect();
        there().filter(move |node| {
            !closed.contains(&node.revision) && !self.forgotten.contains(node.revision)
        })
    }

    /// The first of the leaves; `None` of an empty tree.
    pub fn winner(&self) -> Option<&Node> {
        if let [only] = self.nodes.as_slice() {
            return Some(only);
        }
        self.leaves().first().copied()
    }

    /// Everything that the revision descends from or has merged, itself included.
    pub fn ancestors(&self, revision: Revision) -> HashSet<Revision> {
        let mut found = HashSet::new();
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

    /// The latest revisions that both descend from: usually one, several after crossed merges,
    /// none when this replica doesn't know of a common origin.
    pub fn common_ancestors(&self, one: Revision, other: Revision) -> Vec<&Node> {
        Ancestry::of(&self.nodes).common(one, other)
    }

    /// The revisions that leaves are merged over: the latest that each two of them descend from.
    pub fn merge_bases(&self) -> HashSet<Revision> {
        self.bases_of(&self.leaves())
    }

    pub(crate) fn bases_of(&self, leaves: &[&Node]) -> HashSet<Revision> {
        let mut bases = HashSet::new();
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

    /// The leaves there would be if the server refused all that waits for it.
    fn accepted_leaves(&self) -> Vec<&Node> {
        self.leaves_among(|node| !node.pending).collect()
    }

    /// Drops the bodies of those of the revisions that leaves are merged over, unless an edit
    /// that waits for the server is based on them. What was `pending` waits on.
    /// Tells whether anything is different.
    pub fn forget_bases(&mut self, revisions: &[Revision], pending: &[Revision]) -> bool {
        let mut bases = self.merge_bases();
        bases.retain(|base| revisions.contains(base));
        let needed: HashSet<Revision> =
            self.nodes.iter().filter(|node| node.pending).flat_map(Node::closes).collect();
        let mut changed = false;
        for node in self.nodes.iter_mut().filter(|node| bases.contains(&node.revision)) {
            if pending.contains(&node.revision) {
                node.pending = true;
                changed = true;
            } else if !needed.contains(&node.revision) {
                changed |= node.body.take().is_some();
            }
        }
        changed
    }

    /// The revisions that wait for the server, in rising order.
    pub fn pending(&self) -> Vec<Revision> {
        self.nodes.iter().filter(|node| node.pending).map(|node| node.revision).collect()
    }

    /// Has those of the revisions count as learnt at `seq` that leaves are merged over here.
    /// Tells whether there was one.
    pub fn tell_again(&mut self, revisions: &[Revision], seq: u64) -> bool {
        let mut bases = self.merge_bases();
        bases.retain(|base| revisions.contains(base));
        self.learn_anew(seq, |node| node.body.is_some() && bases.contains(&node.revision))
    }

    /// Has some revisions count as learnt at `seq`, so that everybody is told of them. Tells whether
    /// there was one.
    fn learn_anew(&mut self, seq: u64, is_told: impl Fn(&Node) -> bool) -> bool {
        self.nodes.iter_mut().filter(|node| is_told(node)).fold(false, |_, node| {
            node.seq = seq;
            true
        })
    }

    /// Has what leaves are merged over since `before` count as learnt at `seq`, so that everybody
    /// hears of it, with its body or without.
    pub fn tell_new_bases(&mut self, before: &HashSet<Revision>, seq: u64) {
        let bases = self.merge_bases();
        self.learn_anew(seq, |node| {
            bases.contains(&node.revision) && !before.contains(&node.revision)
        });
    }

    /// The revision that this profile's own later edits have made of `revision`.
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

    /// Marks a revision and all that it descends from as known to the server.
    /// Tells whether anything was pending.
    pub fn acknowledge(&mut self, revision: Revision) -> bool {
        if !self.nodes.iter().any(|node| node.pending) {
            return false;
        }
        let known = self.ancestors(revision);
        let mut changed = false;
        for node in &mut self.nodes {
            if node.pending && known.contains(&node.revision) {
                node.pending = false;
                changed = true;
            }
        }
        changed
    }

    /// Marks a revision as known to the server, which has named it. It may have lost what that
    /// descends from. Tells whether it was pending.
    pub fn hear_of(&mut self, revision: Revision) -> bool {
        let at = self.position(revision);
        at.is_ok_and(|at| {
            self.nodes[at].lingers = false;
            std::mem::take(&mut self.nodes[at].pending)
        })
    }

    /// Marks all revisions as not known to the server, for one that has lost some: how they descend
    /// from what it still has, it can't tell without those between. Tells whether that is new.
    pub fn mark_pending(&mut self) -> bool {
        let mut changed = false;
        for node in &mut self.nodes {
            changed |= !std::mem::replace(&mut node.pending, true);
            node.lingers = false;
        }
        changed
    }

    /// Takes out pending revisions with the pending ones that descend from them, and gives
    /// them back, in rising order. What accepted revisions descend from stays. If there is nothing
    /// else it was refused by itself, and loses its body, which the server doesn't take.
    pub fn take_pending(&mut self, revisions: &[Revision]) -> Vec<Node> {
        let accepted = self.nodes.iter().filter(|node| !node.pending);
        let settled: HashSet<Revision> = accepted.flat_map(Node::closes).collect();
        let mut taken: Vec<Revision> = Vec::new();
        for node in self.nodes.iter().filter(|node| node.pending) {
            let concerned = revisions.contains(&node.revision)
                || node.closes().any(|closed| taken.contains(&closed));
            if concerned && !settled.contains(&node.revision) {
                taken.push(node.revision);
            }
        }
        if taken.is_empty() {
            let refused = |node: &&mut Node| node.pending && revisions.contains(&node.revision);
            for node in self.nodes.iter_mut().filter(refused) {
                node.pending = false;
                node.body = None;
            }
        }
        self.nodes.extract_if(.., |node| taken.contains(&node.revision)).collect()
    }

    /// Has those of the revisions wait for the server that leaves are merged over: it was to
    /// hear of them with an edit that it has refused.
    pub fn offer_bases(&mut self, revisions: &[Revision]) {
        let mut bases = self.merge_bases();
        bases.retain(|base| revisions.contains(base));
        for node in self.nodes.iter_mut().filter(|node| bases.contains(&node.revision)) {
            node.pending |= node.body.is_some();
        }
    }

    /// Whether any revision waits for the server.
    pub fn is_pending(&self) -> bool {
        self.nodes.iter().any(|node| node.pending)
    }

    /// Drops what nothing needs any more: bodies other than those of leaves, of what leaves
    /// and pending edits are based on, and of the ancestors that open conflicts are merged
    /// over, those included that a refusal would open again; and the oldest revisions past
    /// [`HISTORY_LIMIT`], whose names are [forgotten](Self::forgotten). CouchDB: compaction does
    /// the former, stemming the latter.
    pub fn tidy(&mut self) {
        self.drop_the_forgotten();
        if self.nodes.len() <= 2 {
            return;
        }
        let mut kept = self.merge_bases();
        for leaf in self.leaves() {
            kept.insert(leaf.revision);
            // Another tab, or another replica, may be about to edit what it is based on.
            kept.extend(leaf.closes());
        }
        if self.is_pending() {
            kept.extend(self.bases_of(&self.accepted_leaves()));
        }
        for node in self.nodes.iter().filter(|node| node.pending) {
            kept.insert(node.revision);
            kept.extend(node.closes());
        }
        for node in &mut self.nodes {
            if !kept.contains(&node.revision) {
                node.body = None;
            }
        }
        let mut surplus = self.nodes.len().saturating_sub(HISTORY_LIMIT);
        let mut forgotten: HashSet<Revision> = HashSet::new();
        // A revision is only forgotten when what it closed is, or its parent would open again.
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

    /// Of a document that is deleted and has nothing pending, forgets everything but the deleted
    /// leaves: a stub. Tells how many revisions it has forgotten.
    pub fn compact(&mut self) -> usize {
        let leaves = self.leaves();
        if self.is_pending() || leaves.iter().any(|leaf| !leaf.deleted) {
            return 0;
        }
        let (kept, before): (Vec<Revision>, usize) =
            (leaves.iter().map(|leaf| leaf.revision).collect(), self.nodes.len());
        self.forget(|node| !kept.contains(&node.revision));
        before - self.nodes.len()
    }

    /// Takes in what the server has forgotten: it has had these, and what it still has closes
    /// them. Those that it has not `named` all the same are forgotten here as well, for all are
    /// to merge over the same, unless a pending edit descends from them. Tells whether anything
    /// is different.
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
        let is_gone = |revision: Revision| {
            forgotten.contains(revision)
                && !named.contains(&revision)
                && !needed.contains(&revision)
        };
        // What a revision has closed must not open again.
        let opens = |node: &Node| {
            node.closes()
                .any(|closed| self.get(closed).is_some() && !self.forgotten.contains(closed))
        };
        let gone: HashSet<Revision> = self
            .nodes
            .iter()
            .filter(|node| is_gone(node.revision) && !opens(node))
            .map(|node| node.revision)
            .collect();
        self.nodes.retain(|node| !gone.contains(&node.revision));
        for node in &mut self.nodes {
            node.lingers |= forgotten.contains(node.revision) && !named.contains(&node.revision);
        }
        changed || !gone.is_empty()
    }

    /// Drops what the server has forgotten and what was kept for edits that waited, once none does.
    /// What something of this profile was made of directly was sent along with it, and so the server
    /// knows it; of what others have made the server has told all that it knows.
    pub fn let_go_of_the_forgotten(&mut self) {
        if self.is_pending() || !self.nodes.iter().any(|node| node.lingers) {
            return;
        }
        let stays = |revision| self.get(revision).is_some_and(|node| !node.lingers);
        let sent = self.nodes.iter().filter(|node| node.own && !node.lingers);
        let bases: HashSet<Revision> = sent.flat_map(Node::closes).collect();
        // What a revision has closed must not open again.
        let is_gone = |node: &&Node| {
            node.lingers && !bases.contains(&node.revision) && !node.closes().any(stays)
        };
        let gone: HashSet<Revision> =
            self.nodes.iter().filter(is_gone).map(|node| node.revision).collect();
        self.nodes.retain(|node| !gone.contains(&node.revision));
    }

    /// Takes in what a client has forgotten: it had this from a server, which may have lost it since.
    /// So that everybody hears of it, the leaves count as learnt at `seq`. Tells whether there is
    /// something new in it.
    pub fn adopt_forgotten(&mut self, forgotten: &Forgotten, seq: u64) -> bool {
        let is_new = self.forgotten.extend(forgotten);
        if is_new {
            let leaves: HashSet<Revision> =
                self.leaves().iter().map(|leaf| leaf.revision).collect();
            self.learn_anew(seq, |node| leaves.contains(&node.revision));
        }
        is_new
    }

    fn forget(&mut self, is_forgotten: impl Fn(&Node) -> bool) {
        for node in self.nodes.extract_if(.., |node| is_forgotten(node)) {
            self.forgotten.insert(node.revision);
        }
    }

    /// Drops forgotten revisions that have come again, unless leaves are merged over them.
    fn drop_the_forgotten(&mut self) {
        if !self.nodes.iter().any(|node| self.forgotten.contains(node.revision)) {
            return;
        }
        let pending = self.nodes.iter().filter(|node| node.pending);
        let ends = self.leaves().into_iter().chain(pending);
        let kept: HashSet<Revision> = ends.flat_map(|end| self.ancestors(end.revision)).collect();
        self.forget(|node| !kept.contains(&node.revision));
    }

    fn position(&self, revision: Revision) -> Result<usize, usize> {
        self.nodes.binary_search_by_key(&revision, |node| node.revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_out_of_order_is_unreadable() {
        let node = |generation| Node {
            revision: Revision::new(generation, [0; 16]).unwrap(),
            parent: None,
            merges: Vec::new(),
            deleted: false,
            body: Some(Body::empty()),
            seq: 1,
            pending: false,
            own: false,
            lingers: false,
        };
        let reads = |nodes: &[Node]| {
            let bytes = minicbor::to_vec(nodes).unwrap();
            minicbor::decode::<RevisionTree>(&bytes).is_ok()
        };
        assert!(reads(&[]) && reads(&[node(1), node(2)]));
        assert!(!reads(&[node(2), node(1)]));
        assert!(!reads(&[node(1), node(1)]));
    }
}
