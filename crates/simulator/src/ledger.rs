//! What people were shown as saved, acknowledged or refused, to be compared with what is.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use settee_store::{Database, DocumentId, Record, Revision};

use crate::{
    Violation,
    checks::{trees, violation},
    client::{self, Settled},
    scenario::Standing,
    server::{Disk, Place},
};

type Known = HashSet<(DocumentId, Revision)>;
/// A client, and its store of a database.
type Profile = (usize, usize);

#[derive(Default)]
pub struct Ledger {
    profiles: BTreeMap<Profile, Shown>,
    /// What had been shown when the profile was backed up.
    backups: BTreeMap<Profile, Shown>,
    /// By database.
    acknowledged: BTreeMap<usize, Known>,
    /// What was written by who might write. The same edit has the same name whoever makes it, so
    /// this may reach the server from elsewhere as well.
    lawful: BTreeMap<usize, Known>,
    /// What was written by who might not, and has not come to since.
    unwanted: BTreeMap<Place, Known>,
    /// Databases of which some profile has forgotten what it had shown.
    forgetful: BTreeSet<usize>,
    /// What each saved revision was made on.
    origins: HashMap<Revision, Vec<Revision>>,
    /// When each was saved last, by client: who does the same again makes the same revision.
    order: HashMap<(usize, Revision), usize>,
}

/// What somebody has been shown of their own edits.
#[derive(Clone, Default)]
struct Shown {
    saved: Known,
    /// What the server refused of it.
    withdrawn: Known,
}

impl Shown {
    fn still_saved(&self) -> impl Iterator<Item = (DocumentId, Revision)> {
        self.saved.iter().filter(move |entry| !self.withdrawn.contains(*entry)).cloned()
    }
}

impl Ledger {
    /// An edit was saved, by somebody who may write to the database now or may not.
    pub fn saved(
        &mut self,
        client: &client::Actor,
        store: usize,
        (id, name): (&DocumentId, Revision),
        may_write: bool,
    ) {
        let place = &client.stores[store];
        let entry = (id.clone(), name);
        // What is written while somebody may only read for a while waits until they may write.
        if matches!(place.standing, Standing::Owner | Standing::Editor) {
            let shown = self.profiles.entry((client.id, store)).or_default();
            shown.saved.insert(entry.clone());
        }
        if may_write {
            self.lawful.entry(place.number).or_default().insert(entry);
        } else {
            self.unwanted.entry((client.person, place.number)).or_default().insert(entry);
        }
        let record = place.record(id);
        if let Some(node) = record.as_ref().and_then(|record| record.tree.get(name)) {
            let origins = node.parent.into_iter().chain(node.merges.iter().copied());
            self.origins.insert(name, origins.collect());
            let order = self.order.len() + 1;
            self.order.insert((client.id, name), order);
        }
    }

    /// A client's disks were backed up.
    pub fn backed_up(&mut self, client: &client::Actor) {
        for store in 0..client.stores.len() {
            let shown = self.profiles.get(&(client.id, store)).cloned().unwrap_or_default();
            self.backups.insert((client.id, store), shown);
        }
    }

    /// A client's disks are again what they were when they were backed up. What was saved since is
    /// gone from them; what was acknowledged of it is not.
    pub fn restored(&mut self, client: &client::Actor) {
        for (index, store) in client.stores.iter().enumerate() {
            let shown = self.backups.get(&(client.id, index)).cloned().unwrap_or_default();
            self.profiles.insert((client.id, index), shown);
            self.forgetful.insert(store.number);
        }
    }

    /// A client has begun with a copy of another one's disks: what was saved there counts for both.
    pub fn cloned(&mut self, original: &client::Actor, clone: usize) {
        for store in 0..original.stores.len() {
            let shown = self.profiles.get(&(original.id, store)).cloned().unwrap_or_default();
            self.profiles.insert((clone, store), shown);
        }
        let order = self.order.iter().filter(|((client, _), _)| *client == original.id);
        let order: Vec<_> = order.map(|((_, name), at)| ((clone, *name), *at)).collect();
        self.order.extend(order);
    }

    /// Somebody comes to write who might not: what waits may be sent.
    pub fn permitted(&mut self, place: Place) {
        if let Some(waiting) = self.unwanted.remove(&place) {
            self.lawful.entry(place.1).or_default().extend(waiting);
        }
    }

    /// What a client has seen acknowledged is on the server, and what it has seen refused is shown.
    pub fn settled(
        &mut self,
        client: usize,
        database: usize,
        disk: &Disk,
        settled: &Settled,
    ) -> Result<(), Violation> {
        // What was on its way when the server lost it is not there any more.
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
        let place = (&disk.database, false);
        self.all_there(place, known, "was acknowledged, but isn't on the server")?;
        for refused in &settled.withdrawn {
            let shown = self.profiles.entry((client, settled.store)).or_default();
            let names = refused.revisions.iter().map(|name| (refused.id.clone(), *name));
            shown.withdrawn.extend(names);
            if !refused.revisions.is_empty() && refused.after.is_none() {
                return violation(format!("{} was refused without a word", refused.id));
            }
            if let (Some(before), Some(after)) = (refused.before, refused.after)
                && before != after
                && self.descends(before, after)
                && self.order.get(&(client, after)) < self.order.get(&(client, before))
            {
                let id = &refused.id;
                return violation(format!("{id}: refused {before} is hidden by older {after}"));
            }
        }
        Ok(())
    }

    /// Nothing that was saved here has gone.
    pub fn client_is_whole(&self, client: &client::Actor) -> Result<(), Violation> {
        for (index, store) in client.stores.iter().enumerate() {
            let shown = self.profiles.get(&(client.id, index));
            let kept = shown.into_iter().flat_map(Shown::still_saved);
            let what = format!("was saved on client {}, but isn't there", client.id);
            self.all_there((&store.database, false), kept, &what)?;
        }
        Ok(())
    }

    /// The server has all that it acknowledged, and nothing of those who may not write.
    pub fn server_is_whole(&self, disks: &[Disk]) -> Result<(), Violation> {
        for (number, disk) in disks.iter().enumerate() {
            let known = self.acknowledged.get(&number).filter(|_| disk.losses == 0);
            let known = known.into_iter().flatten().cloned();
            self.all_there(
                (&disk.database, false),
                known,
                "was acknowledged, but has gone from the server",
            )?;
        }
        self.unwanted.keys().try_for_each(|place| self.is_kept_out(*place, &disks[place.1]))
    }

    /// Nothing is on the server of what somebody has written who may not.
    pub fn is_kept_out(&self, place: Place, disk: &Disk) -> Result<(), Violation> {
        let Some(unwanted) = self.unwanted.get(&place) else { return Ok(()) };
        let lawful = self.lawful.get(&place.1);
        let trees = trees(&disk.database);
        for entry in unwanted {
            let (id, revision) = entry;
            let is_there = trees.get(id).is_some_and(|record| record.tree.get(*revision).is_some());
            if is_there && lawful.is_none_or(|lawful| !lawful.contains(entry)) {
                return violation(format!("{id} {revision} is on the server, without leave"));
            }
        }
        Ok(())
    }

    /// When all is quiet: what was saved anywhere and not refused is on the server.
    pub fn all_arrived(&self, clients: &[client::Actor], disks: &[Disk]) -> Result<(), Violation> {
        for ((client, store), shown) in &self.profiles {
            let number = clients[*client].stores[*store].number;
            let what = format!("was saved on client {client}, but isn't on the server");
            let place = (&disks[number].database, disks[number].losses > 0);
            self.all_there(place, shown.still_saved(), &what)?;
        }
        Ok(())
    }

    /// Whether somebody who only reads may be the last to know something: the server has lost it,
    /// and so has who wrote it.
    pub fn may_be_lost(&self, number: usize, disk: &Disk) -> bool {
        disk.losses > 0 && self.forgetful.contains(&number)
    }

    /// Each of the revisions is there, or forgotten for one that descends from it. What comes back
    /// to a server that has lost everything are the ends, and what clients still know before them.
    fn all_there(
        &self,
        (database, has_lost): (&Database, bool),
        known: impl Iterator<Item = (DocumentId, Revision)>,
        what: &str,
    ) -> Result<(), Violation> {
        let trees = trees(database);
        let is_there = |record: &Record, revision| {
            let leaves = || record.tree.leaves().into_iter().map(|leaf| leaf.revision);
            record.tree.get(revision).is_some()
                || (has_lost || record.tree.forgotten().contains(revision))
                    && leaves().any(|leaf| self.descends(leaf, revision))
        };
        for (id, revision) in known {
            if trees.get(&id).is_none_or(|record| !is_there(record, revision)) {
                return violation(format!("{id} {revision} {what}"));
            }
        }
        Ok(())
    }

    fn descends(&self, revision: Revision, from: Revision) -> bool {
        let mut next = vec![revision];
        while let Some(revision) = next.pop() {
            if revision == from {
                return true;
            }
            next.extend(self.origins.get(&revision).into_iter().flatten());
        }
        false
    }
}
