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

// So what is read takes not much more memory than what came.
read_fields!(
    Array WireRevision { 0 revision, 1 parent, 2 body, 3 deleted, 4 merges }
    if |it| it.revision.is_some() || it.body.is_some()
);

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
    /// Leaves out the names that the receiver can derive. A body that is damaged keeps its name, so that
    /// the receiver sees it.
    pub(crate) fn leave_out_names(&mut self) {
        for revision in &mut self.revisions {
            if let (None, None, Some(body)) = (&revision.parent, &revision.merges, &revision.body)
                && revision.revision
                    == Some(Revision::of_first(revision.deleted == Some(true), body))
            {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_does_not_follow_is_not_left_out() {
        let body = br#"{"title":"tea"}"#;
        let first = ReplicatedRevision::first(false, body).unwrap();
        let id = DocumentId::new("note/1").unwrap();
        let document = ReplicatedDocument::verified(id, vec![first]).unwrap();
        let mut right = WireDocument::from(&document);
        let mut damaged = right.clone();
        damaged.revisions[0].body = Some(br#"{"title":"tee"}"#.to_vec().into());
        for document in [&mut right, &mut damaged] {
            document.leave_out_names();
        }
        assert_eq!(right.verify(), Ok(document));
        assert_eq!(right.revisions[0].revision, None);
        assert_eq!(damaged.verify(), Err(ReplicationError::HashMismatch));
    }

    #[test]
    fn a_revision_without_name_and_body_is_none() {
        for revision in [[0x80].as_slice(), &[0x81, 0xf6], &[0x83, 0xf6, 0x41, 7, 0xf6]] {
            assert!(minicbor::decode::<WireRevision>(revision).is_err());
        }
    }
}
