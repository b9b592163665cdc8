//! Inserting revisions that another replica has sent.

use super::OperationError;
use crate::{
    body::BODY_LIMIT,
    hashed::HashSet,
    node::Node,
    record::Record,
    replication::{ReplicatedDocument, ReplicatedRevision, TRAVEL_LIMIT},
    revision::{GENERATION_LIMIT, Revision},
    tree::{Insertion, RevisionTree},
    view::MERGE_LIMIT,
};

/// The number of revisions that all revisions of a document together may merge on a server, enough
/// for a hundred revisions that close twenty others each. Their names travel with the document.
const MERGES_LIMIT: usize = 2000;

/// Inserts revisions from another replica; `acknowledges` says that it is the server. Returns
/// whether anything changed.
pub(super) fn replicate(
    record: &mut Record,
    document: ReplicatedDocument,
    acknowledges: bool,
    seq: u64,
) -> Result<bool, OperationError> {
    if acknowledges {
        take_from_server(&mut record.tree, document, seq)
    } else {
        take_from_client(&mut record.tree, document, seq)
    }
}

/// Inserts revisions from the server, and marks those as pending that lie between what it shows and
/// what this replica knows. Returns whether anything changed.
pub(super) fn reconcile(
    record: &mut Record,
    document: ReplicatedDocument,
    seq: u64,
) -> Result<bool, OperationError> {
    let shown = document.shown();
    let changed = take_from_server(&mut record.tree, document, seq)?;
    Ok(record.tree.mark_links(&shown) || changed)
}

fn take_from_server(
    tree: &mut RevisionTree,
    document: ReplicatedDocument,
    seq: u64,
) -> Result<bool, OperationError> {
    let pending = tree.pending();
    let named: Vec<Revision> = document.revisions.iter().map(|known| known.revision).collect();
    let Inserted { mut changed, bodiless, completed } =
        insert(tree, document.revisions, true, seq)?;
    changed |= tree.learn_forgotten(&document.forgotten, &named);
    changed |= tree.recall(&named, &document.forgotten);
    has_leaf(tree)?;
    // The body of a merge base changes the merged view.
    if !changed && !completed.is_empty() {
        tree.tidy();
        changed = completed.iter().any(|revision| has_body(tree, *revision));
    }
    leaves_have_bodies(tree, &bodiless)?;
    // Drop merge bases that the server lacks, so that all replicas merge alike.
    changed |= !bodiless.is_empty() && tree.forget_bases(&bodiless, &pending);
    Ok(changed)
}

/// What a server takes: it announces what other replicas need, and refuses a document that has grown
/// too large. Afterwards the tree is tidy, if anything changed.
fn take_from_client(
    tree: &mut RevisionTree,
    document: ReplicatedDocument,
    seq: u64,
) -> Result<bool, OperationError> {
    let ReplicatedDocument { revisions, forgotten, .. } = document;
    let before = tree.merge_bases();
    let mut had_body: HashSet<Revision> = before.clone();
    had_body.retain(|base| has_body(tree, *base));
    let sent = revisions.iter().filter(|sent| sent.body.is_some());
    had_body.extend(sent.map(|sent| sent.revision));
    let is_deletion = |sent: &&ReplicatedRevision| {
        sent.deleted && sent.body.is_some() && tree.get(sent.revision).is_none()
    };
    let deletions: Vec<Revision> =
        revisions.iter().filter(is_deletion).map(|sent| sent.revision).collect();
    let Inserted { mut changed, bodiless, completed } = insert(tree, revisions, false, seq)?;
    changed |= tree.close_forgotten(&forgotten, &deletions, seq);
    has_leaf(tree)?;
    leaves_have_bodies(tree, &bodiless)?;
    if changed || !completed.is_empty() {
        tree.tidy();
    }
    if is_overgrown(tree) {
        return Err(OperationError::Overgrown);
    }
    let bases = tree.merge_bases();
    if changed {
        tree.announce(seq, |node| {
            bases.contains(&node.revision) && !before.contains(&node.revision)
        });
    }
    // Replicas that have read further were sent a completed base without its body. The sender of a
    // base without a body has forgotten the body. And where there is no room for a body, all
    // replicas have to drop it.
    changed |= tree.announce(seq, |node| {
        let is_told = |told: &[Revision]| told.contains(&node.revision);
        let is_due = match node.body {
            Some(_) => is_told(&completed) || is_told(&bodiless),
            None => had_body.contains(&node.revision),
        };
        is_due && bases.contains(&node.revision)
    });
    Ok(changed || completed.iter().any(|revision| has_body(tree, *revision)))
}

/// Names that can't be checked may form a cycle, and then no leaf is left.
fn has_leaf(tree: &RevisionTree) -> Result<(), OperationError> {
    let is_headless = !tree.is_empty() && tree.leaves().is_empty();
    if is_headless { Err(OperationError::NoBody) } else { Ok(()) }
}

/// Checks that none of these revisions, which came without a body, is a leaf that has none.
fn leaves_have_bodies(tree: &RevisionTree, bodiless: &[Revision]) -> Result<(), OperationError> {
    let lacks_body = |leaf: &&Node| leaf.body.is_none() && bodiless.contains(&leaf.revision);
    if !bodiless.is_empty() && tree.leaves().iter().any(lacks_body) {
        return Err(OperationError::NoBody);
    }
    Ok(())
}

fn has_body(tree: &RevisionTree, revision: Revision) -> bool {
    tree.get(revision).is_some_and(|node| node.body.is_some())
}

/// What inserting a document's revisions has done.
struct Inserted {
    /// Whether the tree has changed, apart from added bodies.
    changed: bool,
    /// The revisions that came without a body.
    bodiless: Vec<Revision>,
    /// The revisions that the tree had without a body, and that came with one.
    completed: Vec<Revision>,
}

fn insert(
    tree: &mut RevisionTree,
    revisions: Vec<ReplicatedRevision>,
    acknowledges: bool,
    seq: u64,
) -> Result<Inserted, OperationError> {
    let mut inserted = Inserted { changed: false, bodiless: Vec::new(), completed: Vec::new() };
    let left_out = if acknowledges { HashSet::default() } else { left_out(tree, &revisions) };
    for replicated in revisions {
        let revision = replicated.revision;
        let known = tree.get(revision);
        let is_bare = replicated.body.is_none();
        if !acknowledges && known.is_none() {
            if revision.generation() > GENERATION_LIMIT {
                return Err(OperationError::Generation);
            }
            if left_out.contains(&revision) {
                continue;
            }
        }
        let is_proven = known.is_some_and(|node| node.body.is_some());
        if is_bare {
            inserted.bodiless.push(revision);
        } else if known.is_some() && !is_proven {
            inserted.completed.push(revision);
        }
        let node = replicated.into_node(seq);
        let insertion = if acknowledges { tree.insert_told(node) } else { tree.insert(node) };
        match insertion {
            // A forgotten revision that is received again changes nothing, unless the server has told
            // this device to show it again, or what it closes, or everybody merges over it. The sender
            // does.
            Insertion::New => {
                let is_forgotten = tree.forgotten().contains(revision);
                let is_told = || tree.closes_alone(revision) || !tree.is_closed_for_good(revision);
                let is_merged_over = || !is_bare && tree.merge_bases().contains(&revision);
                inserted.changed |= !is_forgotten || acknowledges && is_told() || is_merged_over();
            }
            Insertion::Known => {}
            Insertion::Corrected => inserted.changed = true,
            // Somebody has told the server what isn't true of this revision. It gets the truth from
            // whoever wrote the revision, so that one goes on waiting.
            Insertion::Differs if acknowledges && is_bare && is_proven => continue,
            // Nor is a client refused that was told what isn't true before the server knew better.
            Insertion::Differs if !acknowledges && is_bare => continue,
            Insertion::Differs => return Err(OperationError::Differs),
        }
        inserted.changed |= acknowledges && tree.hear_of(revision);
    }
    Ok(inserted)
}

/// Those of a client's revisions without a body that this server had, and knows to be closed, and those
/// that only they close. What a client says now that they have closed can't be checked.
fn left_out(tree: &RevisionTree, revisions: &[ReplicatedRevision]) -> HashSet<Revision> {
    let is_unknown =
        |sent: &&ReplicatedRevision| sent.body.is_none() && tree.get(sent.revision).is_none();
    let unknown: Vec<Revision> =
        revisions.iter().filter(is_unknown).map(|sent| sent.revision).collect();
    let is_forgotten = |revision: &Revision| tree.forgotten().contains(*revision);
    let mut left_out: HashSet<Revision> = unknown.iter().copied().filter(is_forgotten).collect();
    if left_out.is_empty() {
        return left_out;
    }
    let closed_here: HashSet<Revision> = tree.nodes().iter().flat_map(Node::closes).collect();
    // A revision may come before one that it merges.
    let mut known = 0;
    while known < left_out.len() {
        known = left_out.len();
        let (out, kept): (Vec<_>, Vec<_>) =
            revisions.iter().partition(|sent| left_out.contains(&sent.revision));
        let closed_by = |some: Vec<&ReplicatedRevision>| -> HashSet<Revision> {
            some.iter().flat_map(|sent| sent.parent.iter().chain(&sent.merges)).copied().collect()
        };
        let (closed, still_closed) = (closed_by(out), closed_by(kept));
        let is_left_out = |revision: &Revision| {
            let is_open = !still_closed.contains(revision) && !closed_here.contains(revision);
            closed.contains(revision) && is_open
        };
        left_out.extend(unknown.iter().copied().filter(is_left_out));
    }
    left_out
}

/// Whether a document is too large for a server: what one replica can send, all others must be able
/// to receive. An edit that merges the existing branches makes room.
fn is_overgrown(tree: &RevisionTree) -> bool {
    if tree.nodes().len() == 1 {
        return false;
    }
    // Deleted branches aren't merged, but they travel.
    if tree.nodes().len() > TRAVEL_LIMIT {
        return true;
    }
    let leaves = tree.leaves();
    let weight: usize =
        leaves.iter().filter_map(|leaf| leaf.body.as_ref()).map(|body| body.as_str().len()).sum();
    let deleted = leaves.iter().filter(|leaf| leaf.deleted).count();
    let merges: usize = tree.nodes().iter().map(|node| node.merges.len()).sum();
    deleted.max(leaves.len() - deleted) > MERGE_LIMIT
        || weight > BODY_LIMIT
        || merges > MERGES_LIMIT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        body::Body, document_id::DocumentId, memory_index::MemoryIndex, operation::Operation,
    };

    #[test]
    fn a_cycle_of_revisions_is_refused() {
        let id = DocumentId::new("id").unwrap();
        let replicated = |revision, parent, merges: &[Revision], body| ReplicatedRevision {
            revision,
            parent: Some(parent),
            merges: merges.to_vec(),
            deleted: false,
            body,
        };
        // The first one has no body, so its name isn't checked against its contents.
        let [root, first] = [1, 2].map(|generation| Revision::new(generation, [0; 16]).unwrap());
        let middle = Revision::derive(Some(first), &[], false, &Body::empty()).unwrap();
        let last = Revision::derive(Some(middle), &[], false, &Body::empty()).unwrap();
        let open = vec![
            replicated(first, root, &[last], None),
            replicated(middle, first, &[], Some(Body::empty())),
        ];
        let closing = vec![replicated(last, middle, &[], Some(Body::empty()))];
        let alone = vec![replicated(first, root, &[first], None)];
        let replicate = |revisions| {
            let document = ReplicatedDocument::verified(id.clone(), revisions).unwrap();
            Operation::Replicate { document, acknowledges: false }
        };
        let done = MemoryIndex::default().prepare([alone, open, closing].map(replicate).to_vec());
        let is_done: Vec<bool> = done.outcomes.iter().map(Result::is_ok).collect();
        assert_eq!(is_done, [false, true, false]);
        assert_eq!(done.records[0].tree.winner().map(|node| node.revision), Some(middle));
    }
}
