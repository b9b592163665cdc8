//! The ancestors of each revision of a tree, computed once for all of them.
//!
//! Any replica may have written the tree, and a hostile one may make it arbitrarily entangled. So
//! each node is visited once per round, and one round with a second one to confirm it is enough.
//! Only a cycle, which names that can't be checked may form, takes more rounds.

use crate::{node::Node, revision::Revision};

/// A set of nodes, as a bit for each position.
pub type Positions = Box<[u64]>;

/// All nodes of a tree with their ancestors.
pub struct Ancestry<'tree> {
    /// In rising order of their revisions.
    nodes: &'tree [Node],
    /// The ancestors of each node, without itself.
    ancestors: Vec<Positions>,
}

impl<'tree> Ancestry<'tree> {
    /// Computes the ancestors of nodes that are in rising order of their revisions.
    pub fn of(nodes: &'tree [Node]) -> Self {
        debug_assert!(
            nodes.is_sorted_by(|one, other| one.revision < other.revision),
            "revisions are looked up by binary search"
        );
        let words = nodes.len().div_ceil(64);
        let position =
            |revision: Revision| nodes.binary_search_by_key(&revision, |node| node.revision).ok();
        let closed: Vec<Vec<usize>> =
            nodes.iter().map(|node| node.closes().filter_map(position).collect()).collect();
        let mut ancestors: Vec<Positions> = vec![vec![0; words].into(); nodes.len()];
        // Without a cycle, the first round finds everything, and the second one that nothing
        // changes.
        let order = parents_first(&closed);
        let mut is_changing = true;
        while is_changing {
            is_changing = false;
            for at in &order {
                let mut found = ancestors[*at].clone();
                for parent in &closed[*at] {
                    unite(&mut found, &ancestors[*parent]);
                    found[parent / 64] |= 1 << (parent % 64);
                }
                is_changing |= found != ancestors[*at];
                ancestors[*at] = found;
            }
        }
        Self { nodes, ancestors }
    }

    /// The latest common ancestors of two revisions, the highest first. Here a revision counts as
    /// its own ancestor.
    pub fn common(&self, one: Revision, other: Revision) -> Vec<&'tree Node> {
        let common = self.common_positions(one, other).unwrap_or_default();
        let mut latest: Vec<&Node> = positions(&common).map(|at| &self.nodes[at]).collect();
        latest.reverse();
        latest
    }

    /// The positions of the latest common ancestors of two revisions; `None` if the tree hasn't got
    /// the revisions. See [`Ancestry::common`].
    pub fn common_positions(&self, one: Revision, other: Revision) -> Option<Positions> {
        let mut common = self.ancestors_and_itself(one)?;
        let other = self.ancestors_and_itself(other)?;
        common.iter_mut().zip(&other).for_each(|(word, other)| *word &= other);
        let mut earlier: Positions = vec![0; common.len()].into();
        for at in positions(&common) {
            unite(&mut earlier, &self.ancestors[at]);
        }
        common.iter_mut().zip(&earlier).for_each(|(word, earlier)| *word &= !earlier);
        Some(common)
    }

    fn ancestors_and_itself(&self, revision: Revision) -> Option<Positions> {
        let at = self.nodes.binary_search_by_key(&revision, |node| node.revision).ok()?;
        let mut found = self.ancestors[at].clone();
        found[at / 64] |= 1 << (at % 64);
        Some(found)
    }
}

fn unite(positions: &mut [u64], others: &[u64]) {
    positions.iter_mut().zip(others).for_each(|(word, other)| *word |= other);
}

/// The positions in a set, in rising order.
pub fn positions(set: &[u64]) -> impl Iterator<Item = usize> {
    set.iter().enumerate().flat_map(|(word, bits)| {
        (0..64).filter(move |bit| bits & (1 << bit) != 0).map(move |bit| word * 64 + bit)
    })
}

/// All positions, each after the nodes that it closes, unless these form a cycle.
fn parents_first(closed: &[Vec<usize>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(closed.len());
    let mut is_seen = vec![false; closed.len()];
    for start in 0..closed.len() {
        // Each position with the number of its closed nodes that were visited.
        let mut path = Vec::new();
        if !std::mem::replace(&mut is_seen[start], true) {
            path.push((start, 0));
        }
        while let Some((at, next)) = path.last_mut() {
            let Some(parent) = closed[*at].get(*next) else {
                order.push(*at);
                path.pop();
                continue;
            };
            *next += 1;
            if !std::mem::replace(&mut is_seen[*parent], true) {
                path.push((*parent, 0));
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::ReplicatedRevision;

    fn name(generation: u32, hash: u8) -> Revision {
        Revision::new(generation, [hash; 16]).unwrap()
    }

    fn node(revision: Revision, parent: Option<Revision>, merges: &[Revision]) -> Node {
        let merges = merges.to_vec();
        let received = ReplicatedRevision { revision, parent, merges, deleted: false, body: None };
        received.into_node(1)
    }

    fn common(nodes: &[Node], one: Revision, other: Revision) -> Vec<Revision> {
        Ancestry::of(nodes).common(one, other).iter().map(|node| node.revision).collect()
    }

    #[test]
    fn merging_a_higher_generation_is_descent() {
        let (first, high) = (name(1, 1), name(9, 1));
        let (one, other) = (name(2, 1), name(2, 2));
        let nodes = [
            node(first, None, &[]),
            node(one, Some(first), &[high]),
            node(other, Some(first), &[high]),
            node(high, Some(name(8, 1)), &[]),
        ];
        assert_eq!(common(&nodes, one, other), [high, first]);
        assert_eq!(common(&nodes, one, first), [first]);
        assert_eq!(common(&nodes, high, first), []);
    }

    #[test]
    fn a_cycle_has_an_end() {
        let (one, other) = (name(2, 1), name(3, 1));
        let nodes = [node(one, None, &[other]), node(other, Some(one), &[])];
        assert_eq!(common(&nodes, one, other), []);
    }

    #[test]
    fn crossed_merges_over_many_generations_are_fast() {
        // Each merges both of the generation before: the number of paths doubles each time.
        let mut nodes = vec![node(name(1, 1), None, &[]), node(name(1, 2), None, &[])];
        for generation in 2..200 {
            for (hash, other) in [(1, 2), (2, 1)] {
                let (parent, merged) = (name(generation - 1, hash), name(generation - 1, other));
                nodes.push(node(name(generation, hash), Some(parent), &[merged]));
            }
        }
        let (one, other) = (name(199, 1), name(199, 2));
        assert_eq!(common(&nodes, one, other), [name(198, 2), name(198, 1)]);
    }
}
