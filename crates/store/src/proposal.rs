//! What received revisions would change, for whoever has to allow that field by field.

use thiserror::Error;

use crate::{
    record::{Document, Record},
    replication::{ReplicatedDocument, ReplicatedRevision},
    tree::Insertion,
    view::MERGE_LIMIT,
};

/// A received revision that is new to a replica.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal<'a> {
    /// The revision, which has a body.
    pub revision: &'a ReplicatedRevision,
    /// The document as its author saw it, if they saw all that the revision closes; `None` for a first
    /// revision.
    pub before: Option<Document>,
}

/// Why it can't be told what a received revision changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProposalError {
    /// It closes a revision whose body is neither received nor here.
    #[error("what it was based on isn't known here any more")]
    Unfounded,
    /// It closes more revisions than can be shown together, so its author can't have seen all of them.
    #[error("it has more versions than can be shown together")]
    Crowded,
    /// It has no body, or one that can't be its own.
    #[error("it is incomplete")]
    Incomplete,
}

impl ReplicatedDocument {
    /// The revisions that are new to a replica with this record, each with what it changes. Nobody can hide a
    /// change from this: what is compared are the contents that names are derived from.
    ///
    /// It takes time for each of them, so it is for documents that somebody has to be asked about.
    pub fn proposals(&self, known: Option<&Record>) -> Result<Vec<Proposal<'_>>, ProposalError> {
        let mut record = known.cloned().unwrap_or_else(|| Record::new(self.id.clone()));
        let mut proposals = Vec::new();
        for revision in &self.revisions {
            let node = revision.clone().into_node(0);
            if record.tree.get(revision.revision).is_some() {
                // It may bring the body of one that is here without.
                record.tree.insert(node);
                continue;
            }
            let closed: Vec<_> = node.closes().collect();
            if closed.len() > MERGE_LIMIT {
                return Err(ProposalError::Crowded);
            }
            // A revision whose body nothing needed any more says nothing of what it was.
            let is_founded = closed.iter().all(|closed| record.has_body(*closed));
            if !is_founded {
                return Err(ProposalError::Unfounded);
            }
            let seen = record.as_of(&closed);
            let before = seen.document();
            let shown = before.as_ref().map_or(0, |before| before.leaves.len());
            if shown < seen.tree.leaves().len() {
                return Err(ProposalError::Crowded);
            }
            let is_complete = revision.body.is_some() && (closed.is_empty() || before.is_some());
            if !is_complete || record.tree.insert(node) != Insertion::New {
                return Err(ProposalError::Incomplete);
            }
            proposals.push(Proposal { revision, before });
        }
        Ok(proposals)
    }
}
