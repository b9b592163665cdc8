//! What people were shown as saved, acknowledged or refused. It has to stay true.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use settee_store::{Database, DocumentId, Record, Revision};
use settee_sync::Role;

use crate::{
    bearer::Place,
    client::{self, Settled},
    databases::{records, records_by_id},
    hostile::Deed,
    server::{self, Disk},
    violation::{Violation, violation},
};

type Known = HashSet<(DocumentId, Revision)>;
/// A client, and the index of one of its stores.
type Profile = (usize, usize);

#[derive(Default)]
pub struct Ledger {
    profiles: BTreeMap<Profile, Shown>,
    /// What people had been shown when the profile was backed up.
    backups: BTreeMap<Profile, Shown>,
    /// Acknowledged revisions, by database.
    acknowledged: BTreeMap<usize, Known>,
    /// Revisions that people wrote who had write access, by database. The same edit makes the same
    /// revision whoever makes it, so the server may have such a revision from anybody.
    permitted: BTreeMap<usize, Known>,
    /// Revisions that people wrote who had no write access and have not got it since.
    forbidden: BTreeMap<Place, Known>,
    /// Databases of which a profile was restored or removed, so that it has forgotten something, or to which
    /// somebody has written who gives nothing back: a villain, or one who has lost access.
    forgetful: BTreeSet<usize>,
    /// What each revision closes, as everybody can see: the parent and the merges of a saved one, and
    /// what a villain's revision has closed. What villains claim of other revisions isn't here.
    origins: HashMap<Revision, Vec<Revision>>,
    /// The revisions whose place a revision has ever taken.
    folded: HashMap<Revision, Vec<Revision>>,
    /// When a client last saved each revision. The same edit makes the same revision again.
    saves: HashMap<(usize, Revision), Save>,
    /// How many edits were saved.
    count: usize,
}

#[derive(Clone)]
struct Save {
    at: usize,
    /// The revisions whose place it took then.
    folded: Vec<Revision>,
}

/// What a person was shown of their own edits.
#[derive(Clone, Default)]
struct Shown {
    saved: Known,
    /// Those that the server refused.
    withdrawn: Known,
}

impl Shown {
    fn still_saved(&self) -> impl Iterator<Item = (DocumentId, Revision)> {
        self.saved.iter().filter(move |entry| !self.withdrawn.contains(*entry)).cloned()
    }
}

impl Ledger {
    /// An edit was saved, by a person with write access or without.
    pub fn saved(
        &mut self,
        client: &client::Actor,
        store: usize,
        (id, name): (&DocumentId, Revision),
        may_write: bool,
    ) {
        let place = &client.stores[store];
        let entry = (id.clone(), name);
        let record = place.record(id);
        // The edit has taken the place of these, which nobody else had, unless they were saved again
        // since.
        let folded: Vec<Revision> = record.as_ref().map_or_else(Vec::new, |record| {
            let folded = record.folded.iter().filter(|folded| folded.into == name);
            let names = folded.map(|folded| folded.node.revision);
            names.filter(|folded| record.tree.get(*folded).is_none()).collect()
        });
        let shown = self.profiles.entry((client.id, store)).or_default();
        if place.membership.is_meant_to_write() {
            // Another edit of the same commit may have taken its place already.
            let is_there = record
                .as_ref()
                .is_some_and(|record| record.folded.is_empty() || record.tree.get(name).is_some());
            shown.saved.extend(is_there.then(|| entry.clone()));
        }
        shown.saved.retain(|(of, name)| of != id || !folded.contains(name));
        if may_write {
            self.permitted.entry(place.number).or_default().insert(entry);
        } else {
            self.forbidden.entry((client.person, place.number)).or_default().insert(entry);
        }
        if let Some(node) = record.as_ref().and_then(|record| record.tree.get(name)) {
            let origins = node.parent.into_iter().chain(node.merges.iter().copied());
            // A villain may have made the same revision, and may have closed more with it.
            self.origins.entry(name).or_default().extend(origins);
            self.folded.entry(name).or_default().extend(&folded);
            self.count += 1;
            self.saves.insert((client.id, name), Save { at: self.count, folded });
        }
    }

    /// People were shown edits as saved.
    pub fn shown(
        &mut self,
        client: &client::Actor,
        store: usize,
        edits: impl IntoIterator<Item = (DocumentId, Revision)>,
    ) {
        if client.stores[store].membership.is_meant_to_write() {
            self.profiles.entry((client.id, store)).or_default().saved.extend(edits);
        }
    }

    /// A client's disks were backed up.
    pub fn backed_up(&mut self, client: &client::Actor) {
        for store in 0..client.stores.len() {
            let shown = self.profiles.get(&(client.id, store)).cloned().unwrap_or_default();
            self.backups.insert((client.id, store), shown);
        }
    }

    /// A client's disks were restored. What was saved since the backup is gone from them, but what was
    /// acknowledged of it is still on the server.
    pub fn restored(&mut self, client: &client::Actor) {
        for (index, store) in client.stores.iter().enumerate() {
            let shown = self.backups.get(&(client.id, index)).cloned().unwrap_or_default();
            self.profiles.insert((client.id, index), shown);
            self.forgetful.insert(store.number);
        }
    }

    /// A client has forgotten a database.
    pub fn forgotten(&mut self, client: usize, store: usize) {
        self.profiles.remove(&(client, store));
    }

    /// People may lose access to a database, and then they give nothing back.
    pub fn may_forget(&mut self, number: usize) {
        self.forgetful.insert(number);
    }

    /// A client has begun with a copy of another's disks, so it has the same saved edits.
    pub fn cloned(&mut self, original: &client::Actor, clone: usize) {
        for store in 0..original.stores.len() {
            let shown = self.profiles.get(&(original.id, store)).cloned().unwrap_or_default();
            self.profiles.insert((clone, store), shown);
        }
        let saves = self.saves.iter().filter(|((client, _), _)| *client == original.id);
        let saves: Vec<_> = saves.map(|((_, name), save)| ((clone, *name), save.clone())).collect();
        self.saves.extend(saves);
    }

    /// A person gets write access, so their waiting edits may be sent.
    pub fn access_granted(&mut self, place: Place) {
        if let Some(waiting) = self.forbidden.remove(&place) {
            self.permitted.entry(place.1).or_default().extend(waiting);
        }
    }

    /// A villain has made a revision with contents.
    pub fn forged(&mut self, person: usize, deed: Deed, may_write: bool) {
        let entry = (deed.id, deed.revision);
        if may_write {
            self.permitted.entry(deed.database).or_default().insert(entry);
            self.forgetful.insert(deed.database);
        } else {
            self.forbidden.entry((person, deed.database)).or_default().insert(entry);
        }
        self.origins.entry(deed.revision).or_default().extend(deed.closes);
    }

    /// Checks a verdict: acknowledged revisions are on the server, and refused ones are shown.
    pub fn settled(
        &mut self,
        client: usize,
        database: usize,
        disk: &Disk,
        settled: &Settled,
    ) -> Result<(), Violation> {
        // A server that has lost something may have lost what it has just acknowledged.
        let is_certain = disk.losses == 0;
        for (id, revisions) in settled.acknowledged.iter().filter(|_| is_certain) {
            for revision in revisions {
                let entry = (id.clone(), *revision);
                self.acknowledged.entry(database).or_default().insert(entry);
            }
        }
        let known =
            settled.acknowledged.iter().filter(|_| is_certain).flat_map(|(id, revisions)| {
                revisions.iter().map(move |revision| (id.clone(), *revision))
            });
        self.all_there(&disk.database, known, "was acknowledged, but isn't on the server")?;
        for refused in &settled.withdrawn {
            let shown = self.profiles.entry((client, settled.store)).or_default();
            let names = refused.revisions.iter().map(|name| (refused.id.clone(), *name));
            shown.withdrawn.extend(names);
            if !refused.revisions.is_empty() && refused.after.is_none() {
                return violation(format!("{} was refused, but is not shown", refused.id));
            }
            if let (Some(before), Some(after)) = (refused.before, refused.after)
                && before != after
                && self.is_later(client, before, after)
            {
                let id = &refused.id;
                return violation(format!("{id}: refused {before} is hidden by older {after}"));
            }
        }
        Ok(())
    }

    /// Checks that everything that was saved on a client is still there.
    pub fn client_is_whole(&self, client: &client::Actor) -> Result<(), Violation> {
        for (index, store) in client.stores.iter().enumerate() {
            let shown = self.profiles.get(&(client.id, index));
            let kept = shown.into_iter().flat_map(Shown::still_saved);
            let what = format!("was saved on client {}, but isn't there", client.id);
            self.all_there(&store.database, kept, &what)?;
        }
        Ok(())
    }

    /// Checks that the server has everything that it acknowledged, and nothing that was forbidden.
    pub fn server_is_whole(&self, disks: &[Disk]) -> Result<(), Violation> {
        for (number, disk) in disks.iter().enumerate() {
            let known = self.acknowledged.get(&number).filter(|_| disk.losses == 0);
            let known = known.into_iter().flatten().cloned();
            let what = "was acknowledged, but has gone from the server";
            self.all_there(&disk.database, known, what)?;
        }
        self.forbidden.keys().try_for_each(|place| self.is_kept_out(*place, &disks[place.1]))
    }

    /// Checks that the server has nothing that this person wrote without write access.
    pub fn is_kept_out(&self, place: Place, disk: &Disk) -> Result<(), Violation> {
        let Some(forbidden) = self.forbidden.get(&place) else { return Ok(()) };
        let permitted = self.permitted.get(&place.1);
        let records = records_by_id(&disk.database);
        for entry in forbidden {
            let (id, revision) = entry;
            let is_there =
                records.get(id).is_some_and(|record| record.tree.get(*revision).is_some());
            if is_there && permitted.is_none_or(|permitted| !permitted.contains(entry)) {
                return violation(format!(
                    "{id} {revision} is on the server, without write access"
                ));
            }
        }
        Ok(())
    }

    /// Checks at the end that everything that was saved and not refused is on the server, if it was by somebody
    /// who may write.
    pub fn all_arrived(
        &self,
        clients: &[client::Actor],
        server: &server::Actor,
    ) -> Result<(), Violation> {
        for ((client, store), shown) in &self.profiles {
            let bearer = clients[*client].bearer(*store);
            let (disk, role) = (&server.disks[bearer.place.1], server.access.role(&bearer));
            let is_sent = match role {
                // They bring nothing back, and old programs take them for viewers.
                Some(Role::Helper) => {
                    let status = clients[*client].replica_status(*store);
                    status.is_some_and(|it| it.role == role) && disk.losses == 0
                }
                role => role.is_some_and(Role::can_write),
            };
            if !is_sent {
                continue;
            }
            let what = format!("was saved on client {client}, but isn't on the server");
            self.all_there(&disk.database, shown.still_saved(), &what)?;
        }
        Ok(())
    }

    /// Whether a viewer may be the only one to have something, because both the server and its author
    /// have lost it.
    pub fn may_be_lost(&self, number: usize, disk: &Disk) -> bool {
        disk.losses > 0 && self.forgetful.contains(&number)
    }

    /// Checks that each revision can be reached in the database: that it is a leaf, or that one has
    /// closed it where everybody could see that, itself or through others. Nobody has to know the
    /// revisions in between any more.
    fn all_there(
        &self,
        database: &Database,
        known: impl Iterator<Item = (DocumentId, Revision)>,
        what: &str,
    ) -> Result<(), Violation> {
        let mut known = known.peekable();
        if known.peek().is_none() {
            return Ok(());
        }
        let records = records(database);
        let reached: HashMap<&DocumentId, HashSet<Revision>> =
            records.iter().map(|record| (&record.id, self.reached(record))).collect();
        for (id, revision) in known {
            if reached.get(&id).is_none_or(|reached| !reached.contains(&revision)) {
                return violation(format!("{id} {revision} {what}"));
            }
        }
        Ok(())
    }

    /// The leaves of a document, and all that they descend from.
    fn reached(&self, record: &Record) -> HashSet<Revision> {
        let leaves = record.tree.leaves().into_iter().map(|leaf| leaf.revision);
        with_ancestors(leaves.collect(), |revision| {
            let folded = self.folded.get(&revision);
            self.origins.get(&revision).into_iter().chain(folded).flatten()
        })
    }

    /// Whether this client has saved one revision after another and over it. What an earlier save of
    /// the same revision took the place of doesn't count.
    fn is_later(&self, client: usize, revision: Revision, than: Revision) -> bool {
        let at = |revision| Some(self.saves.get(&(client, revision))?.at);
        let origins = |revision: Revision| {
            let folded = self.saves.get(&(client, revision)).map(|save| &save.folded);
            self.origins.get(&revision).into_iter().chain(folded).flatten()
        };
        at(than) < at(revision) && with_ancestors(vec![revision], origins).contains(&than)
    }
}

fn with_ancestors<'a, I: Iterator<Item = &'a Revision>>(
    mut next: Vec<Revision>,
    origins: impl Fn(Revision) -> I,
) -> HashSet<Revision> {
    let mut found = HashSet::new();
    while let Some(revision) = next.pop() {
        // Merges of merges have more ways through them than there are revisions.
        if found.insert(revision) {
            next.extend(origins(revision));
        }
    }
    found
}
