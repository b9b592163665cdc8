//! What other replicas and other protocols ask of a document's history.

use crate::{body::Body, node::Node, record::Record, revision::Revision, tree::RevisionTree};

/// Which of the revisions that somebody else has are missing here (CouchDB: `_revs_diff`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missing {
    /// In the order asked for, repeats included.
    pub missing: Vec<Revision>,
    /// Leaves that are known here, and that a missing revision may descend from (CouchDB: those
    /// of a lower generation). Whoever sends the missing ones needs to tell of nothing before
    /// these.
    pub possible_ancestors: Vec<Revision>,
}

/// The revisions to look up (CouchDB: `open_revs`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenRevisions {
    /// Every leaf, deleted ones included, the winner first.
    All,
    /// These, whether they are leaves or not, in the order asked for.
    These(Vec<Revision>),
}

/// A revision that was looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRevision {
    /// The name it was looked up by.
    pub revision: Revision,
    /// Whether it deletes the document (CouchDB: `_deleted`). It may have a body all the same.
    pub deleted: bool,
    /// `None` when it is not kept any more (CouchDB: `status: "missing"`). A leaf's is kept.
    pub body: Option<Body>,
    /// The revision, its parent, its parent's parent, and so on as far as they are known
    /// (CouchDB: `_revisions`). What was merged into them is not in this line.
    pub history: Vec<Revision>,
    /// The leaves that the revision has closed besides its parent, in rising order. CouchDB has
    /// none.
    pub merges: Vec<Revision>,
}

impl Record {
    /// Which of these revisions are not known here (CouchDB: `_revs_diff`). Those that were
    /// forgotten count as missing.
    pub fn missing(&self, revisions: &[Revision]) -> Missing {
        missing(&self.tree, revisions)
    }

    /// Looks revisions up (CouchDB: `open_revs`). Of those asked for by name, the ones that are
    /// not known come back as they are (CouchDB: `{"missing": …}`).
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
    // A damaged tree may lead in a circle.
    while let Some(node) = next.and_then(|parent| tree.get(parent))
        && line.len() < tree.nodes().len()
    {
        line.push(node.revision);
        next = node.parent;
    }
    line
}
