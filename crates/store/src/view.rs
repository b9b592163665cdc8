//! A document as readers see it: its live leaves, merged field by field.
//!
//! The view is a pure function of the leaves and of their common ancestors' bodies. So all replicas
//! with the same revisions show the same, and a merge writes nothing. CouchDB shows only the
//! winner, and lists the other live leaves as `_conflicts`.

use serde_json::{Map, Value};

pub use crate::merge::{CONFLICTS_LIMIT, WORK_LIMIT};
use crate::{
    body::{BODY_LIMIT, Body},
    merge::{Merged, merge},
    node::Node,
    revision::Revision,
    tree::RevisionTree,
};

/// Most live leaves that are merged; with more, the first by the winner's order (CouchDB: the
/// highest generation, then the highest hash). A view names at most as many deleted leaves.
pub const MERGE_LIMIT: usize = 16;

/// A document as readers see it.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The first of the leaves (CouchDB: `_rev`). It is deleted only if all are.
    pub winner: Revision,
    /// The leaves that the view shows, the winner first. An edit that names them closes them.
    ///
    /// Deleted leaves come last. Beside live leaves they don't change the body; they show that
    /// somebody has deleted the document and that it was kept.
    pub leaves: Vec<Revision>,
    /// How many of the leaves are deleted.
    pub deletions: usize,
    /// Whether all leaves are deleted (CouchDB: whether the winner is, which is the same).
    pub deleted: bool,
    /// The live leaves, merged field by field. If they can't be merged, or if the document is
    /// deleted, the winner's body.
    pub body: Body,
    /// False if the body shows the winner alone, because merging the live leaves would exceed a
    /// limit: that of a [`Body`], [`WORK_LIMIT`] or [`CONFLICTS_LIMIT`]. An edit of all leaves closes
    /// the others nevertheless, so readers have to be told.
    pub is_merged: bool,
    /// Fields that were changed differently, in the order of their paths. Empty if all changes were
    /// to different fields.
    pub conflicts: Vec<OpenConflict>,
}

/// A field that leaves have changed differently. The view shows the first value.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenConflict {
    /// The names of the objects that contain the field, from the outermost, and the field's own.
    pub path: Vec<String>,
    /// The leaves' values without repeats, the winner's first: at least two.
    pub values: Vec<ConflictingValue>,
}

/// One of the values of a field in conflict.
#[derive(Debug, Clone, PartialEq)]
pub struct ConflictingValue {
    /// The leaves that have the value, the first by the winner's order first.
    pub leaves: Vec<Revision>,
    /// `None` if the field is absent.
    pub value: Option<Value>,
}

/// The view of a tree; `None` for an empty one.
pub fn view(tree: &RevisionTree) -> Option<View> {
    if let [only] = tree.nodes() {
        return Some(view_of_one(only));
    }
    let leaves = shown(tree);
    (!leaves.is_empty()).then(|| view_of(tree, &leaves))
}

/// The leaves that a view of the tree shows, the winner first.
fn shown(tree: &RevisionTree) -> Vec<&Node> {
    let leaves = tree.leaves();
    let (mut live, mut deleted): (Vec<&Node>, Vec<&Node>) =
        leaves.into_iter().partition(|leaf| !leaf.deleted);
    live.truncate(MERGE_LIMIT);
    deleted.truncate(MERGE_LIMIT);
    live.extend(deleted);
    live
}

/// The view of the tree if the chosen revisions were its leaves. They are in the winner's order.
/// Panics without any.
pub fn view_of(tree: &RevisionTree, leaves: &[&Node]) -> View {
    assert!(!leaves.is_empty(), "a view shows at least one revision");
    // An edit survives a concurrent delete, so deleted leaves aren't merged.
    let live = leaves.iter().take_while(|leaf| !leaf.deleted).count();
    debug_assert!(leaves[live..].iter().all(|leaf| leaf.deleted), "deleted leaves come last");
    let named = leaves.iter().map(|leaf| leaf.revision).collect();
    let view = if live > 1 { merged(tree, &leaves[..live]) } else { view_of_one(leaves[0]) };
    View { leaves: named, deletions: leaves.len() - live, ..view }
}

/// Live leaves, merged field by field.
fn merged(tree: &RevisionTree, leaves: &[&Node]) -> View {
    let winner = view_of_one(leaves[0]);
    let Some(Merged { body, conflicts, .. }) = merge(tree, leaves) else {
        return View { is_merged: false, ..winner };
    };
    // Each body is within the limits, but all fields together may exceed them. Then the view shows
    // the winner's body with the conflicts.
    if body.len() > BODY_LIMIT {
        return View { is_merged: false, conflicts, ..winner };
    }
    View { body: Body::from_trusted(&body), conflicts, ..winner }
}

/// How much work the view of a tree is: the bytes and pairs of leaves that are looked at. For tests
/// of its cost. `None` if nothing is merged.
pub fn steps(tree: &RevisionTree) -> Option<usize> {
    let leaves = shown(tree);
    let live = leaves.iter().take_while(|leaf| !leaf.deleted).count();
    (live > 1).then(|| merge(tree, &leaves[..live]))?.map(|merged| merged.steps)
}

fn view_of_one(node: &Node) -> View {
    View {
        winner: node.revision,
        leaves: vec![node.revision],
        deletions: usize::from(node.deleted),
        deleted: node.deleted,
        body: node.body.clone().unwrap_or_else(Body::empty),
        is_merged: true,
        conflicts: Vec::new(),
    }
}

/// Applies the changes from `before` to `after` to `onto`, recursively in objects; other values are
/// replaced as a whole. The result may exceed the limits of a [`Body`].
pub fn rebase(before: &Body, after: &Body, onto: &Body) -> Map<String, Value> {
    rebase_fields(&before.fields(), after.fields(), onto.fields())
}

fn rebase_fields(
    before: &Map<String, Value>,
    after: Map<String, Value>,
    mut onto: Map<String, Value>,
) -> Map<String, Value> {
    onto.retain(|name, _| after.contains_key(name) || !before.contains_key(name));
    for (name, value) in after {
        let old = before.get(&name);
        if old == Some(&value) {
            continue;
        }
        let rebased = match (old, value, onto.remove(&name)) {
            (Some(Value::Object(old)), Value::Object(new), Some(Value::Object(target))) => {
                Value::Object(rebase_fields(old, new, target))
            }
            (_, value, _) => value,
        };
        onto.insert(name, rebased);
    }
    onto
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "callers pass literals")]
    fn body(value: Value) -> Body {
        Body::from_serialize(&value).unwrap()
    }

    /// Adds a revision, and returns its name.
    fn add(tree: &mut RevisionTree, closes: &[Revision], value: Value) -> Revision {
        let (parent, merges) = (closes.first().copied(), closes.get(1..).unwrap_or_default());
        let (deleted, body) =
            (value.is_null(), body(if value.is_null() { json!({}) } else { value }));
        let revision = Revision::derive(parent, merges, deleted, &body).unwrap();
        tree.insert(Node {
            revision,
            parent,
            merges: merges.to_vec(),
            deleted,
            body: Some(body),
            seq: 1,
            pending: false,
            own: false,
            kept_for_pending: false,
            spilled: 0,
        });
        revision
    }

    fn forget(tree: &RevisionTree, revision: Revision) -> RevisionTree {
        let mut forgetful = RevisionTree::default();
        for node in tree.nodes() {
            let body = node.body.clone().filter(|_| node.revision != revision);
            forgetful.insert(Node { body, ..node.clone() });
        }
        forgetful
    }

    /// The merged fields, and the paths of open conflicts with how many values each has.
    fn seen(tree: &RevisionTree) -> (Value, Vec<(String, usize)>) {
        let view = view(tree).unwrap();
        let open = view.conflicts.iter().map(|open| (open.path.join("."), open.values.len()));
        (Value::Object(view.body.fields()), open.collect())
    }

    #[test]
    fn objects_merge_by_path_and_arrays_are_one_value() {
        let mut tree = RevisionTree::default();
        let base = json!({"place": {"city": "Rome", "zip": 1}, "tags": ["a"], "n": 1});
        let base = add(&mut tree, &[], base);
        add(
            &mut tree,
            &[base],
            json!({"place": {"city": "Pisa", "zip": 1}, "tags": ["a", "b"], "n": 1}),
        );
        add(
            &mut tree,
            &[base],
            json!({"place": {"city": "Rome", "zip": 2}, "tags": ["c"], "n": 1}),
        );
        let (merged, open) = seen(&tree);
        assert_eq!(merged["place"], json!({"city": "Pisa", "zip": 2}));
        assert_eq!(open, [("tags".to_owned(), 2)]);
        assert!(merged["tags"] == json!(["a", "b"]) || merged["tags"] == json!(["c"]));
    }

    #[test]
    fn a_field_can_be_removed_by_one_side() {
        let mut tree = RevisionTree::default();
        let base = add(&mut tree, &[], json!({"a": 1, "b": 1}));
        add(&mut tree, &[base], json!({"b": 1}));
        add(&mut tree, &[base], json!({"a": 1, "b": 2}));
        assert_eq!(seen(&tree), (json!({"b": 2}), Vec::new()));
    }

    #[test]
    fn equal_changes_are_no_conflict() {
        let mut tree = RevisionTree::default();
        let base = add(&mut tree, &[], json!({"a": 1}));
        add(&mut tree, &[base], json!({"a": 2, "b": 1}));
        add(&mut tree, &[base], json!({"a": 2, "c": 1}));
        assert_eq!(seen(&tree), (json!({"a": 2, "b": 1, "c": 1}), Vec::new()));
    }

    #[test]
    fn three_that_differ_are_all_shown() {
        let mut tree = RevisionTree::default();
        let base = add(&mut tree, &[], json!({"a": 0, "b": 0}));
        for n in 1..=3 {
            add(&mut tree, &[base], json!({"a": n, "b": 0}));
        }
        add(&mut tree, &[base], json!({"a": 0, "b": 9}));
        let (merged, open) = seen(&tree);
        assert_eq!((&merged["b"], open), (&json!(9), vec![("a".to_owned(), 3)]));
        assert_ne!(merged["a"], json!(0), "an unchanged value doesn't count");
    }

    #[test]
    fn without_the_ancestors_body_every_difference_is_a_conflict() {
        let mut tree = RevisionTree::default();
        let base = add(&mut tree, &[], json!({"a": 1, "b": 1, "c": 1}));
        add(&mut tree, &[base], json!({"a": 2, "b": 1, "c": 1}));
        add(&mut tree, &[base], json!({"a": 1, "b": 2, "c": 1}));
        assert_eq!(seen(&tree), (json!({"a": 2, "b": 2, "c": 1}), Vec::new()));
        let (merged, open) = seen(&forget(&tree, base));
        assert_eq!(open, [("a".to_owned(), 2), ("b".to_owned(), 2)]);
        assert_eq!(merged["c"], json!(1));
    }

    #[test]
    fn a_value_set_after_a_merge_is_not_undone_by_an_older_branch() {
        let mut tree = RevisionTree::default();
        let base = add(&mut tree, &[], json!({"a": 0}));
        let one = add(&mut tree, &[base], json!({"a": 1}));
        let other = add(&mut tree, &[base], json!({"a": 2}));
        let merged = add(&mut tree, &[one.max(other), one.min(other)], json!({"a": 3}));
        // Somebody who has only one side edits another field of it.
        add(&mut tree, &[other], json!({"a": 2, "b": 1}));
        assert_eq!(seen(&tree), (json!({"a": 3, "b": 1}), Vec::new()));
        assert!(view(&tree).unwrap().leaves.contains(&merged));
    }

    #[test]
    fn a_deleted_leaf_is_seen_and_not_merged() {
        let mut tree = RevisionTree::default();
        let base = add(&mut tree, &[], json!({"a": 1}));
        let kept = add(&mut tree, &[base], json!({"a": 2}));
        let gone = add(&mut tree, &[base], Value::Null);
        let gone = add(&mut tree, &[gone], Value::Null);
        let seen = view(&tree).unwrap();
        assert_eq!((seen.winner, seen.deleted, seen.deletions), (kept, false, 1));
        assert_eq!((seen.leaves, seen.body), (vec![kept, gone], body(json!({"a": 2}))));
        // An edit of both leaves closes the deleted one, too.
        let last = add(&mut tree, &[kept, gone], json!({"a": 3}));
        let seen = view(&tree).unwrap();
        assert_eq!((seen.leaves, seen.deletions), (vec![last], 0));
    }

    #[test]
    fn a_rebase_applies_what_the_editor_changed() {
        let check = |before: Value, after: Value, onto: Value, expected: Value| {
            let rebased = rebase(&body(before), &body(after), &body(onto));
            assert_eq!(Value::Object(rebased), expected);
        };
        check(
            json!({"a": 1, "b": 1}),
            json!({"a": 2, "b": 1}),
            json!({"a": 1, "b": 3}),
            json!({"a": 2, "b": 3}),
        );
        check(json!({"a": 1}), json!({}), json!({"a": 2, "b": 1}), json!({"b": 1}));
        check(json!({}), json!({"a": 1}), json!({"b": 1}), json!({"a": 1, "b": 1}));
        check(json!({"a": 1}), json!({"a": 1}), json!({}), json!({}));
        let nested = json!({"o": {"a": 1, "b": 2}});
        check(
            json!({"o": {"a": 1, "b": 1}}),
            nested,
            json!({"o": {"a": 5, "b": 1, "c": 1}}),
            json!({"o": {"a": 5, "b": 2, "c": 1}}),
        );
        check(
            json!({"o": {"a": 1}}),
            json!({"o": {"a": 2}}),
            json!({"o": 7}),
            json!({"o": {"a": 2}}),
        );
    }
}
