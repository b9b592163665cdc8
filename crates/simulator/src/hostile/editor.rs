//! What a hostile editor writes.

use serde_json::{Map, json};
use settee_store::{
    Body, DocumentId, Revision, replication::ReplicatedRevision, revision::GENERATION_LIMIT,
};

use super::{
    forgery::{Forged, Forgery, invented},
    heard::Heard,
};
use crate::{context::Context, plan, random::Random, scenario::Villain};

/// Sizes of bodies of which a document has room for one or two.
const LARGE: (u64, u64) = (400_000, 700_000);

type Act = fn(&mut Random, &Scene, &mut Forgery);

/// What is done with the contents of documents: no more than what anybody could do, or what the server
/// has to refuse or to ignore.
const ACTS: [(&str, Act); 10] = [
    ("hostile: edits", edit),
    ("hostile: deletions", delete),
    ("hostile: revivals", revive),
    ("hostile: highest generations", go_high),
    ("hostile: many merges", merge_much),
    ("hostile: many branches", branch_out),
    ("hostile: names of forgotten revisions", forget),
    ("hostile: names of forgotten revisions", forget),
    ("hostile: leaves without contents", withhold),
    ("hostile: wrong names", misname),
];

/// Lies about others' revisions, which can't be checked.
const LIES: [(&str, Act); 3] = [
    ("hostile: invented ancestries", invent_ancestry),
    ("hostile: claims about revisions", claim),
    ("hostile: claims about what isn't written yet", foretell),
];

/// What an editor knows of a document.
struct Scene<'a> {
    revisions: Vec<&'a ReplicatedRevision>,
    leaves: Vec<&'a ReplicatedRevision>,
}

impl Scene<'_> {
    fn leaf(&self, random: &mut Random) -> Option<Revision> {
        random.pick(&self.leaves).map(|leaf| leaf.revision)
    }

    /// Any revision that is known.
    fn any(&self, random: &mut Random) -> Option<&ReplicatedRevision> {
        random.pick(&self.revisions).copied()
    }

    /// Some of the revisions that are known.
    fn some(&self, random: &mut Random) -> Vec<Revision> {
        let names = self.revisions.iter().map(|known| known.revision);
        names.filter(|_| random.one_in(3)).collect()
    }

    /// Some of the leaves, or all.
    fn some_leaves(&self, random: &mut Random) -> Vec<Revision> {
        let is_all = random.one_in(2);
        let names = self.leaves.iter().map(|leaf| leaf.revision);
        names.filter(|_| is_all || random.one_in(2)).collect()
    }
}

/// The documents of the next batch.
pub fn write(context: &mut Context, villain: &Villain, heard: &mut Heard) -> Vec<Forged> {
    let count = if context.random.one_in(4) { 2 } else { 1 };
    (0..count).filter_map(|_| document(context, villain, heard)).collect()
}

fn document(context: &mut Context, villain: &Villain, heard: &mut Heard) -> Option<Forged> {
    let random = &mut context.random;
    if !heard.later.is_empty() && !random.one_in(3) {
        let next = random.below(heard.later.len());
        return Some(heard.later.swap_remove(next));
    }
    if random.one_in(8) {
        context.tally.count("hostile: messages sent again");
        return heard.message(random);
    }
    let known = heard.document(random).filter(|_| !random.one_in(10));
    let id = match known {
        Some(id) => id,
        None => DocumentId::new(&format!("shared-{}", random.below(5))).ok()?,
    };
    if villain.is_bulky && heard.later.is_empty() {
        context.tally.count("hostile: large bodies");
        let id = DocumentId::new(&format!("bulk-{}", random.below(6))).ok()?;
        let (leaves, roots) = bulk(random, &id);
        heard.later.extend(roots);
        return Some(leaves);
    }
    let lies = villain.lies && random.one_in(4);
    let (label, act) = if lies { random.pick(&LIES) } else { random.pick(&ACTS) }.copied()?;
    let scene = Scene { revisions: heard.revisions(&id), leaves: heard.leaves(&id) };
    let mut forgery = Forgery::of(id);
    act(random, &scene, &mut forgery);
    let forged = forgery.done();
    if forged.document.revisions.is_empty() {
        return None;
    }
    context.tally.count(label);
    heard.remember(forged.clone());
    Some(forged)
}

/// The contents of a revision, often the same as an honest editor's.
fn contents(random: &mut Random) -> Option<Body> {
    let title = match random.pick(&plan::TITLES) {
        Some(title) if random.one_in(2) => (*title).to_owned(),
        _ => format!("hostile {}", random.below(1_000_000)),
    };
    let mut fields = Map::new();
    fields.insert("completed".into(), json!(random.one_in(2)));
    fields.insert("title".into(), json!(title));
    Body::new(fields).ok()
}

fn edit(random: &mut Random, scene: &Scene, forgery: &mut Forgery) {
    let (parent, merges) = (scene.leaf(random), scene.some_leaves(random));
    let merges = merges.into_iter().filter(|merged| parent != Some(*merged)).collect();
    let contents = contents(random);
    forgery.make(parent, merges, contents);
}

/// Deletes leaves, or something that was edited long ago.
fn delete(random: &mut Random, scene: &Scene, forgery: &mut Forgery) {
    let parent = if random.one_in(3) {
        scene.any(random).map(|known| known.revision)
    } else {
        scene.leaf(random)
    };
    let merges = if random.one_in(2) { scene.some_leaves(random) } else { Vec::new() };
    forgery.make(parent, merges, None);
}

/// Edits something that was deleted or edited long ago.
fn revive(random: &mut Random, scene: &Scene, forgery: &mut Forgery) {
    let deleted: Vec<_> = scene.revisions.iter().filter(|known| known.deleted).copied().collect();
    let parent = random.pick(&deleted).copied().or_else(|| scene.any(random));
    let parent = parent.map(|known| known.revision);
    let contents = contents(random);
    forgery.make(parent, Vec::new(), contents);
}

/// A revision of a generation that nobody reaches by editing, or only just.
fn go_high(random: &mut Random, scene: &Scene, forgery: &mut Forgery) {
    let highest = [40, 1_000_000, GENERATION_LIMIT - 2, GENERATION_LIMIT - 1, GENERATION_LIMIT];
    let generation = random.pick(&highest).copied().unwrap_or(u32::MAX - 1);
    let generation = if random.one_in(6) { u32::MAX - 1 } else { generation };
    let parent = invented(random, generation);
    let merges = if random.one_in(2) { scene.some_leaves(random) } else { Vec::new() };
    let contents = contents(random).filter(|_| !random.one_in(3));
    forgery.make(parent, merges, contents);
}

/// As many merges as a revision may have, of which hardly any is known.
fn merge_much(random: &mut Random, scene: &Scene, forgery: &mut Forgery) {
    let mut merges = scene.some(random);
    let generation = 1 + u32::try_from(random.below(4)).unwrap_or_default();
    merges.extend((0..100).filter_map(|_| invented(random, generation)));
    let (parent, contents) = (scene.leaf(random), contents(random));
    forgery.make(parent.filter(|_| !random.one_in(3)), merges, contents);
}

fn branch_out(random: &mut Random, scene: &Scene, forgery: &mut Forgery) {
    let parent = scene.any(random).map(|known| known.revision);
    for _ in 0..=random.below(16) {
        let contents = contents(random);
        forgery.make(parent, Vec::new(), contents);
    }
}

/// Says that others' revisions are forgotten, which they aren't: those that are leaves, and those that
/// people are about to write.
fn forget(random: &mut Random, scene: &Scene, forgery: &mut Forgery) {
    scene.some(random).into_iter().for_each(|name| forgery.mark(name));
    for name in scene.some_leaves(random) {
        forgery.mark(name);
    }
    if let Some(next) = next_edit(random, scene) {
        forgery.mark(next.revision);
    }
    for _ in 0..random.below(4) * 20 {
        let generation = 1 + u32::try_from(random.below(50)).unwrap_or_default();
        if let Some(name) = invented(random, generation) {
            forgery.mark(name);
        }
    }
    let high = invented(random, 60);
    match (random.below(5), scene.any(random)) {
        (0, Some(known)) => forgery.repeat(known, true),
        (1, _) => drop(forgery.make(high, Vec::new(), None)),
        (2, _) => drop(forgery.make(scene.leaf(random), Vec::new(), None)),
        (3, _) => edit(random, scene, forgery),
        _ => {
            let contents = contents(random);
            forgery.make(None, Vec::new(), contents);
        }
    }
}

/// A leaf whose contents are left out.
fn withhold(random: &mut Random, scene: &Scene, forgery: &mut Forgery) {
    let parent = scene.leaf(random);
    let generation = parent.map_or(1, |parent| parent.generation().saturating_add(1));
    if let Some(name) = invented(random, generation) {
        forgery.claim(name, parent, scene.some(random));
    }
}

/// A name that doesn't follow from the contents.
fn misname(random: &mut Random, scene: &Scene, forgery: &mut Forgery) {
    let parent = scene.leaf(random);
    let generation = parent.map_or(1, |parent| parent.generation().saturating_add(1));
    if let (Some(revision), body) = (invented(random, generation), contents(random)) {
        let merges = Vec::new();
        forgery.add(ReplicatedRevision { revision, parent, merges, deleted: false, body });
    }
}

/// A revision under ancestors that never were and are said to have closed others.
fn invent_ancestry(random: &mut Random, scene: &Scene, forgery: &mut Forgery) {
    let first = 1 + u32::try_from(random.below(5)).unwrap_or_default();
    let mut last = scene.any(random).map(|known| known.revision).filter(|_| random.one_in(2));
    for generation in first..first + 3 {
        let generation = last.map_or(generation, |last| last.generation().saturating_add(1));
        let parent = last.or_else(|| invented(random, generation.checked_sub(1)?));
        if let Some(name) = invented(random, generation) {
            let merges = if random.one_in(2) { scene.some(random) } else { Vec::new() };
            forgery.claim(name, parent, merges);
            last = Some(name);
        }
    }
    let contents = contents(random);
    forgery.make(last, Vec::new(), contents);
}

/// Says what isn't true of revisions that others have.
fn claim(random: &mut Random, scene: &Scene, forgery: &mut Forgery) {
    for _ in 0..=random.below(3) {
        let Some(known) = scene.any(random) else { return };
        let parent = known.revision.generation().checked_sub(1);
        let parent = parent.and_then(|generation| invented(random, generation));
        let parent = if random.one_in(2) { known.parent } else { parent };
        let parent = parent.filter(|_| known.revision.generation() > 1);
        let merges = scene.some(random).into_iter().filter(|it| *it != known.revision);
        forgery.claim(known.revision, parent, merges.collect());
    }
    if random.one_in(2) {
        edit(random, scene, forgery);
    } else if let Some(leaf) = random.pick(&scene.leaves) {
        forgery.repeat(leaf, random.one_in(2));
    }
}

/// Says what isn't true of a revision that somebody is about to write, and edits it. What it is said to
/// have closed would lose its contents before the truth comes, which isn't held: see SECURITY.md.
fn foretell(random: &mut Random, scene: &Scene, forgery: &mut Forgery) {
    let Some(next) = next_edit(random, scene) else { return };
    let parent = invented(random, next.revision.generation() - 1);
    forgery.claim(next.revision, parent, Vec::new());
    let contents = contents(random);
    forgery.make(Some(next.revision), Vec::new(), contents);
}

/// The revision that an honest editor of a leaf may write next.
fn next_edit(random: &mut Random, scene: &Scene) -> Option<ReplicatedRevision> {
    let leaf = random.pick(&scene.leaves).copied()?;
    let mut fields = leaf.body.as_ref()?.fields();
    plan::change(random, &mut fields);
    let (parent, merges, deleted) = (Some(leaf.revision), Vec::new(), false);
    let body = Body::new(fields).ok()?;
    let revision = Revision::derive(parent, &merges, deleted, &body).ok()?;
    Some(ReplicatedRevision { revision, parent, merges, deleted, body: Some(body) })
}

/// Leaves that merge some roots, and these roots, which have large bodies and are sent later.
fn bulk(random: &mut Random, id: &DocumentId) -> (Forged, Vec<Forged>) {
    let mut roots = Vec::new();
    let mut names = Vec::new();
    for _ in 0..3 + random.below(3) {
        let size = usize::try_from(random.between(LARGE.0, LARGE.1)).unwrap_or_default();
        let mut fields = Map::new();
        fields.insert("title".into(), json!(format!("hostile {}", random.below(1_000_000))));
        fields.insert("text".into(), json!("x".repeat(size)));
        let mut root = Forgery::of(id.clone());
        names.extend(root.make(None, Vec::new(), Body::new(fields).ok()));
        roots.push(root.done());
    }
    let mut leaves = Forgery::of(id.clone());
    for _ in 0..2 + random.below(2) {
        let contents = contents(random);
        leaves.make(None, names.clone(), contents);
    }
    (leaves.done(), roots)
}
