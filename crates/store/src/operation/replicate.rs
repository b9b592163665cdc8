//! Inserting revisions that another replica has sent.

use std::collections::HashSet;

use super::OperationError;
use crate::{
    body::BODY_LIMIT,
    node::Node,
    record::Record,
    replication::{ReplicatedDocument, ReplicatedRevision, TRAVEL_LIMIT},
    revision::Revision,
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
    let tree = &mut record.tree;
    let pending = tree.pending();
    let bases = if acknowledges { HashSet::new() } else { tree.merge_bases() };
    let named: Vec<Revision> = document.revisions.iter().map(|known| known.revision).collect();
    let Inserted { mut changed, bodiless, completed } =
        insert(tree, document.revisions, acknowledges, seq)?;
    changed |= if acknowledges {
        tree.learn_forgotten(&document.forgotten, &named)
    } else {
        tree.adopt_forgotten(&document.forgotten, seq)
    };
    // Names that can't be checked may form a cycle, and then no leaf is left.
    if !tree.is_empty() && tree.leaves().is_empty() {
        return Err(OperationError::NoBody);
    }
    if !acknowledges {
        announce_and_limit(tree, &bases, changed, seq)?;
    }
    // The body of a merge base changes the merged view.
    if !changed && !completed.is_empty() {
        tree.tidy();
        let has_body = |revision| tree.get(revision).is_some_and(|node| node.body.is_some());
        changed = completed.iter().copied().any(has_body);
    }
    // Replicas that have read further were sent these without a body.
    if !acknowledges {
        changed |= tree.tell_again(&completed, seq);
    }
    if bodiless.is_empty() {
        return Ok(changed);
    }
    let lacks_body = |leaf: &&Node| leaf.body.is_none() && bodiless.contains(&leaf.revision);
    if tree.leaves().iter().any(lacks_body) {
        return Err(OperationError::NoBody);
    }
    changed |= if acknowledges {
        // Drop merge bases that the server lacks, so that all replicas merge alike.
        tree.forget_bases(&bodiless, &pending)
    } else {
        // The sender has forgotten these bodies, so send them again.
        tree.tell_again(&bodiless, seq)
    };
    Ok(changed)
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
    for replicated in revisions {
        let revision = replicated.revision;
        let known = tree.get(revision);
        if replicated.body.is_none() {
            inserted.bodiless.push(revision);
        } else if known.is_some_and(|node| node.body.is_none()) {
            inserted.completed.push(revision);
        }
        match tree.insert(replicated.into_node(seq)) {
            // A forgotten revision that is received again changes nothing.
            Insertion::New => inserted.changed |= !tree.forgotten().contains(revision),
            Insertion::Known => {}
            Insertion::Differs => return Err(OperationError::Differs),
        }
        inserted.changed |= acknowledges && tree.hear_of(revision);
    }
    Ok(inserted)
}

/// What only a server does: it announces merge bases that are not in `bases`, and refuses a
/// document that has grown too large.
fn announce_and_limit(
    tree: &mut RevisionTree,
    bases: &HashSet<Revision>,
    changed: bool,
    seq: u64,
) -> Result<(), OperationError> {
    if changed {
        tree.tell_new_bases(bases, seq);
    }
    if tree.nodes().len() > TRAVEL_LIMIT {
        tree.tidy();
    }
    if is_overgrown(tree) { Err(OperationError::Overgrown) } else { Ok(()) }
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
