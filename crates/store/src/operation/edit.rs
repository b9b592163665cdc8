//! The rules of editing: what an edit is based on, and the revision that it makes.

use super::{Change, Edit, OperationError};
use crate::{
    body::Body,
    heap_sort::heap_sort,
    node::{Node, sort_by_rank},
    record::Record,
    revision::{GENERATION_LIMIT, Revision},
    tree::{Insertion, RevisionTree},
    view::{View, rebase, view_of},
};

/// What an edit is based on.
struct Basis {
    /// The revisions that it closes, the best first.
    tips: Vec<Revision>,
    /// Whether this profile has changed them since the editor looked.
    is_rebased: bool,
}

/// Makes the revision of an edit. Returns its name, and whether it is new.
pub(super) fn edit_record(
    record: &mut Record,
    edit: Edit,
    seq: u64,
) -> Result<(Option<Revision>, bool), OperationError> {
    let seen = record.as_seen(&edit.seen)?;
    let Basis { tips, is_rebased } = basis(record, &seen, &edit)?;
    let tip_nodes: Vec<&Node> = tips.iter().filter_map(|tip| record.tree.get(*tip)).collect();
    let current = (!tip_nodes.is_empty()).then(|| view_of(&record.tree, &tip_nodes));
    let (deleted, body) = edited(&seen, edit, is_rebased, current.as_ref())?;
    let is_same = |node: &Node| !node.deleted && !deleted && node.body.as_ref() == Some(&body);
    if let [tip] = tip_nodes.as_slice()
        && is_same(tip)
    {
        return Ok((Some(tip.revision), false));
    }

    if let Some(folded) = record.foldable(&tips) {
        let (old, parent, merges) = (folded.revision, folded.parent, folded.merges.clone());
        let node = own_node(parent, merges, deleted, body.clone(), seq)?;
        let revision = node.revision;
        // A branch that came from elsewhere may be called so already.
        if record.tree.is_free(revision) {
            record.fold(old, node);
            return Ok((Some(revision), true));
        }
    }
    // Past the last generation a document begins again: the edit merges all tips.
    let parent = tips.first().copied().filter(|tip| tip.generation() < GENERATION_LIMIT);
    let mut merges: Vec<Revision> =
        tips.iter().filter(|tip| parent != Some(**tip)).copied().collect();
    heap_sort(&mut merges, Ord::cmp);
    let node = own_node(parent, merges, deleted, body, seq)?;
    let revision = node.revision;
    match record.tree.insert(node) {
        Insertion::New | Insertion::Corrected => {
            record.note_unsent(revision);
            Ok((Some(revision), true))
        }
        Insertion::Known => Ok((Some(revision), false)),
        Insertion::Differs => Err(OperationError::Differs),
    }
}

fn own_node(
    parent: Option<Revision>,
    merges: Vec<Revision>,
    deleted: bool,
    body: Body,
    seq: u64,
) -> Result<Node, OperationError> {
    Ok(Node {
        revision: Revision::derive(parent, &merges, deleted, &body)?,
        parent,
        merges,
        deleted,
        body: Some(body),
        seq,
        pending: true,
        own: true,
        kept_for_pending: false,
        spilled: 0,
    })
}

/// Whether the edit deletes the document, and the body of the revision that it makes of what it is
/// based on, of which `current` is the view. `seen` is the tree as the editor saw it.
fn edited(
    seen: &RevisionTree,
    edit: Edit,
    is_rebased: bool,
    current: Option<&View>,
) -> Result<(bool, Body), OperationError> {
    match edit.change {
        Change::Delete if current.is_none_or(|view| view.deleted) => Err(OperationError::NotFound),
        Change::Delete => Ok((true, Body::empty())),
        Change::Put(body) => match current {
            Some(current) if !current.deleted && is_rebased => {
                Ok((false, rebased(seen, &edit.seen, &body, &current.body)?))
            }
            _ => Ok((false, body)),
        },
    }
}

/// What the edit is based on: usually what this profile has made of the leaves that the editor saw.
fn basis(record: &Record, seen: &RevisionTree, edit: &Edit) -> Result<Basis, OperationError> {
    let tree = &record.tree;
    let tips = own_tips(record, &edit.seen)?;
    let is_rebased = matches!(edit.change, Change::Put(_)) && !is_same_set(&tips, &edit.seen);
    let is_deleted = |tree: &RevisionTree, revision: &Revision| {
        tree.get(*revision).is_some_and(|node| node.deleted)
    };
    let is_revived = !edit.seen.is_empty()
        && tips.iter().any(|tip| is_deleted(tree, tip))
        && !edit.seen.iter().any(|revision| is_deleted(seen, revision));
    let is_known = is_view_known(seen, &edit.seen) && is_view_known(tree, &tips);
    if is_rebased && (is_revived || !is_known) {
        // The edit can't be rebased: another tab has deleted the document, or a body is gone that
        // shows what the editor changed. So it becomes a branch of its own, and every field that
        // differs is an open conflict.
        let mut tips = edit.seen.iter().flat_map(|seen| record.bases_of_seen(*seen)).collect();
        sort_best_first(tree, &mut tips);
        return Ok(Basis { tips, is_rebased: false });
    }
    Ok(Basis { tips, is_rebased })
}

/// The latest revisions that this profile has made of the leaves that the editor saw, the best
/// first. For a new document, all leaves of a deleted one of the same id.
fn own_tips(record: &Record, seen: &[Revision]) -> Result<Vec<Revision>, OperationError> {
    let tree = &record.tree;
    if seen.is_empty() {
        let leaves = tree.leaves();
        return match leaves.first() {
            Some(winner) if !winner.deleted => Err(OperationError::Exists),
            _ => Ok(leaves.iter().map(|leaf| leaf.revision).collect()),
        };
    }
    let standing = seen.iter().flat_map(|revision| record.standing_for(*revision));
    let mut tips: Vec<Revision> = standing.map(|revision| tree.own_tip(revision)).collect();
    sort_best_first(tree, &mut tips);
    Ok(tips)
}

/// Sorts by the winner's order, and removes repeats.
fn sort_best_first(tree: &RevisionTree, tips: &mut Vec<Revision>) {
    let is_live = |tip: Revision| tree.get(tip).is_some_and(|node| !node.deleted);
    let mut ranked: Vec<_> = tips.drain(..).map(|tip| (is_live(tip), tip)).collect();
    heap_sort(&mut ranked, |one, other| other.cmp(one));
    tips.extend(ranked.into_iter().map(|(_, tip)| tip));
    tips.dedup();
}

fn is_same_set(tips: &[Revision], seen: &[Revision]) -> bool {
    tips.len() == seen.len() && seen.iter().all(|revision| tips.contains(revision))
}

/// Whether the tree has all bodies that the view of these leaves is computed from.
fn is_view_known(tree: &RevisionTree, leaves: &[Revision]) -> bool {
    if leaves.iter().any(|leaf| tree.get(*leaf).is_none()) {
        return false;
    }
    let has_body = |node: &&Node| node.body.is_some();
    let is_live = |leaf: &&Revision| tree.get(**leaf).is_some_and(|node| !node.deleted);
    let live: Vec<Revision> = leaves.iter().filter(is_live).copied().collect();
    let leaves = if live.is_empty() { leaves } else { &live };
    let nodes: Option<Vec<&Node>> = leaves.iter().map(|leaf| tree.get(*leaf)).collect();
    nodes.is_some_and(|nodes| {
        let bases = tree.bases_of(&nodes);
        nodes.iter().all(has_body)
            && bases.iter().all(|base| tree.get(*base).as_ref().is_some_and(has_body))
    })
}

/// The edited body, with what this profile has changed since the editor looked.
fn rebased(
    tree: &RevisionTree,
    seen: &[Revision],
    edited: &Body,
    current: &Body,
) -> Result<Body, OperationError> {
    let mut nodes: Vec<&Node> = seen.iter().filter_map(|revision| tree.get(*revision)).collect();
    sort_by_rank(&mut nodes);
    let before = view_of(tree, &nodes).body;
    Body::new(rebase(&before, edited, current)).map_err(|_| OperationError::TooLarge)
}
