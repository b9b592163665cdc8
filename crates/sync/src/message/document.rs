//! Documents on the wire, and the conversion to and from those of the store.

use std::collections::HashSet;

use minicbor::{
    Encode,
    bytes::{ByteArray, ByteVec},
};
use settee_store::{
    DocumentId, Revision,
    forgotten::Forgotten,
    read_fields,
    replication::{ReplicatedDocument, ReplicatedRevision, ReplicationError},
};

/// A document as it is written on the wire, before any checks.
#[derive(Debug, Clone, PartialEq, Encode)]
pub struct WireDocument {
    /// The document's id.
    #[n(0)]
    pub id: DocumentId,
    /// The revisions that travel.
    #[n(1)]
    pub revisions: Vec<WireRevision>,
    /// The revisions that the sender has forgotten, if there are any.
    #[n(2)]
    pub forgotten: Option<Forgotten>,
}

read_fields!(Array WireDocument { 0 id, 1 revisions, 2 forgotten });

/// A revision as it is written on the wire. The generation of its parent is one less than its own.
#[derive(Debug, Clone, PartialEq, Encode)]
pub struct WireRevision {
    /// The revision's name. A first revision with its body may come without.
    #[n(0)]
    pub revision: Option<Revision>,
    /// The hash of the parent's name, if there is a parent.
    #[n(1)]
    pub parent: Option<ByteArray<16>>,
    /// The body in canonical JSON. Absent if only the history needs the revision, or if the receiver
    /// has the body.
    #[n(2)]
    pub body: Option<ByteVec>,
    /// Set if the document is deleted.
    #[n(3)]
    pub deleted: Option<bool>,
    /// The other leaves that the revision closes, in rising order, if there are any.
    #[n(4)]
    pub merges: Option<Vec<Revision>>,
}

read_fields!(Array WireRevision { 0 revision, 1 parent, 2 body, 3 deleted, 4 merges });

impl From<&ReplicatedDocument> for WireDocument {
    fn from(document: &ReplicatedDocument) -> Self {
        Self {
            id: document.id.clone(),
            revisions: document.revisions.iter().map(WireRevision::from).collect(),
            forgotten: (!document.forgotten.is_empty()).then(|| document.forgotten.clone()),
        }
    }
}

impl From<&ReplicatedRevision> for WireRevision {
    fn from(replicated: &ReplicatedRevision) -> Self {
        Self {
            revision: Some(replicated.revision),
            parent: replicated.parent.map(|parent| parent.hash().into()),
            body: replicated.body.as_ref().map(|body| body.as_str().as_bytes().to_vec().into()),
            deleted: replicated.deleted.then_some(true),
            merges: (!replicated.merges.is_empty()).then(|| replicated.merges.clone()),
        }
    }
}

impl WireDocument {
    /// Leaves out the names that the receiver can derive.
    pub(crate) fn leave_out_names(&mut self) {
        for revision in &mut self.revisions {
            let is_first = revision.parent.is_none() && revision.merges.is_none();
            if is_first && revision.body.is_some() {
                revision.revision = None;
            }
        }
    }

    /// The revision that all others lead to, if there is one that has a name; see
    /// [`ReplicatedDocument::told`].
    pub(crate) fn told(&self) -> Option<Revision> {
        let parent = |revision: &WireRevision| {
            let generation = revision.revision?.generation().checked_sub(1)?;
            Revision::new(generation, *revision.parent?).ok()
        };
        let closed: HashSet<Revision> = self
            .revisions
            .iter()
            .flat_map(|it| parent(it).into_iter().chain(it.merges.iter().flatten().copied()))
            .collect();
        let mut names = self.revisions.iter().filter_map(|revision| revision.revision);
        names.find(|name| !closed.contains(name))
    }

    /// Checks that each revision's name follows from its content.
    pub fn verify(&self) -> Result<ReplicatedDocument, ReplicationError> {
        let revisions = self.revisions.iter().map(WireRevision::verify);
        let revisions = revisions.collect::<Result<_, _>>()?;
        let document = ReplicatedDocument::verified(self.id.clone(), revisions)?;
        Ok(ReplicatedDocument { forgotten: self.forgotten.clone().unwrap_or_default(), ..document })
    }
}

impl WireRevision {
    fn verify(&self) -> Result<ReplicatedRevision, ReplicationError> {
        let deleted = self.deleted.unwrap_or(false);
        let body = self.body.as_ref().map(|body| body.as_slice());
        let Some(revision) = self.revision else {
            return match (self.parent, &self.merges, body) {
                (None, None, Some(body)) => ReplicatedRevision::first(deleted, body),
                _ => Err(ReplicationError::NoName),
            };
        };
        let parent = match self.parent {
            None => None,
            Some(hash) => Some(Revision::new(revision.generation() - 1, *hash)?),
        };
        let merges = self.merges.clone().unwrap_or_default();
        ReplicatedRevision::verified(revision, parent, merges, deleted, body)
    }
}
