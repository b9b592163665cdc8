//! What helpers may do. A validator sees documents as they are to be; this looks at what would change.

use settee_store::{
    Body, Document, Record, Revision,
    proposal::{Proposal, ProposalError},
    replication::{ReplicatedDocument, ReplicatedRevision},
    view::MERGE_LIMIT,
};
use thiserror::Error;

/// What [helpers](crate::Role::Helper) may do with some documents of a kind of database.
///
/// Documents are a helper's own if their ids are the prefix, the helper's tag, a dot, and
/// anything: these they may write as editors do. An id can't be changed, so nobody's document becomes
/// another's. Of the others they may change some fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Helping {
    /// What the ids of these documents begin with.
    pub prefix: &'static str,
    /// The fields that a helper may change in everybody's.
    pub fields: &'static [&'static str],
    /// Fields that people aren't asked about when several have changed them at once. A helper's edit may settle
    /// them as they are shown.
    pub settles: &'static [&'static str],
    /// Whether helpers add documents of their own only where that is allowed: see [`Helper::adds`].
    pub by_leave: bool,
}

/// Who helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Helper<'a> {
    /// What this helper's own documents are known by. Without it, none are.
    pub tag: Option<&'a str>,
    /// Whether they may add documents that need leave. What they have added they may change and delete either way.
    pub adds: bool,
}

/// How many versions of a document helpers may leave open. The rest of the room is for others.
const OPEN_LIMIT: usize = MERGE_LIMIT / 2;

/// Why a helper's document isn't taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HelpingError {
    /// No rule is about it.
    #[error("helpers may not write this")]
    Kind,
    /// It isn't there yet.
    #[error("helpers add only what is theirs")]
    Added,
    /// It isn't there, and helpers need leave to add it.
    #[error("helpers may not add anything here")]
    Leave,
    /// It would be deleted.
    #[error("helpers delete only what is theirs")]
    Deleted,
    /// Another field than those that helpers may change.
    #[error("helpers may not change “{0}”")]
    Field(String),
    /// An edit would settle what is open.
    #[error(
        "somebody who may edit this has to decide first, because it was changed in two ways at once"
    )]
    Open,
    /// It isn't there any more.
    #[error("it was deleted meanwhile")]
    Gone,
    /// The rest of its room is for others.
    #[error("there are too many versions of this")]
    Crowded,
    /// It can't be told what it changes.
    #[error("{0}")]
    Unclear(#[from] ProposalError),
}

/// Whether a helper may send the document to a server with this record of it.
pub fn check(
    rules: &[Helping],
    helper: Helper<'_>,
    document: &ReplicatedDocument,
    known: Option<&Record>,
) -> Result<(), HelpingError> {
    let id = document.id.as_str();
    let rule = rules.iter().find(|rule| id.starts_with(rule.prefix)).ok_or(HelpingError::Kind)?;
    let name = id.strip_prefix(rule.prefix);
    let is_own = name.zip(helper.tag).and_then(|(name, tag)| name.strip_prefix(tag));
    let here = known.and_then(Record::document);
    if is_own.is_some_and(|rest| rest.starts_with('.')) {
        let needs_leave = rule.by_leave && !helper.adds && here.is_none_or(|here| here.deleted);
        return if needs_leave && adds(document) { Err(HelpingError::Leave) } else { Ok(()) };
    }
    if here.is_some_and(|here| here.deleted) {
        return Err(HelpingError::Gone);
    }
    let proposals = document.proposals(known)?;
    let is_new = |name: &Revision| proposals.iter().any(|new| new.revision.revision == *name);
    let is_open = known.is_some_and(|known| known.tree.leaves().len() >= OPEN_LIMIT);
    let settles = proposals.iter().any(|new| !new.revision.merges.is_empty());
    if document.told().iter().filter(|name| is_new(name)).count() > 1 || is_open && !settles {
        return Err(HelpingError::Crowded);
    }
    proposals.iter().try_for_each(|proposal| rule.allows(proposal))
}

/// Whether the document is there after it was taken, if it wasn't before.
fn adds(document: &ReplicatedDocument) -> bool {
    let told = document.told();
    let latest = |revision: &&ReplicatedRevision| told.contains(&revision.revision);
    document.revisions.iter().filter(latest).any(|revision| !revision.deleted)
}

impl Helping {
    fn allows(&self, proposal: &Proposal<'_>) -> Result<(), HelpingError> {
        let Proposal { revision, before } = proposal;
        let Some(before) = before.as_ref().filter(|before| !before.deleted) else {
            return Err(HelpingError::Added);
        };
        if revision.deleted {
            return Err(HelpingError::Deleted);
        }
        if !self.leaves_open(before) {
            return Err(HelpingError::Open);
        }
        let after = revision.body.as_ref().ok_or(ProposalError::Incomplete)?;
        self.changed(&before.body, after).map_or(Ok(()), |field| Err(HelpingError::Field(field)))
    }

    /// A field that differs, and that is not one of those that helpers may change.
    fn changed(&self, before: &Body, after: &Body) -> Option<String> {
        let (before, after) = (before.fields(), after.fields());
        let names = before.keys().chain(after.keys());
        let mut kept = names.filter(|name| !self.fields.contains(&name.as_str()));
        kept.find(|name| before.get(*name) != after.get(*name)).cloned()
    }

    /// Whether an edit decides nothing between versions, except of fields that helpers may change.
    fn leaves_open(&self, before: &Document) -> bool {
        let is_free = |path: &[String]| {
            let settles =
                |field: &str| self.fields.contains(&field) || self.settles.contains(&field);
            path.first().is_some_and(|field| settles(field))
        };
        let is_settled = before.conflicts.iter().all(|conflict| is_free(&conflict.path));
        before.is_merged && before.kept.is_none() && is_settled
    }
}
