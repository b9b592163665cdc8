//! What can be done to documents, and what becomes of it: pure functions from the records
//! before to the records after. Back ends run them inside their transactions.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use thiserror::Error;

use crate::{
    body::{BODY_LIMIT, Body},
    document_id::DocumentId,
    record::{Record, Refused},
    replication::{ReplicatedDocument, TRAVEL_LIMIT},
    revision::{Revision, RevisionError},
    tree::{Insertion, Node, RevisionTree},
    view::{MERGE_LIMIT, rebase, view_of},
};

/// Most operations of one commit; more are [`BackendError::TooMany`](crate::BackendError::TooMany).
/// Of a handle that [leads](crate::Database::lead), one less, for it adds [`Operation::Under`].
pub const COMMIT_LIMIT: usize = 50_000;

/// One step of a commit. Each has its own outcome; what one refuses doesn't stop the others, a
/// term that has ended aside. Of a document that isn't known, the steps that need one do nothing.
#[derive(Debug, Clone)]
pub enum Operation {
    /// Somebody edits here. Fails with any [`OperationError`] but [`OperationError::NoBody`] and
    /// [`OperationError::Overgrown`].
    Edit(Edit),
    /// Revisions arrive from another replica (CouchDB: `_bulk_docs` with `new_edits: false`):
    /// they go in beside what is there, and those known already change nothing. Fails with
    /// [`OperationError::Differs`], [`OperationError::NoBody`] or [`OperationError::Overgrown`].
    Replicate {
        /// All of it is taken, or nothing.
        document: ReplicatedDocument,
        /// The other replica is the server: what it sends needs not be sent to it, what it has
        /// forgotten is forgotten here, and [`OperationError::Overgrown`] isn't asked.
        acknowledges: bool,
    },
    /// The server has committed the revisions, and so what they descend from.
    Acknowledge {
        /// The document whose revisions they are.
        id: DocumentId,
        /// Those that aren't known, or don't wait, change nothing.
        revisions: Vec<Revision>,
    },
    /// The server has refused the revisions: they and what descends from them leave the tree,
    /// unless accepted ones descend from them, too. The latest of them is kept in
    /// [`Record::refused`], unless what is there was made on it; what was there stays beside it.
    Refuse {
        /// The document whose revisions they are.
        id: DocumentId,
        /// Those that don't wait for the server change nothing.
        revisions: Vec<Revision>,
        /// The server's own words, for the user.
        reason: String,
    },
    /// The user gives up what was refused.
    Discard {
        /// The document whose refused edit goes.
        id: DocumentId,
        /// The refused edit: see [`Refused::revision`]. Others stay.
        revision: Revision,
    },
    /// The server has lost what it had: all revisions wait for it anew.
    Resend {
        /// The document whose revisions they are.
        id: DocumentId,
    },
    /// Of a deleted document everything but a stub is forgotten. No reader sees a difference, so
    /// the document keeps its `seq`.
    Compact {
        /// A document that is alive, waits for the server or was refused stays as it is.
        id: DocumentId,
    },
    /// Device state, which is never synced (CouchDB: `_local`, without revisions).
    Local {
        /// Any text; `_term` is the store's own.
        key: String,
        /// Any bytes. `None` removes the local document.
        value: Option<Vec<u8>>,
    },
    /// Begins a term. If it can't, it and all that follows in this commit is
    /// [`OperationError::Superseded`]. See [`crate::Database::lead`].
    Lead {
        /// Later than the term that holds; before the first, that is 0.
        term: u64,
    },
    /// What follows in this commit is done only if no later term has begun, and is
    /// [`OperationError::Superseded`] otherwise, as this is.
    Under {
        /// The term that the commit is part of.
        term: u64,
    },
}

/// The local document that holds the term: eight bytes, the highest first.
pub(crate) const TERM: &str = "_term";

/// An edit of one document.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// The document that is edited, or that is to be.
    pub id: DocumentId,
    /// The leaves of the document as its editor saw it ([`crate::Document::leaves`]); none for a
    /// new one, which goes on from a deleted one of that id (CouchDB: as a child of its winner).
    ///
    /// The edit closes them. What this profile itself has made of them meanwhile is rebased upon;
    /// what others have is left standing beside it, as a conflict that is merged by field.
    pub seen: Vec<Revision>,
    /// What the editor made of it.
    pub change: Change,
}

/// What an edit makes of its document.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The whole body, as it is to be.
    Put(Body),
    /// The document ends in a deleted revision with an empty body (CouchDB: a tombstone).
    Delete,
}

/// What an operation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// The revision that an edit made, or found already there; `None` of other operations.
    pub revision: Option<Revision>,
    /// The update sequence that the document has now; 0 for what has no document.
    pub seq: u64,
    /// Whether anything is different from before.
    pub changed: bool,
    /// Whether the document has more than one leaf now; told of revisions from another replica.
    /// How these read depends on what this one has of their ancestors.
    pub is_contested: bool,
}

/// Why an operation was not done. Nothing of it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OperationError {
    /// The edit has seen nothing, and there is a live document of that id (CouchDB: `conflict`).
    #[error("the document exists already")]
    Exists,
    /// There is nothing to delete: the document isn't known, or is deleted already.
    #[error("the document doesn't exist")]
    NotFound,
    /// One of [`Edit::seen`] is not in the document's tree: it never was, or is there no more.
    #[error("the edit was made on a revision that is not known here")]
    UnknownRevision,
    /// Its parent, merges, deletion or body are others than those known under that name.
    #[error("a revision of this name says something else")]
    Differs,
    /// A leaf needs a body, and a document a leaf, which revisions that descend from each other
    /// don't have.
    #[error("the revision that a document ends in has no body")]
    NoBody,
    /// Always [`RevisionError::Overflow`]: the document can't be edited any further.
    #[error(transparent)]
    Revision(#[from] RevisionError),
    /// The edit, rebased on what this profile has done since, is no [`Body`] any more.
    #[error("fields taken together pass the limits of a body")]
    TooLarge,
    /// A document travels whole, and so has to fit into a frame: of live and of deleted leaves it
    /// has at most [`MERGE_LIMIT`] each, with at most [`BODY_LIMIT`] bytes of bodies together, and
    /// of revisions at most [`HISTORY_LIMIT`](crate::tree::HISTORY_LIMIT) and [`MERGE_LIMIT`]
    /// together, which merge at most 2000 others. A document's only revision always fits.
    #[error("the document has too many versions that are not merged, or too large ones")]
    Overgrown,
    /// Another tab or program does this work now.
    #[error("a later term has begun")]
    Superseded,
}

/// Local documents by their keys; `None` is removed. Of two with one key the later one holds.
pub type Locals = Vec<(String, Option<Vec<u8>>)>;

/// What a back end has to write so that the operations are done.
#[derive(Debug)]
pub struct Transition {
    /// The records that changed, each once, in the order of their `seq`.
    pub records: Vec<Arc<Record>>,
    /// The local documents that were set or removed, in the order of the operations.
    pub locals: Locals,
    /// One for each operation, in their order.
    pub outcomes: Vec<Result<Applied, OperationError>>,
    /// The database's update sequence afterwards.
    pub seq: u64,
}

/// What operations are run on.
pub trait Place {
    /// Why something can't be read. It ends the transition.
    type Error;

    /// The record of that id as it was before the operations; `None` if there is none.
    fn record(&self, id: &DocumentId) -> Result<Option<Arc<Record>>, Self::Error>;

    /// The local document of that key as it was before the operations.
    fn local(&self, key: &str) -> Result<Option<Vec<u8>>, Self::Error>;
}

/// Runs operations on the records of a place, from the update sequence `seq`. Nothing is written:
/// that is left to whoever calls this. Fails only where the place can't be read.
pub fn transition<P: Place>(
    operations: Vec<Operation>,
    mut seq: u64,
    place: &P,
) -> Result<Transition, P::Error> {
    let mut changed: HashMap<DocumentId, Arc<Record>> = HashMap::new();
    let mut locals: Locals = Vec::new();
    let mut outcomes = Vec::with_capacity(operations.len());
    let mut is_superseded = false;
    for operation in operations {
        if is_superseded {
            outcomes.push(Err(OperationError::Superseded));
            continue;
        }
        let no_document =
            |changed| Ok(Applied { revision: None, seq: 0, changed, is_contested: false });
        let id = match operation {
            Operation::Local { key, value } => {
                locals.push((key, value));
                outcomes.push(no_document(true));
                continue;
            }
            Operation::Lead { term } | Operation::Under { term } => {
                let begins = matches!(operation, Operation::Lead { .. });
                let present = present_term(place, &locals)?;
                is_superseded = if begins { term <= present } else { term < present };
                if begins && !is_superseded {
                    locals.push((TERM.to_owned(), Some(term.to_be_bytes().to_vec())));
                }
                let outcome = no_document(begins);
                outcomes.push(if is_superseded {
                    Err(OperationError::Superseded)
                } else {
                    outcome
                });
                continue;
            }
            Operation::Edit(Edit { ref id, .. })
            | Operation::Replicate { document: ReplicatedDocument { ref id, .. }, .. }
            | Operation::Acknowledge { ref id, .. }
            | Operation::Refuse { ref id, .. }
            | Operation::Discard { ref id, .. }
            | Operation::Resend { ref id }
            | Operation::Compact { ref id } => id.clone(),
        };
        let is_news = !matches!(operation, Operation::Compact { .. });
        let is_replicated = matches!(operation, Operation::Replicate { .. });
        let before = match changed.get(&id) {
            Some(record) => Some(record.clone()),
            None => place.record(&id)?,
        };
        let known_seq = before.as_ref().map_or(0, |record| record.seq);
        let mut record = before.map_or_else(|| Record::new(id.clone()), |r| (*r).clone());
        let outcome =
            apply(&mut record, operation, seq.saturating_add(1)).map(|(revision, is_changed)| {
                if is_changed && is_news {
                    // Only a damaged store comes near to the end.
                    seq = seq.saturating_add(1);
                    record.seq = seq;
                    record.tree.tidy();
                }
                let seq = if is_changed && is_news { seq } else { known_seq };
                let is_contested = is_replicated && record.tree.leaves().len() > 1;
                if is_changed {
                    changed.insert(id, Arc::new(record));
                }
                Applied { revision, seq, changed: is_changed, is_contested }
            });
        outcomes.push(outcome);
    }
    let mut records: Vec<Arc<Record>> = changed.into_values().collect();
    records.sort_unstable_by_key(|record| record.seq);
    Ok(Transition { records, locals, outcomes, seq })
}

/// The term that holds, as of what is written already. Before the first one it is 0.
fn present_term<P: Place>(place: &P, written: &Locals) -> Result<u64, P::Error> {
    let stored = match written.iter().rfind(|(key, _)| key == TERM) {
        Some((_, value)) => value.clone(),
        None => place.local(TERM)?,
    };
    Ok(read_term(stored.as_deref()))
}

pub(crate) fn read_term(stored: Option<&[u8]>) -> u64 {
    stored.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes)
}

/// Does one operation to a record. Where it fails or changes nothing, the record is to be dropped.
fn apply(
    record: &mut Record,
    operation: Operation,
    seq: u64,
) -> Result<(Option<Revision>, bool), OperationError> {
    match operation {
        Operation::Edit(edit) => edit_record(record, edit, seq),
        Operation::Replicate { document, acknowledges } => {
            let changed = replicate(record, document, acknowledges, seq)?;
            Ok((None, changed))
        }
        Operation::Acknowledge { revisions, .. } => {
            let mut changed = false;
            for revision in revisions {
                changed |= record.tree.acknowledge(revision);
            }
            record.tree.let_go_of_the_forgotten();
            Ok((None, changed))
        }
        Operation::Refuse { revisions, reason, .. } => {
            let before = record.tree.pending();
            let taken = record.tree.take_pending(&revisions);
            let is_changed = record.tree.pending() != before;
            let closed: Vec<Revision> = taken.iter().flat_map(Node::closes).collect();
            record.tree.offer_bases(&closed);
            refuse(record, &taken, reason);
            Ok((None, is_changed))
        }
        Operation::Discard { revision, .. } => Ok((None, record.discard(revision))),
        Operation::Resend { .. } => Ok((None, record.tree.mark_pending())),
        Operation::Compact { .. } => Ok((None, record.compact() > 0)),
        Operation::Local { .. } | Operation::Lead { .. } | Operation::Under { .. } => {
            Ok((None, false))
        }
    }
}

/// Takes in revisions from another replica. Tells whether anything is different.
fn replicate(
    record: &mut Record,
    document: ReplicatedDocument,
    acknowledges: bool,
    seq: u64,
) -> Result<bool, OperationError> {
    let tree = &mut record.tree;
    let mut changed = false;
    let pending = tree.pending();
    // Only a server has others to tell.
    let bases = if acknowledges { HashSet::new() } else { tree.merge_bases() };
    let named: Vec<Revision> = document.revisions.iter().map(|known| known.revision).collect();
    let mut bodiless = Vec::new();
    let mut completed = Vec::new();
    for replicated in document.revisions {
        let revision = replicated.revision;
        let known = tree.get(revision);
        if replicated.body.is_none() {
            bodiless.push(revision);
        } else if known.is_some_and(|node| node.body.is_none()) {
            completed.push(revision);
        }
        match tree.insert(replicated.into_node(seq)) {
            // What was forgotten and comes again is no news by itself.
            Insertion::New => changed |= !tree.forgotten().contains(revision),
            Insertion::Known => {}
            Insertion::Differs => return Err(OperationError::Differs),
        }
        changed |= acknowledges && tree.hear_of(revision);
    }
    changed |= if acknowledges {
        tree.learn_forgotten(&document.forgotten, &named)
    } else {
        tree.adopt_forgotten(&document.forgotten, seq)
    };
    // What nobody can check may descend from itself, and would take the document's end away.
    if !tree.is_empty() && tree.leaves().is_empty() {
        return Err(OperationError::NoBody);
    }
    if !acknowledges && changed {
        tree.tell_new_bases(&bases, seq);
    }
    if !acknowledges && tree.nodes().len() > TRAVEL_LIMIT {
        tree.tidy();
    }
    if !acknowledges && is_overgrown(tree) {
        return Err(OperationError::Overgrown);
    }
    // A body that leaves are merged over changes what is read of them.
    if !changed && !completed.is_empty() {
        tree.tidy();
        let has_body = |revision| tree.get(revision).is_some_and(|node| node.body.is_some());
        changed = completed.iter().copied().any(has_body);
    }
    // Who has caught up has been told of it without its body.
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
    // A base that the server doesn't know is one for nobody, for all are to read the same;
    // unless the server is about to hear of it. One that somebody else has forgotten is
    // told again.
    changed |= if acknowledges {
        tree.forget_bases(&bodiless, &pending)
    } else {
        tree.tell_again(&bodiless, seq)
    };
    Ok(changed)
}

/// Shows what was taken out of the tree as refused: the latest of it, which holds the others.
/// What the refused edit that is shown was made on is a part of that.
fn refuse(record: &mut Record, taken: &[Node], reason: String) {
    let is_taken = |base: &Revision| taken.iter().any(|node| node.revision == *base);
    let closed = taken.iter().flat_map(Node::closes);
    let based_on: Vec<Revision> = closed.filter(|base| !is_taken(base)).collect();
    let mut shown: Vec<Revision> =
        record.refused.as_ref().map_or_else(Vec::new, |refused| refused.based_on.clone());
    let latest = taken.iter().rev().find(|node| {
        let is_shown = shown.contains(&node.revision);
        if is_shown {
            shown.extend(node.closes());
        }
        !is_shown
    });
    if let Some(Node { revision, deleted, body, .. }) = latest.cloned() {
        record.keep_refused(Refused { revision, deleted, body, reason, based_on });
    } else if let Some(refused) = &mut record.refused {
        refused.based_on.retain(|base| !is_taken(base));
        refused.based_on.extend(based_on);
    }
}

/// Most merges of a document's revisions together, where a server takes it: a hundred revisions that
/// close twenty others each. Their names travel with the document.
const MERGES_LIMIT: usize = 2000;

/// Whether a server should take no more branches: what one replica could send, all others have
/// to be able to receive. Who merges the versions that are there makes room.
fn is_overgrown(tree: &RevisionTree) -> bool {
    if tree.nodes().len() == 1 {
        return false;
    }
    // Deleted branches aren't merged, but are told.
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

fn edit_record(
    record: &mut Record,
    edit: Edit,
    seq: u64,
) -> Result<(Option<Revision>, bool), OperationError> {
    let tree = &record.tree;
    let mut tips = tips(tree, &edit.seen)?;
    let is_rebased = matches!(edit.change, Change::Put(_)) && !same(&tips, &edit.seen);
    let is_deleted = |revision: &Revision| tree.get(*revision).is_some_and(|node| node.deleted);
    let is_revived =
        !edit.seen.is_empty() && tips.iter().any(is_deleted) && !edit.seen.iter().any(is_deleted);
    let is_known = is_view_known(tree, &edit.seen) && is_view_known(tree, &tips);
    if is_rebased && (is_revived || !is_known) {
        // What the editor saw is forgotten, so what they changed of it can't be told; or it is
        // known no more what they would change now; or it was deleted in another tab. The edit
        // stands beside those made since, and what differs is shown.
        tips.clone_from(&edit.seen);
        sort_best_first(tree, &mut tips);
    }
    let tip_nodes: Vec<&Node> = tips.iter().filter_map(|tip| tree.get(*tip)).collect();
    let current = (!tip_nodes.is_empty()).then(|| view_of(tree, &tip_nodes));
    let (deleted, body) = match edit.change {
        Change::Delete if current.as_ref().is_none_or(|view| view.deleted) => {
            return Err(OperationError::NotFound);
        }
        Change::Delete => (true, Body::empty()),
        Change::Put(body) => match &current {
            Some(current) if !current.deleted && !same(&tips, &edit.seen) => {
                (false, rebased(tree, &edit.seen, &body, &current.body)?)
            }
            _ => (false, body),
        },
    };
    let is_same = |node: &Node| !node.deleted && !deleted && node.body.as_ref() == Some(&body);
    if let [tip] = tip_nodes.as_slice()
        && is_same(tip)
    {
        return Ok((Some(tip.revision), false));
    }

    let parent = tips.first().copied();
    let mut merges: Vec<Revision> = tips.iter().skip(1).copied().collect();
    merges.sort_unstable();
    let revision = Revision::derive(parent, &merges, deleted, &body)?;
    let node = Node {
        revision,
        parent,
        merges,
        deleted,
        body: Some(body),
        seq,
        pending: true,
        own: true,
        lingers: false,
    };
    match record.tree.insert(node) {
        Insertion::New => Ok((Some(revision), true)),
        Insertion::Known => Ok((Some(revision), false)),
        Insertion::Differs => Err(OperationError::Differs),
    }
}

/// What this profile has made of the leaves that the editor saw, the best first.
fn tips(tree: &RevisionTree, seen: &[Revision]) -> Result<Vec<Revision>, OperationError> {
    if seen.is_empty() {
        // A new document, unless one of that id is alive. Over a deleted one it is an edit of that.
        let leaves = tree.leaves();
        return match leaves.first() {
            Some(winner) if !winner.deleted => Err(OperationError::Exists),
            _ => Ok(leaves.iter().map(|leaf| leaf.revision).collect()),
        };
    }
    if seen.iter().any(|revision| tree.get(*revision).is_none()) {
        return Err(OperationError::UnknownRevision);
    }
    let mut tips: Vec<Revision> = seen.iter().map(|revision| tree.own_tip(*revision)).collect();
    sort_best_first(tree, &mut tips);
    Ok(tips)
}

/// By the winner's order, and without repeats.
fn sort_best_first(tree: &RevisionTree, tips: &mut Vec<Revision>) {
    tips.sort_by_key(|tip| {
        std::cmp::Reverse((tree.get(*tip).is_some_and(|node| !node.deleted), *tip))
    });
    tips.dedup();
}

fn same(tips: &[Revision], seen: &[Revision]) -> bool {
    tips.len() == seen.len() && seen.iter().all(|revision| tips.contains(revision))
}

/// Whether the bodies are there that the view of these leaves is made of.
fn is_view_known(tree: &RevisionTree, leaves: &[Revision]) -> bool {
    let has_body = |node: &&Node| node.body.is_some();
    let is_live = |leaf: &&Revision| tree.get(**leaf).is_some_and(|node| !node.deleted);
    let live: Vec<Revision> = leaves.iter().filter(is_live).copied().collect();
    let leaves = if live.is_empty() { leaves } else { &live };
    leaves.iter().enumerate().all(|(at, one)| {
        tree.get(*one).as_ref().is_some_and(has_body)
            && leaves[at + 1..]
                .iter()
                .all(|other| tree.common_ancestors(*one, *other).iter().all(has_body))
    })
}

/// The edit's body, with what this profile has changed since the editor looked.
fn rebased(
    tree: &RevisionTree,
    seen: &[Revision],
    edited: &Body,
    current: &Body,
) -> Result<Body, OperationError> {
    let mut nodes: Vec<&Node> = seen.iter().filter_map(|revision| tree.get(*revision)).collect();
    nodes.sort_by_key(|node| std::cmp::Reverse((!node.deleted, node.revision)));
    let before = view_of(tree, &nodes).body;
    Body::new(rebase(&before, edited, current)).map_err(|_| OperationError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{image::Image, replication::ReplicatedRevision};

    #[test]
    fn what_descends_from_itself_is_not_taken() {
        let id = DocumentId::new("id").unwrap();
        let told = |revision, parent, merges: &[Revision], body| ReplicatedRevision {
            revision,
            parent: Some(parent),
            merges: merges.to_vec(),
            deleted: false,
            body,
        };
        // The first is told without a body, so that its name needs not follow from what it says.
        let [root, first] = [1, 2].map(|generation| Revision::new(generation, [0; 16]).unwrap());
        let middle = Revision::derive(Some(first), &[], false, &Body::empty()).unwrap();
        let last = Revision::derive(Some(middle), &[], false, &Body::empty()).unwrap();
        let open =
            vec![told(first, root, &[last], None), told(middle, first, &[], Some(Body::empty()))];
        let closing = vec![told(last, middle, &[], Some(Body::empty()))];
        let alone = vec![told(first, root, &[first], None)];
        let replicate = |revisions| {
            let document = ReplicatedDocument::verified(id.clone(), revisions).unwrap();
            Operation::Replicate { document, acknowledges: false }
        };
        let done = Image::default().prepare([alone, open, closing].map(replicate).to_vec());
        let is_taken: Vec<bool> = done.outcomes.iter().map(Result::is_ok).collect();
        assert_eq!(is_taken, [false, true, false]);
        assert_eq!(done.records[0].tree.winner().map(|node| node.revision), Some(middle));
    }
}
