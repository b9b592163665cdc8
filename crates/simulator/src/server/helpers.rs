//! What helpers write. The server judges it with the code of the kit, and what people see of the documents tells
//! whether that was right.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value;
use settee_keys::Token;
use settee_store::{Body, DocumentId, Record, replication::ReplicatedDocument};
use settee_sync::helping::{self, Helper, Helping};

use super::Disk;
use crate::{
    bearer::Bearer,
    context::Context,
    places::ASK,
    plan::{ITEM, SHARED},
    sabotage,
    violation::{Violation, violation},
};

/// The field that helpers may change in everybody's documents.
const TICK: &str = "completed";
/// A field that people aren't asked about.
const ORDER: &str = "order";
const KINDS: [&str; 3] = [SHARED, ITEM, ASK];
const RULES: [Helping; 3] = [
    Helping { prefix: ASK, fields: &[TICK], settles: &[ORDER], by_leave: false },
    Helping { prefix: SHARED, fields: &[TICK], settles: &[ORDER], by_leave: true },
    Helping { prefix: ITEM, fields: &[TICK], settles: &[ORDER], by_leave: true },
];

/// The documents of a helper's batch as they were before it.
pub struct Before {
    token: Option<Token>,
    /// Whether helpers may add documents of their own.
    adds: bool,
    records: Vec<(DocumentId, Option<Arc<Record>>)>,
}

/// All values that people see of each field: several where they have to decide.
type Seen = BTreeMap<String, BTreeSet<String>>;

/// What the ids of a helper's own documents of a kind begin with.
pub fn own(prefix: &str, token: &Token) -> String {
    format!("{prefix}{}.", token.verifier().tag())
}

impl Before {
    pub fn of(disk: &Disk, bearer: &Bearer, adds: bool, documents: &[ReplicatedDocument]) -> Self {
        let ids = documents.iter().map(|document| document.id.clone());
        let records = ids.map(|id| (id.clone(), disk.record(&id))).collect();
        Self { token: bearer.token.clone(), adds, records }
    }

    /// Whether the server takes each of the documents. It has to take what is plainly right.
    pub fn verdicts(
        &self,
        context: &Context,
        documents: &[ReplicatedDocument],
    ) -> Result<Vec<bool>, Violation> {
        let rules = sabotage::loosened(context, RULES);
        let tag = self.token.as_ref().map(|token| token.verifier().tag());
        let helper = Helper { tag: tag.as_deref(), adds: self.adds };
        let verdict =
            |(document, (id, known)): (&ReplicatedDocument, &(DocumentId, Option<Arc<Record>>))| {
                let known = known.as_deref();
                let verdict = helping::check(&rules, helper, document, known);
                let is_helped = KINDS.iter().any(|kind| id.as_str().starts_with(kind));
                let is_tick = || known.is_some_and(|known| is_plain_tick(document, known));
                let is_own = || self.is_own(id) && !self.is_withheld(id, known);
                let is_right = || is_helped && (is_own() || is_tick());
                match &verdict {
                    Err(error) if is_right() => violation(format!(
                        "{id} is refused, though it is a helper's to write: {error}"
                    )),
                    _ => Ok(verdict.is_ok()),
                }
            };
        documents.iter().zip(&self.records).map(verdict).collect()
    }

    /// Checks that of others' documents nothing has changed but what helpers may, and that nothing was added
    /// without leave.
    pub fn is_kept(&self, context: &mut Context, disk: &Disk) -> Result<(), Violation> {
        for (id, before) in &self.records {
            if self.is_withheld(id, before.as_deref()) {
                context.tally.count("access: documents that helpers may not add");
                if disk.record(id).as_deref().and_then(seen).is_some() {
                    return violation(format!("a helper has added {id} without leave"));
                }
            }
        }
        for (id, before) in self.records.iter().filter(|(id, _)| !self.is_own(id)) {
            let after = disk.record(id);
            let (before, after) = (before.as_deref(), after.as_deref());
            if before == after {
                continue;
            }
            context.tally.count("access: ticks of helpers");
            let is_kept = before.zip(after).is_some_and(|(before, after)| keeps(before, after));
            if !is_kept {
                let [old, new] = [before, after].map(|it| it.and_then(seen));
                return violation(format!("a helper has made {new:?} of {id}, which was {old:?}"));
            }
        }
        Ok(())
    }

    /// Whether a document isn't there, and isn't to be added.
    fn is_withheld(&self, id: &DocumentId, before: Option<&Record>) -> bool {
        !self.adds && !id.as_str().starts_with(ASK) && before.and_then(seen).is_none()
    }

    fn is_own(&self, id: &DocumentId) -> bool {
        let is_own = |token| KINDS.iter().any(|kind| id.as_str().starts_with(&own(kind, token)));
        self.token.as_ref().is_some_and(is_own)
    }
}

/// Whether the document is the only version that the server has, with another tick.
fn is_plain_tick(document: &ReplicatedDocument, known: &Record) -> bool {
    let news = document.revisions.iter().filter(|it| known.tree.get(it.revision).is_none());
    let (news, leaves) = (news.collect::<Vec<_>>(), known.tree.leaves());
    let ([new], [leaf]) = (&news[..], &leaves[..]) else { return false };
    let is_edit = !leaf.deleted && !new.deleted && new.merges.is_empty();
    let fields = [&new.body, &leaf.body].map(|body| {
        let mut fields = body.as_ref()?.fields();
        fields.remove(TICK);
        Some(fields)
    });
    let [after, before] = fields;
    is_edit && new.parent == Some(leaf.revision) && before.is_some() && before == after
}

/// Whether the body of an earlier revision has come back, which may show that there is nothing to decide.
fn is_filled(before: &Record, after: &Record) -> bool {
    let nodes = before.tree.nodes().iter();
    let mut lost = nodes.filter(|node| !before.has_body(node.revision));
    lost.any(|node| after.has_body(node.revision))
}

/// What people see of a document; nothing if it isn't there, or is deleted.
fn seen(record: &Record) -> Option<Seen> {
    let document = record.document().filter(|document| !document.deleted)?;
    let fields = document.body.fields().into_iter();
    let mut seen: Seen =
        fields.map(|(name, value)| (name, BTreeSet::from([value.to_string()]))).collect();
    for conflict in document.conflicts {
        let values = conflict.values.into_iter();
        let values = values.map(|it| said(it.value.as_ref()));
        seen.insert(conflict.path.concat(), values.collect());
    }
    Some(seen)
}

/// A value as text; nothing where there is none.
fn said(value: Option<&Value>) -> String {
    value.map(Value::to_string).unwrap_or_default()
}

/// Whether nothing is hidden or decided, and nothing shown that nobody has written, but what helpers may.
fn keeps(before: &Record, after: &Record) -> bool {
    let Some((old, new)) = seen(before).zip(seen(after)) else { return false };
    let known = after.tree.nodes().iter().filter(|node| before.tree.get(node.revision).is_some());
    let bodies = known.filter_map(|node| node.body.as_ref());
    let written: Vec<_> = bodies.map(Body::fields).collect();
    let was_written = |name: &String, value: &String| {
        written.iter().any(|fields| said(fields.get(name)) == *value)
    };
    let deleted = before.tree.leaves().into_iter().filter(|leaf| leaf.deleted);
    let after_all = after.tree.leaves();
    let mut closed = deleted.filter(|old| after_all.iter().all(|new| new.revision != old.revision));
    let absent = BTreeSet::from([said(None)]);
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    closed.next().is_none()
        && names.into_iter().filter(|name| *name != TICK).all(|name| {
            let [old, new] = [&old, &new].map(|seen| seen.get(name).unwrap_or(&absent));
            let is_shown = name == ORDER || is_filled(before, after) || old.is_subset(new);
            is_shown && new.difference(old).all(|value| was_written(name, value))
        })
}
