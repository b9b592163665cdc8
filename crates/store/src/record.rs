//! What a back end keeps of one document.

use minicbor::{Decode, Encode};

use crate::{
    body::Body,
    document_id::DocumentId,
    revision::Revision,
    tree::RevisionTree,
    view::{OpenConflict, View, view},
};

/// A document's tree, where it stands in the changes feed, and what the server refused of it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Record {
    /// First of all, so that it can be told of a record which can't be read as a whole.
    #[n(0)]
    pub id: DocumentId,
    /// The update sequence of the latest change to the record, compaction aside; 0 before the
    /// first.
    #[n(1)]
    pub seq: u64,
    /// Every revision that is known here. Empty where all of them were refused.
    #[n(2)]
    pub tree: RevisionTree,
    /// Outside of the tree: others' edits stay visible, and later edits are made on them.
    #[n(3)]
    pub refused: Option<Refused>,
    /// Those that were refused before that one and were not made on it, in the order in which they
    /// were; at most [`REFUSED_LIMIT`](crate::refusal::REFUSED_LIMIT) with it.
    #[cbor(n(4), default, skip_if = "Vec::is_empty")]
    pub refused_before: Vec<Refused>,
}

/// An edit that the server has refused. It waits for the user: to be made again, or forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Refused {
    /// The latest of the revisions that were refused; it holds what the others said.
    #[n(0)]
    pub revision: Revision,
    /// Whether it was to delete the document.
    #[cbor(n(1), default, skip_if = "crate::record::is_false")]
    pub deleted: bool,
    /// What the document was to be: `{}` where it was to be deleted.
    #[n(2)]
    pub body: Option<Body>,
    /// The server's own words.
    #[n(3)]
    pub reason: String,
    /// What it was made on. Of that, too, some may still wait for the server, and be refused.
    #[cbor(n(4), default, skip_if = "Vec::is_empty")]
    pub based_on: Vec<Revision>,
}

/// A document as a reader sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What it was read by, and what an edit of it names.
    pub id: DocumentId,
    /// The update sequence of the latest change on this replica.
    pub seq: u64,
    /// The first of the leaves (CouchDB: `_rev`; live before deleted, then the highest generation,
    /// then the highest hash).
    pub winner: Revision,
    /// What an edit names as seen: [`crate::Edit::seen`]. Live ones come first; of live and of
    /// deleted ones there are at most [`MERGE_LIMIT`](crate::view::MERGE_LIMIT) each.
    pub leaves: Vec<Revision>,
    /// Whether all leaves are deleted (CouchDB: whether the winner is, which is the same).
    pub deleted: bool,
    /// The live leaves, merged field by field. Of a deleted document, what the winner says.
    pub body: Body,
    /// Fields that were edited differently in several places, each with all its values. The body
    /// shows the first of them. See [`Document::resolved`].
    pub conflicts: Vec<OpenConflict>,
    /// Somebody has deleted the document, and it is kept because somebody else edited it.
    pub kept: Option<Kept>,
    /// Those of the leaves that were written in this profile.
    pub own_leaves: Vec<Revision>,
    /// Some revision waits for the server.
    pub pending: bool,
    /// An edit that the server has refused. The body doesn't show it.
    pub refused: Option<Refused>,
}

/// Who has deleted a document that was kept, as far as it concerns this profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It was deleted elsewhere.
    DeletedElsewhere,
    /// It was deleted here, and edited elsewhere.
    DeletedHere,
}

impl Record {
    /// A record that holds nothing yet, as before a document's first revision.
    pub fn new(id: DocumentId) -> Self {
        Self {
            id,
            seq: 0,
            tree: RevisionTree::default(),
            refused: None,
            refused_before: Vec::new(),
        }
    }

    /// The document, or `None` when all that is known of it was refused.
    pub fn document(&self) -> Option<Document> {
        let View { winner, leaves, deletions, deleted, body, conflicts } = view(&self.tree)?;
        let nodes = || leaves.iter().filter_map(|leaf| self.tree.get(*leaf));
        let own_leaves = nodes().filter(|leaf| leaf.own).map(|leaf| leaf.revision).collect();
        let kept = (deletions > 0 && !deleted).then(|| {
            let is_ours = nodes().any(|leaf| leaf.deleted && leaf.own);
            if is_ours { Kept::DeletedHere } else { Kept::DeletedElsewhere }
        });
        Some(Document {
            id: self.id.clone(),
            seq: self.seq,
            winner,
            leaves,
            deleted,
            body,
            conflicts,
            kept,
            own_leaves,
            pending: self.tree.is_pending(),
            refused: self.refused.clone(),
        })
    }

    /// Makes a stub of a deleted document. Tells how many revisions are forgotten. See
    /// [`crate::Database::compact`].
    pub(crate) fn compact(&mut self) -> usize {
        // What was refused may be tried again on what the tree has.
        if self.refused.is_some() { 0 } else { self.tree.compact() }
    }

    /// The record in CBOR, as back ends keep it; [`minicbor::decode()`] reads it.
    pub fn encode(&self) -> Vec<u8> {
        minicbor::to_vec(self).expect("writing to memory doesn't fail")
    }
}

/// The id that stands in front of a record which can't be read as a whole.
#[cfg(all(feature = "indexeddb", target_arch = "wasm32"))]
pub(crate) fn id_in(record: &[u8]) -> Option<String> {
    let mut decoder = minicbor::Decoder::new(record);
    let is_filled = decoder.map().ok().flatten().is_none_or(|length| length > 0);
    let is_first = is_filled && decoder.u8().ok()? == 0;
    if is_first { decoder.str().ok().map(str::to_owned) } else { None }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the encoder hands out references")]
pub(crate) fn is_false(flag: &bool) -> bool {
    !*flag
}
