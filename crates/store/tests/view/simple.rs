//! The merge as simply as it can be said, for small documents: every pair of leaves is looked at for
//! each field, and values are compared as values.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use settee_store::{
    Body, ConflictingValue, OpenConflict,
    tree::{Node, RevisionTree},
};

/// The values of a pair's common ancestors at the present path; `None` if there are no ancestors, or
/// a body is missing.
type Ancestors<T> = Option<Vec<T>>;
type Bases<'a> = Vec<Vec<Ancestors<Option<&'a Value>>>>;

/// The body that a tree of live leaves shows, and the open conflicts.
pub fn view(tree: &RevisionTree) -> (Body, Vec<OpenConflict>) {
    let leaves = tree.leaves();
    let bodies: Vec<Value> = leaves.iter().map(|leaf| parsed(leaf)).collect();
    let ancestors: Vec<Vec<Ancestors<Value>>> = leaves
        .iter()
        .map(|one| leaves.iter().map(|other| ancestors(tree, one, other)).collect())
        .collect();
    let mut merge = Merge { leaves: &leaves, path: Vec::new(), conflicts: Vec::new() };
    let sides: Vec<Option<&Value>> = bodies.iter().map(Some).collect();
    let bases: Bases<'_> = ancestors
        .iter()
        .map(|row| {
            row.iter().map(|known| known.as_ref().map(|v| v.iter().map(Some).collect())).collect()
        })
        .collect();
    let fields = merge.fields(&sides, &bases);
    (Body::new(fields).unwrap(), merge.conflicts)
}

fn parsed(node: &Node) -> Value {
    Value::Object(node.body.as_ref().map(Body::fields).unwrap_or_default())
}

fn ancestors(tree: &RevisionTree, one: &Node, other: &Node) -> Ancestors<Value> {
    let common = tree.common_ancestors(one.revision, other.revision);
    let is_known = !common.is_empty() && common.iter().all(|node| node.body.is_some());
    is_known.then(|| common.into_iter().map(parsed).collect())
}

struct Merge<'a> {
    leaves: &'a [&'a Node],
    path: Vec<String>,
    conflicts: Vec<OpenConflict>,
}

impl Merge<'_> {
    fn fields(&mut self, sides: &[Option<&Value>], bases: &Bases<'_>) -> Map<String, Value> {
        let names: BTreeSet<&String> = sides
            .iter()
            .filter_map(|side| side.and_then(Value::as_object))
            .flat_map(Map::keys)
            .collect();
        let mut merged = Map::new();
        for name in names {
            let within: Vec<Option<&Value>> =
                sides.iter().map(|side| side.and_then(|value| value.get(name))).collect();
            let below: Bases<'_> = bases
                .iter()
                .map(|row| row.iter().map(|known| known.as_ref().map(|v| at(v, name))).collect())
                .collect();
            self.path.push(name.clone());
            if let Some(value) = self.value(&within, &below) {
                merged.insert(name.clone(), value);
            }
            self.path.pop();
        }
        merged
    }

    fn value(&mut self, sides: &[Option<&Value>], bases: &Bases<'_>) -> Option<Value> {
        if sides.iter().all(|side| *side == sides[0]) {
            return sides[0].cloned();
        }
        if sides.iter().all(|side| side.is_some_and(Value::is_object)) {
            return Some(Value::Object(self.fields(sides, bases)));
        }
        let mut standing: Vec<usize> =
            (0..sides.len()).filter(|at| !is_superseded(*at, sides, bases)).collect();
        if standing.is_empty() {
            standing = (0..sides.len()).collect();
        }
        let mut values: Vec<ConflictingValue> = Vec::new();
        for at in standing {
            let leaf = self.leaves[at].revision;
            let same = values.iter_mut().find(|known| known.value.as_ref() == sides[at]);
            if let Some(known) = same {
                known.leaves.push(leaf);
            } else {
                let value = sides[at].cloned();
                values.push(ConflictingValue { leaves: vec![leaf], value });
            }
        }
        let shown = values[0].value.clone();
        if values.len() > 1 {
            self.conflicts.push(OpenConflict { path: self.path.clone(), values });
        }
        shown
    }
}

fn at<'a>(values: &[Option<&'a Value>], name: &str) -> Vec<Option<&'a Value>> {
    values.iter().map(|value| value.and_then(|value| value.get(name))).collect()
}

/// Whether one leaf left the field as it was and another one changed it.
fn is_superseded(at: usize, sides: &[Option<&Value>], bases: &Bases<'_>) -> bool {
    (0..sides.len()).any(|other| {
        other != at
            && sides[other] != sides[at]
            && bases[at][other]
                .as_ref()
                .is_some_and(|known| known.iter().all(|value| *value == sides[at]))
    })
}
