//! Merging bodies field by field. See [`crate::view`].
//!
//! Time and memory grow with the bytes of the bodies, whatever is in them: each body is taken apart
//! once, and each field is compared in the few bodies that have it.

use std::cmp::Ordering;

use serde_json::Value;

use crate::{
    ancestry::{Ancestry, Positions, positions},
    canonical::{self, write_string},
    heap_sort::heap_sort,
    node::Node,
    pieces::{Field, Piece},
    tree::RevisionTree,
    view::{ConflictingValue, OpenConflict},
};

/// The bodies that are merged may have this many bytes together, times the number of live leaves:
/// what a document may have of them on a server
/// ([`BODY_LIMIT`](crate::body::BODY_LIMIT) for [`MERGE_LIMIT`](crate::view::MERGE_LIMIT) leaves)
/// is within it.
pub const WORK_LIMIT: usize = crate::body::BODY_LIMIT * crate::view::MERGE_LIMIT;
/// The paths of all conflicts of a document may have this many bytes together, with
/// [`CONFLICT_WEIGHT`] for each. A long name of an object is part of the path of each of its fields.
pub const CONFLICTS_LIMIT: usize = 512 * 1024;
/// What a conflict counts for besides its path.
const CONFLICT_WEIGHT: usize = 64;

/// What several leaves come to.
pub struct Merged {
    /// Canonical JSON, of any length.
    pub body: String,
    /// In the order of their paths.
    pub conflicts: Vec<OpenConflict>,
    /// A measure of the work that was done: bytes and pairs that were looked at.
    pub steps: usize,
}

/// Merges live leaves, the winner first. `None` if that would exceed [`WORK_LIMIT`] or
/// [`CONFLICTS_LIMIT`]. Only the leaves and their merge bases decide that, so it is the same on every
/// replica.
pub fn merge(tree: &RevisionTree, leaves: &[&Node]) -> Option<Merged> {
    let bases = Bases::of(tree, leaves);
    let length: usize = leaves
        .iter()
        .copied()
        .chain(bases.nodes.iter().map(|(_, node)| *node))
        .map(Node::length)
        .sum();
    if length.saturating_mul(leaves.len()) > WORK_LIMIT {
        return None;
    }
    let of_bases = bases.nodes.iter().map(|(at, node)| (leaves.len() + at, *node));
    let bodies: Vec<(usize, Piece<'_>)> = leaves
        .iter()
        .copied()
        .enumerate()
        .chain(of_bases)
        .map(|(source, node)| (source, piece(node)))
        .collect();
    let entries: Vec<Entry<'_>> =
        bodies.iter().map(|(source, value)| Entry { name: "", source: *source, value }).collect();
    let mut merge = Merge {
        leaves,
        bases: &bases,
        path: Vec::new(),
        body: String::new(),
        conflicts: Vec::new(),
        weight: 0,
        steps: length,
    };
    merge.value(&entries);
    let Merge { body, mut conflicts, weight, steps, .. } = merge;
    // Fields are in the order of RFC 8785, which is usually that of the paths.
    heap_sort(&mut conflicts, |one, other| one.path.cmp(&other.path));
    (weight <= CONFLICTS_LIMIT).then_some(Merged { body, conflicts, steps })
}

fn piece(node: &Node) -> Piece<'_> {
    Piece::of(node.body.as_ref().map_or("{}", |body| body.as_str()))
}

/// What the leaves are merged over.
struct Bases<'a> {
    /// For each pair of leaves, the positions of their latest common ancestors in the tree; `None`
    /// if there are none, or if one has no body.
    pairs: Vec<Option<Positions>>,
    /// The number of leaves.
    leaves: usize,
    /// Each ancestor that any pair is merged over, with its position.
    nodes: Vec<(usize, &'a Node)>,
}

impl<'a> Bases<'a> {
    fn of(tree: &'a RevisionTree, leaves: &[&Node]) -> Self {
        let ancestry = Ancestry::of(tree.nodes());
        let mut is_base = vec![false; tree.nodes().len()];
        let mut pairs = vec![None; leaves.len() * leaves.len()];
        for (at, leaf) in leaves.iter().enumerate() {
            for (other, other_leaf) in leaves.iter().enumerate().skip(at + 1) {
                let common = ancestry.common_positions(leaf.revision, other_leaf.revision);
                let known = common.filter(|common| {
                    let mut all = positions(common).peekable();
                    all.peek().is_some() && all.all(|at| tree.nodes()[at].body.is_some())
                });
                known.iter().flat_map(|known| positions(known)).for_each(|at| is_base[at] = true);
                pairs[other * leaves.len() + at].clone_from(&known);
                pairs[at * leaves.len() + other] = known;
            }
        }
        let nodes = tree.nodes().iter().enumerate().filter(|(at, _)| is_base[*at]).collect();
        Self { pairs, leaves: leaves.len(), nodes }
    }

    fn of_pair(&self, one: usize, other: usize) -> Option<&[u64]> {
        self.pairs[one * self.leaves + other].as_deref()
    }
}

/// A value at the present path. Bodies that have none there have no entry.
#[derive(Debug, Clone, Copy)]
struct Entry<'a> {
    name: &'a str,
    /// Which body it is from: the index of a leaf, or the number of leaves plus the position of a
    /// base.
    source: usize,
    value: &'a Piece<'a>,
}

/// The order of fields in canonical JSON, and within a field that of the bodies.
fn compare(one: &Entry<'_>, other: &Entry<'_>) -> Ordering {
    let names = || one.name.encode_utf16().cmp(other.name.encode_utf16());
    names().then_with(|| one.source.cmp(&other.source))
}

struct Merge<'a> {
    leaves: &'a [&'a Node],
    bases: &'a Bases<'a>,
    path: Vec<&'a str>,
    body: String,
    conflicts: Vec<OpenConflict>,
    /// The weight of the conflicts: see [`CONFLICTS_LIMIT`].
    weight: usize,
    steps: usize,
}

impl<'a> Merge<'a> {
    /// Writes the merged value of these entries, of which at least one is a leaf's. Returns whether
    /// there is a value.
    fn value(&mut self, entries: &[Entry<'a>]) -> bool {
        let count = entries.partition_point(|entry| entry.source < self.leaves.len());
        let (sides, bases) = entries.split_at(count);
        self.steps += sides.iter().map(|side| side.value.text.len()).sum::<usize>();
        let is_everywhere = count == self.leaves.len();
        let first = sides[0].value.text;
        if is_everywhere && sides.iter().all(|side| side.value.text == first) {
            self.body.push_str(first);
            return true;
        }
        if is_everywhere && sides.iter().all(|side| side.value.fields.is_some()) {
            self.fields(entries);
            return true;
        }
        self.choose(sides, bases)
    }

    /// Merges objects field by field.
    fn fields(&mut self, objects: &[Entry<'a>]) {
        let mut entries: Vec<Entry<'a>> = Vec::new();
        for object in objects {
            let fields = object.value.fields.as_deref().unwrap_or_default();
            entries.extend(fields.iter().map(|Field { name, value }| Entry {
                name,
                source: object.source,
                value,
            }));
        }
        heap_sort(&mut entries, compare);
        self.steps += entries.len();
        self.body.push('{');
        let mut is_first = true;
        for field in entries.chunk_by(|one, other| one.name == other.name) {
            // A field that no leaf has is gone.
            if field[0].source >= self.leaves.len() || self.weight > CONFLICTS_LIMIT {
                continue;
            }
            let before = self.body.len();
            if !is_first {
                self.body.push(',');
            }
            write_string(field[0].name, &mut self.body);
            self.body.push(':');
            self.path.push(field[0].name);
            if self.value(field) {
                is_first = false;
            } else {
                self.body.truncate(before);
            }
            self.path.pop();
        }
        self.body.push('}');
    }

    /// Decides between values that differ: those count that no other leaf has changed. Writes the
    /// first of them, and returns whether there is one, or the field is absent.
    fn choose(&mut self, sides: &[Entry<'a>], bases: &[Entry<'a>]) -> bool {
        let classes = Classes::of(self.leaves.len(), sides);
        let held = Held::of(&classes, bases, self.leaves.len());
        self.steps += self.leaves.len() * (self.leaves.len() + sides.len() + bases.len());
        let is_superseded = |at: usize| {
            (0..self.leaves.len()).any(|other| {
                classes.of_leaf[other] != classes.of_leaf[at]
                    && self
                        .bases
                        .of_pair(at, other)
                        .is_some_and(|common| held.is_all(common, classes.of_leaf[at]))
            })
        };
        let mut standing: Vec<usize> =
            (0..self.leaves.len()).filter(|at| !is_superseded(*at)).collect();
        if standing.is_empty() {
            standing = (0..self.leaves.len()).collect();
        }
        let shown = classes.text(classes.of_leaf[standing[0]]);
        self.body.push_str(shown.unwrap_or_default());
        if standing.iter().any(|at| classes.of_leaf[*at] != classes.of_leaf[standing[0]]) {
            self.conflict(&standing, &classes);
        }
        shown.is_some()
    }

    /// Notes the values of the standing leaves as a conflict.
    fn conflict(&mut self, standing: &[usize], classes: &Classes<'_>) {
        let path: usize = self.path.iter().map(|name| name.len()).sum();
        self.weight += CONFLICT_WEIGHT + path;
        if self.weight > CONFLICTS_LIMIT {
            return;
        }
        let mut values: Vec<(usize, ConflictingValue)> = Vec::new();
        for at in standing {
            let (class, leaf) = (classes.of_leaf[*at], self.leaves[*at].revision);
            if let Some((_, known)) = values.iter_mut().find(|(known, _)| *known == class) {
                known.leaves.push(leaf);
            } else {
                let value = classes.text(class).map(|text| {
                    // Only a damaged disk has a value that can't be read.
                    canonical::parse(text).unwrap_or(Value::Null)
                });
                values.push((class, ConflictingValue { leaves: vec![leaf], value }));
            }
        }
        let path = self.path.iter().map(ToString::to_string).collect();
        let values = values.into_iter().map(|(_, value)| value).collect();
        self.conflicts.push(OpenConflict { path, values });
    }
}

/// The leaves' values at a path, each value once. Class 0 stands for an absent field.
struct Classes<'a> {
    /// The class of each leaf's value.
    of_leaf: Vec<usize>,
    /// The values of the classes from 1.
    texts: Vec<&'a str>,
}

impl<'a> Classes<'a> {
    fn of(leaves: usize, sides: &[Entry<'a>]) -> Self {
        let mut classes = Self { of_leaf: vec![0; leaves], texts: Vec::new() };
        for side in sides {
            let known = classes.class(side.value.text);
            let class = known.unwrap_or_else(|| {
                classes.texts.push(side.value.text);
                classes.texts.len()
            });
            classes.of_leaf[side.source] = class;
        }
        classes
    }

    fn class(&self, text: &str) -> Option<usize> {
        self.texts.iter().position(|known| *known == text).map(|at| at + 1)
    }

    fn text(&self, class: usize) -> Option<&'a str> {
        class.checked_sub(1).map(|at| self.texts[at])
    }
}

/// Which bases have which value at a path, as sets of positions.
struct Held {
    /// The number of words of a set.
    words: usize,
    /// First the set of the bases that have any value, and then one set for each class from 1.
    sets: Vec<u64>,
}

impl Held {
    fn of(classes: &Classes<'_>, bases: &[Entry<'_>], leaves: usize) -> Self {
        let last = bases.last().map_or(0, |base| base.source - leaves);
        let words = last / 64 + 1;
        let mut sets = vec![0; words * (classes.texts.len() + 1)];
        for base in bases {
            let at = base.source - leaves;
            let class = classes.class(base.value.text).unwrap_or(0);
            for set in [0, class] {
                sets[set * words + at / 64] |= 1 << (at % 64);
            }
        }
        Self { words, sets }
    }

    /// Whether all of these bases have a value of this class.
    fn is_all(&self, bases: &[u64], class: usize) -> bool {
        let set = &self.sets[class * self.words..(class + 1) * self.words];
        bases.iter().enumerate().all(|(at, word)| {
            let held = set.get(at).copied().unwrap_or(0);
            let differs = if class == 0 { held } else { !held };
            word & differs == 0
        })
    }
}
