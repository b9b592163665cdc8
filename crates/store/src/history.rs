//! Questions of other replicas and protocols about a document's history.

use crate::{body::Body, node::Node, record::Record, revision::Revision, tree::RevisionTree};

/// Which of another replica's revisions are missing here (CouchDB: `_revs_diff`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missing {
    /// The missing revisions in the order of the request, with repeats.
    pub missing: Vec<Revision>,
    /// Leaves of this replica that a missing revision may descend from (CouchDB: those of a lower
    /// generation). The sender of the missing revisions may leave out these leaves' ancestors.
    pub possible_ancestors: Vec<Revision>,
}

/// The revisions to look up (CouchDB: `open_revs`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenRevisions {
    /// Every leaf, deleted ones included, the winner first.
    All,
    /// These revisions, whether they are leaves or not, in this order.
    These(Vec<Revision>),
}

/// A revision that was looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRevision {
    /// The revision's name.
    pub revision: Revision,
    /// Whether it deletes the document (CouchDB: `_deleted`). It may have a body nevertheless.
    pub deleted: bool,
    /// `None` if it was dropped (CouchDB: `status: "missing"`). A leaf always has its body.
    pub body: Option<Body>,
    /// The revision, its parent, its parent's parent, and so on as far as they are known
    /// (CouchDB: `_revisions`). Merged revisions are not included.
    pub history: Vec<Revision>,
    /// The leaves that the revision has closed besides its parent, in rising order. CouchDB has no
    /// equivalent.
    pub merges: Vec<Revision>,
}

impl Record {
    /// Which of these revisions are not known here (CouchDB: `_revs_diff`). Forgotten revisions
    /// count as missing.
    pub fn missing(&self, revisions: &[Revision]) -> Missing {
        missing(&self.tree, revisions)
    }

    /// Looks revisions up (CouchDB: `open_revs`). An unknown revision that was requested by name is
    /// returned as `Err` with its name (CouchDB: `{"missing": …}`).
    pub fn open_revisions(&self, which: &OpenRevisions) -> Vec<Result<OpenRevision, Revision>> {
        let open = |node: &Node| OpenRevision {
            revision: node.revision,
            deleted: node.deleted,
            body: node.body.clone(),
            history: line(&self.tree, node),
            merges: node.merges.clone(),
        };
        match which {
            OpenRevisions::All => {
                self.tree.leaves().into_iter().map(|leaf| Ok(open(leaf))).collect()
            }
            OpenRevisions::These(names) => {
                names.iter().map(|name| self.tree.get(*name).map(open).ok_or(*name)).collect()
            }
        }
    }
}

pub(crate) fn missing(tree: &RevisionTree, revisions: &[Revision]) -> Missing {
    let is_missing = |revision: &&Revision| tree.get(**revision).is_none();
    let missing: Vec<Revision> = revisions.iter().filter(is_missing).copied().collect();
    let latest = missing.iter().map(|revision| revision.generation()).max().unwrap_or_default();
    let leaves = tree.leaves().into_iter().map(|leaf| leaf.revision);
    let possible_ancestors = leaves.filter(|leaf| leaf.generation() < latest).collect();
    Missing { missing, possible_ancestors }
}

fn line(tree: &RevisionTree, from: &Node) -> Vec<Revision> {
    let mut line = vec![from.revision];
    let mut next = from.parent;
    // A damaged tree may contain a cycle.
    while let Some(node) = next.and_then(|parent| tree.get(parent))
        && line.len() < tree.nodes().len()
    {
        line.push(node.revision);
        next = node.parent;
    }
    line
}
