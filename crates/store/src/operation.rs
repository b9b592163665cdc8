//! Everything that can be done to documents, as pure functions from the records before to the
//! records after. Back ends run them inside their transactions.
//!
//! - `edit`: the rules of editing.
//! - `replicate`: inserting revisions that another replica has sent.

mod edit;
mod replicate;

use std::sync::Arc;

use thiserror::Error;

use self::{
    edit::edit_record,
    replicate::{reconcile, replicate},
};
use crate::{
    body::Body,
    document_id::DocumentId,
    hashed::HashMap,
    node::Node,
    record::{Record, Refused},
    replication::ReplicatedDocument,
    revision::{Revision, RevisionError},
};

/// Most operations of one commit; more are [`BackendError::TooMany`](crate::BackendError::TooMany).
/// A handle that [leads](crate::Database::lead) may commit one less, because it adds
/// [`Operation::Under`].
pub const COMMIT_LIMIT: usize = 50_000;

/// One step of a commit. Each has its own outcome, and a step that fails doesn't stop the others;
/// only a term that has ended does. Steps other than edits and replication do nothing to a document
/// that isn't known.
#[derive(Debug, Clone)]
pub enum Operation {
    /// Edits a document on this replica. Fails with any [`OperationError`] except
    /// [`OperationError::NoBody`], [`OperationError::Generation`] and [`OperationError::Overgrown`].
    Edit(Edit),
    /// Inserts revisions from another replica beside the existing ones (CouchDB: `_bulk_docs` with
    /// `new_edits: false`). Revisions that are known already change nothing. Fails with
    /// [`OperationError::Differs`], [`OperationError::NoBody`], [`OperationError::Generation`] or
    /// [`OperationError::Overgrown`].
    Replicate {
        /// Either all of it is inserted, or nothing.
        document: ReplicatedDocument,
        /// Whether the other replica is the server. Then its revisions needn't be sent to it, what
        /// it has forgotten is forgotten here, and nothing is refused for its generation or as
        /// [`OperationError::Overgrown`].
        acknowledges: bool,
    },
    /// [`Operation::Replicate`] from the server, by a replica whose revisions the server takes. Where
    /// the server shows a revision that this replica knows to be closed, it has lost the revisions in
    /// between, so these become pending again.
    Reconcile {
        /// Either all of it is inserted, or nothing.
        document: ReplicatedDocument,
    },
    /// The server has committed the revisions, and so the pending ones that they continue.
    Acknowledge {
        /// The document that the revisions belong to.
        id: DocumentId,
        /// Revisions that aren't known or aren't pending change nothing.
        revisions: Vec<Revision>,
    },
    /// The server has refused the revisions. They and their descendants leave the tree, except for
    /// ancestors of accepted revisions. The latest of them becomes [`Record::refused`], unless the
    /// edit that is there is based on it; the edit that was there is kept beside it.
    Refuse {
        /// The document that the revisions belong to.
        id: DocumentId,
        /// Revisions that aren't pending change nothing.
        revisions: Vec<Revision>,
        /// The reason that the server gave, for the user.
        reason: String,
    },
    /// The user discards a refused edit.
    Discard {
        /// The document that the refused edit belongs to.
        id: DocumentId,
        /// The refused edit: see [`Refused::revision`]. Others stay.
        revision: Revision,
    },
    /// What is pending is about to be sent: from now on no revision of the document is
    /// [folded](crate::folding), until a later edit makes one. See [`crate::Database::to_send`].
    HandOut {
        /// The document that is sent.
        id: DocumentId,
    },
    /// The server has lost what it had: all revisions become pending again.
    Resend {
        /// The document that is sent again.
        id: DocumentId,
    },
    /// Reduces a deleted document to a stub. Readers see no difference, so the document keeps its
    /// `seq`.
    Compact {
        /// A document that is live, pending or refused stays as it is.
        id: DocumentId,
    },
    /// Sets a local document: device state, which is never synced (CouchDB: `_local`, without
    /// revisions).
    Local {
        /// Any text; the store itself uses `_term` and `_lost`.
        key: String,
        /// Any bytes; `None` removes the local document.
        value: Option<Vec<u8>>,
    },
    /// Begins a term. If the term isn't a later one, this operation and all that follow it in the
    /// commit are [`OperationError::Superseded`]. See [`crate::Database::lead`].
    Lead {
        /// Must be later than the present term, which is 0 before the first one.
        term: u64,
    },
    /// If a later term has begun, this operation and all that follow it in the commit are
    /// [`OperationError::Superseded`].
    Under {
        /// The term that the commit belongs to.
        term: u64,
    },
}

/// What an operation reads before it changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read<'a> {
    /// The record of this document.
    Record(&'a DocumentId),
    /// The local document of this key.
    Local(&'a str),
}

impl Operation {
    /// Inserts revisions that the server has sent. `reconciles` if it takes all revisions of this replica.
    pub fn from_server(document: ReplicatedDocument, reconciles: bool) -> Self {
        if reconciles {
            Self::Reconcile { document }
        } else {
            Self::Replicate { document, acknowledges: true }
        }
    }

    /// About the bytes that the operation brings.
    pub fn weight(&self) -> usize {
        match self {
            Self::Edit(Edit { change: Change::Put(body), .. }) => body.as_str().len(),
            Self::Replicate { document, .. } | Self::Reconcile { document } => document.weight(),
            Self::Local { value: Some(value), .. } => value.len(),
            _ => 0,
        }
    }

    /// What [`transition`] asks its [`Place`] for on behalf of this operation, if anything. A back
    /// end that reads asynchronously reads it beforehand.
    pub fn reads(&self) -> Option<Read<'_>> {
        match self {
            Self::Edit(Edit { id, .. })
            | Self::Replicate { document: ReplicatedDocument { id, .. }, .. }
            | Self::Reconcile { document: ReplicatedDocument { id, .. } }
            | Self::Acknowledge { id, .. }
            | Self::Refuse { id, .. }
            | Self::Discard { id, .. }
            | Self::HandOut { id }
            | Self::Resend { id }
            | Self::Compact { id } => Some(Read::Record(id)),
            Self::Lead { .. } | Self::Under { .. } => Some(Read::Local(TERM)),
            Self::Local { .. } => None,
        }
    }
}

/// The local document that holds the term, as eight big-endian bytes.
pub(crate) const TERM: &str = "_term";

/// An edit of one document.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// The document to edit or to create.
    pub id: DocumentId,
    /// The leaves of the document as its editor saw it ([`crate::Document::leaves`]); none for a
    /// new document. A new document of a deleted one's id continues it (CouchDB: as a child of its
    /// winner).
    ///
    /// The edit closes these leaves. If this profile has edited them in the meantime, the edit is
    /// rebased on that. Other profiles' edits stay beside it as branches, which are merged by
    /// field.
    pub seen: Vec<Revision>,
    /// The new contents.
    pub change: Change,
}

/// What an edit does to its document.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Replaces the whole body.
    Put(Body),
    /// Deletes the document, by a deleted revision with an empty body (CouchDB: a tombstone).
    Delete,
}

/// What an operation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// The revision that an edit made or found there already; `None` for other operations.
    pub revision: Option<Revision>,
    /// The document's update sequence now; 0 for an operation without a document.
    pub seq: u64,
    /// Whether anything changed.
    pub changed: bool,
    /// After [`Operation::Replicate`] or [`Operation::Reconcile`]: whether the document has several
    /// leaves now. What a reader sees then depends on which of their ancestors this replica has.
    pub is_contested: bool,
}

/// Why an operation failed. It has changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OperationError {
    /// The edit names no leaves, but there is a live document of that id (CouchDB: `conflict`).
    #[error("the document exists already")]
    Exists,
    /// There is nothing to delete: the document isn't known, or is deleted already.
    #[error("the document doesn't exist")]
    NotFound,
    /// One of [`Edit::seen`] is not in the document's tree: it never was, or it was forgotten.
    #[error("the edit is based on a revision that is not known here")]
    UnknownRevision,
    /// The known revision of that name has another parent, merges, deletion or body.
    #[error("the known revision of this name has other contents")]
    Differs,
    /// Every leaf needs a body, and every document a leaf; revisions that form a cycle have none.
    #[error("a leaf of the document has no body")]
    NoBody,
    /// The name of the edit can't be derived: see [`Revision::derive`].
    #[error(transparent)]
    Revision(#[from] RevisionError),
    /// On a server: the generation of a revision that isn't known yet is higher than
    /// [`GENERATION_LIMIT`](crate::revision::GENERATION_LIMIT). No edit makes such a revision.
    #[error("the revision's generation is higher than edits can reach")]
    Generation,
    /// The edit, rebased on this profile's other edits, exceeds the limits of a [`Body`].
    #[error("the edit and the edits made since exceed the limits of a body")]
    TooLarge,
    /// A document travels as a whole and has to fit into a frame. So it has at most
    /// [`MERGE_LIMIT`](crate::view::MERGE_LIMIT) live and as many deleted leaves, with at most
    /// [`BODY_LIMIT`](crate::body::BODY_LIMIT) bytes of bodies together. It has at most
    /// [`HISTORY_LIMIT`](crate::tree::HISTORY_LIMIT) + `MERGE_LIMIT` revisions, which merge at most
    /// 2000 others. A document with a single revision always fits.
    #[error("the document has too many unmerged versions, or they are too large")]
    Overgrown,
    /// Another tab or program has taken over this work.
    #[error("a later term has begun")]
    Superseded,
}

/// Local documents by their keys; `None` removes one. If a key is there twice, the later one
/// counts.
pub type Locals = Vec<(String, Option<Vec<u8>>)>;

/// What a back end has to write to carry out the operations.
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
    /// Whether the text of a deleted document was dropped, which the place may still have under its
    /// earlier state.
    pub erased: bool,
}

/// The state of a database that operations are run on.
pub trait Place {
    /// Why something can't be read. It ends the transition.
    type Error;

    /// The record of that id as it was before the operations; `None` if there is none.
    fn record(&self, id: &DocumentId) -> Result<Option<Arc<Record>>, Self::Error>;

    /// The local document of that key as it was before the operations.
    fn local(&self, key: &str) -> Result<Option<Vec<u8>>, Self::Error>;
}

/// Runs operations on a place whose update sequence is `seq`. Writes nothing: that is up to the
/// caller. Fails only if the place can't be read.
pub fn transition<P: Place>(
    operations: Vec<Operation>,
    seq: u64,
    place: &P,
) -> Result<Transition, P::Error> {
    let (changed, locals) = (HashMap::default(), Vec::new());
    let mut progress = Progress { place, changed, locals, seq, erased: false };
    let mut outcomes = Vec::with_capacity(operations.len());
    let mut is_superseded = false;
    for operation in operations {
        let outcome = if is_superseded {
            Err(OperationError::Superseded)
        } else {
            progress.run(operation)?
        };
        is_superseded |= outcome == Err(OperationError::Superseded);
        outcomes.push(outcome);
    }
    let Progress { changed, locals, seq: last, erased, .. } = progress;
    assert!(last >= seq, "the update sequence only rises");
    let mut records: Vec<Arc<Record>> = changed.into_values().collect();
    records.sort_unstable_by_key(|record| record.seq);
    Ok(Transition { records, locals, outcomes, seq: last, erased })
}

/// How far a transition has come.
struct Progress<'place, P> {
    place: &'place P,
    changed: HashMap<DocumentId, Arc<Record>>,
    locals: Locals,
    seq: u64,
    erased: bool,
}

impl<P: Place> Progress<'_, P> {
    /// Runs one operation. The outer error is that the place can't be read.
    fn run(&mut self, operation: Operation) -> Result<Result<Applied, OperationError>, P::Error> {
        let without_document =
            |changed| Applied { revision: None, seq: 0, changed, is_contested: false };
        let id = match operation {
            Operation::Local { key, value } => {
                self.locals.push((key, value));
                return Ok(Ok(without_document(true)));
            }
            Operation::Lead { term } => {
                if term <= self.present_term()? {
                    return Ok(Err(OperationError::Superseded));
                }
                self.locals.push((TERM.to_owned(), Some(term.to_be_bytes().to_vec())));
                return Ok(Ok(without_document(true)));
            }
            Operation::Under { term } => {
                let is_superseded = term < self.present_term()?;
                return Ok(if is_superseded {
                    Err(OperationError::Superseded)
                } else {
                    Ok(without_document(false))
                });
            }
            Operation::Edit(Edit { ref id, .. })
            | Operation::Replicate { document: ReplicatedDocument { ref id, .. }, .. }
            | Operation::Reconcile { document: ReplicatedDocument { ref id, .. } }
            | Operation::Acknowledge { ref id, .. }
            | Operation::Refuse { ref id, .. }
            | Operation::Discard { ref id, .. }
            | Operation::HandOut { ref id }
            | Operation::Resend { ref id }
            | Operation::Compact { ref id } => id.clone(),
        };
        self.run_on_document(id, operation)
    }

    fn run_on_document(
        &mut self,
        id: DocumentId,
        operation: Operation,
    ) -> Result<Result<Applied, OperationError>, P::Error> {
        // Readers see no difference after these.
        let takes_seq = !matches!(operation, Operation::Compact { .. } | Operation::HandOut { .. });
        let is_replicated =
            matches!(operation, Operation::Replicate { .. } | Operation::Reconcile { .. });
        let is_tidied = matches!(operation, Operation::Replicate { acknowledges: false, .. });
        let before = match self.changed.get(&id) {
            Some(record) => Some(record.clone()),
            None => self.place.record(&id)?,
        };
        let known_seq = before.as_ref().map_or(0, |record| record.seq);
        let was_there = before.as_ref().is_some_and(|record| !record.tree.is_gone());
        let mut record = before.map_or_else(|| Record::new(id.clone()), |r| (*r).clone());
        // Only a damaged store comes near the end of the numbers.
        let next = self.seq.saturating_add(1);
        let (revision, changed) = match apply(&mut record, operation, next) {
            Ok(applied) => applied,
            Err(error) => return Ok(Err(error)),
        };
        let seq = if changed && takes_seq { next } else { known_seq };
        if changed && takes_seq {
            self.seq = next;
            record.seq = next;
            if is_tidied {
                record.check_unsent();
            } else {
                record.tidy();
            }
            self.erased |= record.tree.is_gone() && was_there;
        }
        let is_contested = is_replicated && record.tree.leaves().len() > 1;
        if changed {
            self.changed.insert(id, Arc::new(record));
        }
        Ok(Ok(Applied { revision, seq, changed, is_contested }))
    }

    /// The term that counts, with what this transition has written so far. 0 before the first one.
    fn present_term(&self) -> Result<u64, P::Error> {
        let stored = match self.locals.iter().rfind(|(key, _)| key == TERM) {
            Some((_, value)) => value.clone(),
            None => self.place.local(TERM)?,
        };
        Ok(read_term(stored.as_deref()))
    }
}

/// The term in a local document; 0 if it is missing or damaged.
pub(crate) fn read_term(stored: Option<&[u8]>) -> u64 {
    stored.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes)
}

/// Applies one operation to a record. Returns the revision that an edit made, and whether anything
/// changed. If it fails or changes nothing, the caller must drop the record.
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
        Operation::Reconcile { document, .. } => Ok((None, reconcile(record, document, seq)?)),
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
            record.tree.let_go_of_the_forgotten();
            record.tree.recall_after_refusal();
            keep_latest_refused(record, &taken, reason);
            Ok((None, is_changed))
        }
        Operation::Discard { revision, .. } => Ok((None, record.discard(revision))),
        Operation::HandOut { .. } => Ok((None, record.hand_out())),
        Operation::Resend { .. } => {
            // The server may have had any of them.
            let is_handed_out = record.hand_out();
            Ok((None, record.tree.mark_pending() || is_handed_out))
        }
        Operation::Compact { .. } => Ok((None, record.compact() > 0)),
        Operation::Local { .. } | Operation::Lead { .. } | Operation::Under { .. } => {
            Ok((None, false))
        }
    }
}

/// Keeps the latest of the revisions that were taken out of the tree as the refused edit: it
/// includes the changes of the others. A revision that the refused edit which is kept already is
/// based on is included in that one.
fn keep_latest_refused(record: &mut Record, taken: &[Node], reason: String) {
    let is_taken = |base: &Revision| taken.iter().any(|node| node.revision == *base);
    let closed: Vec<Revision> = taken.iter().flat_map(Node::closes).collect();
    let based_on: Vec<Revision> = closed.iter().copied().filter(|base| !is_taken(base)).collect();
    let included: &[Revision] =
        record.refused.as_ref().map_or(&[], |refused| refused.based_on.as_slice());
    let latest = taken
        .iter()
        .rev()
        .find(|node| !closed.contains(&node.revision) && !included.contains(&node.revision));
    if let Some(Node { revision, deleted, body, .. }) = latest.cloned() {
        assert!(record.tree.get(revision).is_none(), "a refused revision is not in the tree");
        record.keep_refused(Refused { revision, deleted, body, reason, based_on });
    } else if let Some(refused) = &mut record.refused {
        refused.based_on.retain(|base| !is_taken(base));
        refused.based_on.extend(based_on);
    }
}
