//! What each revision of a tree descends from, worked out once for all of them.
//!
//! A tree comes from whoever has written it, and is as twisted as it likes: so no way down is walked
//! twice. Only names that nobody could check and that go round in a circle take more rounds.

use crate::{revision::Revision, tree::Node};

/// The revisions' places among the nodes, a bit each.
type Places = Box<[u64]>;

/// All nodes of a tree with what they descend from.
pub struct Ancestry<'tree> {
    /// In rising order of their revisions.
    nodes: &'tree [Node],
    /// What each descends from, without itself.
    below: Vec<Places>,
}

impl<'tree> Ancestry<'tree> {
    /// Of nodes in rising order of their revisions.
    pub fn of(nodes: &'tree [Node]) -> Self {
        let words = nodes.len().div_ceil(64);
        let place =
            |revision: Revision| nodes.binary_search_by_key(&revision, |node| node.revision).ok();
        let closed: Vec<Vec<usize>> =
            nodes.iter().map(|node| node.closes().filter_map(place).collect()).collect();
        let mut below: Vec<Places> = vec![vec![0; words].into(); nodes.len()];
        // Origins come first, as a rule: a second round only sees that there is nothing to add. Names
        // that nobody could check may be in any order, and even descend from themselves.
        let order = origins_first(&closed);
        let mut is_changing = true;
        while is_changing {
            is_changing = false;
            for at in &order {
                let mut found = below[*at].clone();
                for origin in &closed[*at] {
                    unite(&mut found, &below[*origin]);
                    found[origin / 64] |= 1 << (origin % 64);
                }
                is_changing |= found != below[*at];
                below[*at] = found;
            }
        }
        Self { nodes, below }
    }

    /// The latest revisions that both descend from, the highest first; each descends from itself.
    pub fn common(&self, one: Revision, other: Revision) -> Vec<&'tree Node> {
        let (Some(one), Some(other)) = (self.with(one), self.with(other)) else {
            return Vec::new();
        };
        let mut common = one;
        common.iter_mut().zip(&other).for_each(|(word, other)| *word &= other);
        let mut hidden: Places = vec![0; common.len()].into();
        for at in places(&common) {
            unite(&mut hidden, &self.below[at]);
        }
        common.iter_mut().zip(&hidden).for_each(|(word, hidden)| *word &= !hidden);
        let mut latest: Vec<&Node> = places(&common).map(|at| &self.nodes[at]).collect();
        latest.reverse();
        latest
    }

    /// What the revision descends from, and itself.
    fn with(&self, revision: Revision) -> Option<Places> {
        let at = self.nodes.binary_search_by_key(&revision, |node| node.revision).ok()?;
        let mut found = self.below[at].clone();
        found[at / 64] |= 1 << (at % 64);
        Some(found)
    }
}

fn unite(places: &mut [u64], others: &[u64]) {
    places.iter_mut().zip(others).for_each(|(word, other)| *word |= other);
}

fn places(set: &[u64]) -> impl Iterator<Item = usize> {
    set.iter().enumerate().flat_map(|(word, bits)| {
        (0..64).filter(move |bit| bits & (1 << bit) != 0).map(move |bit| word * 64 + bit)
    })
}

/// All places, each after its origins, unless these go round in a circle.
fn origins_first(closed: &[Vec<usize>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(closed.len());
    let mut is_seen = vec![false; closed.len()];
    for start in 0..closed.len() {
        // With each place, how many of its origins were looked at.
        let mut path = Vec::new();
        if !std::mem::replace(&mut is_seen[start], true) {
            path.push((start, 0));
        }
        while let Some((at, next)) = path.last_mut() {
            let Some(origin) = closed[*at].get(*next) else {
                order.push(*at);
                path.pop();
                continue;
            };
            *next += 1;
            if !std::mem::replace(&mut is_seen[*origin], true) {
                path.push((*origin, 0));
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(generation: u32, hash: u8) -> Revision {
        Revision::new(generation, [hash; 16]).unwrap()
    }

    fn node(revision: Revision, parent: Option<Revision>, merges: &[Revision]) -> Node {
        let merges = merges.to_vec();
        let (deleted, body, seq, pending, own, lingers) = (false, None, 1, false, false, false);
        Node { revision, parent, merges, deleted, body, seq, pending, own, lingers }
    }

    fn common(nodes: &[Node], one: Revision, other: Revision) -> Vec<Revision> {
        Ancestry::of(nodes).common(one, other).iter().map(|node| node.revision).collect()
    }

    #[test]
    fn a_merge_of_something_of_a_higher_generation_is_descent() {
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
    fn what_descends_from_itself_ends() {
        let (one, other) = (name(2, 1), name(3, 1));
        let nodes = [node(one, None, &[other]), node(other, Some(one), &[])];
        assert_eq!(common(&nodes, one, other), []);
    }

    #[test]
    fn crossed_merges_over_many_generations_are_quick() {
        // Each merges both before it: there are more ways down than anybody could walk.
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
