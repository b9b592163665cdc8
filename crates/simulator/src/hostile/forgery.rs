//! Making up a document: revisions with contents, claims about others, and names of what is said to be
//! forgotten.

use std::collections::HashSet;

use settee_store::{
    Body, DocumentId, Revision,
    forgotten::Forgotten,
    replication::{ReplicatedDocument, ReplicatedRevision},
    tree::HISTORY_LIMIT,
};

use crate::random::Random;

/// A document to send.
#[derive(Clone)]
pub struct Forged {
    pub document: ReplicatedDocument,
    /// The revisions that were made for it, and what each closes. One that is only claimed closes
    /// nothing.
    pub made: Vec<(Revision, Vec<Revision>)>,
}

/// A document that is being made up.
pub struct Forgery {
    id: DocumentId,
    revisions: Vec<ReplicatedRevision>,
    marks: Vec<Revision>,
    made: Vec<Revision>,
}

impl Forgery {
    pub fn of(id: DocumentId) -> Self {
        Self { id, revisions: Vec::new(), marks: Vec::new(), made: Vec::new() }
    }

    /// Makes a revision with contents, whose name says what it closes. Returns the name.
    pub fn make(
        &mut self,
        parent: Option<Revision>,
        merges: Vec<Revision>,
        contents: Option<Body>,
    ) -> Option<Revision> {
        let merges = in_order(merges);
        let (deleted, body) = (contents.is_none(), contents.unwrap_or_else(Body::empty));
        let revision = Revision::derive(parent, &merges, deleted, &body).ok()?;
        self.add(ReplicatedRevision { revision, parent, merges, deleted, body: Some(body) });
        self.made.push(revision);
        Some(revision)
    }

    /// Claims something of a revision, without its contents.
    pub fn claim(&mut self, revision: Revision, parent: Option<Revision>, merges: Vec<Revision>) {
        let merges = in_order(merges);
        self.add(ReplicatedRevision { revision, parent, merges, deleted: false, body: None });
    }

    /// Says what is known of a revision, with or without its contents.
    pub fn repeat(&mut self, known: &ReplicatedRevision, has_body: bool) {
        let body = known.body.clone().filter(|_| has_body);
        self.add(ReplicatedRevision { body, ..known.clone() });
    }

    pub fn add(&mut self, revision: ReplicatedRevision) {
        self.revisions.push(revision);
    }

    /// Says that the revision is forgotten.
    pub fn mark(&mut self, revision: Revision) {
        self.marks.push(revision);
    }

    pub fn done(self) -> Forged {
        let made = self.made.iter().map(|made| (*made, self.closed_by(*made)));
        let claimed = self.revisions.iter().filter(|revision| revision.body.is_none());
        let made = made.chain(claimed.map(|claimed| (claimed.revision, Vec::new()))).collect();
        let forgotten = forgotten(&self.marks);
        let document = ReplicatedDocument { id: self.id, revisions: self.revisions, forgotten };
        Forged { document, made }
    }

    /// What a revision that was made here closes, as everybody sees once it is there: what it and its
    /// ancestors say, and if it deletes the document, what is said to be forgotten.
    fn closed_by(&self, made: Revision) -> Vec<Revision> {
        let mut closed = HashSet::new();
        let mut next = vec![made];
        while let Some(name) = next.pop() {
            for revision in self.revisions.iter().filter(|it| it.revision == name) {
                let named = revision.parent.into_iter().chain(revision.merges.iter().copied());
                next.extend(named.filter(|name| closed.insert(*name)));
            }
        }
        let is_deletion = |it: &&ReplicatedRevision| it.revision == made && it.deleted;
        if self.revisions.iter().any(|it| is_deletion(&it)) {
            let lower = self.marks.iter().filter(|mark| mark.generation() < made.generation());
            closed.extend(lower);
        }
        closed.into_iter().collect()
    }
}

/// A name of a revision that nobody has made.
pub fn invented(random: &mut Random, generation: u32) -> Option<Revision> {
    Revision::new(generation, random.bytes()).ok()
}

fn in_order(mut merges: Vec<Revision>) -> Vec<Revision> {
    merges.sort_unstable();
    merges.dedup();
    merges.truncate(HISTORY_LIMIT);
    merges
}

/// Names as they travel: their generations and the first 8 bytes of their hashes.
fn forgotten(names: &[Revision]) -> Forgotten {
    let mark = |name: &Revision| [&name.generation().to_be_bytes()[..], &name.hash()[..8]].concat();
    let mut marks: Vec<Vec<u8>> = names.iter().map(mark).collect();
    marks.sort_unstable();
    marks.dedup();
    let bytes = minicbor::bytes::ByteVec::from(marks.concat());
    let bytes = minicbor::to_vec(bytes).expect("writing to memory doesn't fail");
    minicbor::decode(&bytes).expect("the names are in order, and few")
}
