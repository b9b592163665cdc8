//! What has to hold: at once, at every commit, and when all is quiet.

use std::collections::{BTreeMap, HashMap, HashSet};

use settee_store::{Body, Database, Document, DocumentId, OpenConflict, Record, Revision};
use settee_sync::{
    Checkpoint,
    client::status::{ChannelStatus, ConnectionStatus, ReplicaStatus},
};

use crate::{
    Sabotage, Violation,
    client::{self, Settled, Store},
    plan::is_shared,
    records,
    scenario::Standing,
    server::Disk,
};

type Known = HashSet<(DocumentId, Revision)>;

/// What people were shown, to be compared with what is.
#[derive(Default)]
pub struct Ledger {
    /// By client and store.
    saved: BTreeMap<(usize, usize), Known>,
    /// What the server refused of it.
    withdrawn: BTreeMap<(usize, usize), Known>,
    /// By database.
    acknowledged: BTreeMap<usize, Known>,
    /// What those who may not write have written, by database.
    unwanted: BTreeMap<usize, Known>,
    /// What each saved revision was made on.
    origins: HashMap<Revision, Vec<Revision>>,
    /// When each was saved last, by client: who does the same again makes the same revision.
    order: HashMap<(usize, Revision), usize>,
}

impl Ledger {
    pub fn saved(&mut self, client: &client::Actor, store: usize, id: &DocumentId, name: Revision) {
        let place = &client.stores[store];
        let entry = (id.clone(), name);
        match place.standing {
            Standing::Owner | Standing::Editor => {
                self.saved.entry((client.id, store)).or_default().insert(entry);
            }
            Standing::Viewer | Standing::Rogue => {
                self.unwanted.entry(place.number).or_default().insert(entry);
            }
        }
        let record = place.record(id);
        if let Some(node) = record.as_ref().and_then(|record| record.tree.get(name)) {
            let origins = node.parent.into_iter().chain(node.merges.iter().copied());
            self.origins.insert(name, origins.collect());
            let order = self.order.len() + 1;
            self.order.insert((client.id, name), order);
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
            let withdrawn = self.withdrawn.entry((client, settled.store)).or_default();
            withdrawn.extend(refused.revisions.iter().map(|name| (refused.id.clone(), *name)));
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
            let kept = self.still_saved((client.id, index));
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
            let unwanted = self.unwanted.get(&number).into_iter().flatten();
            let trees = trees(&disk.database);
            for (id, revision) in unwanted {
                if trees.get(id).is_some_and(|record| record.tree.get(*revision).is_some()) {
                    return violation(format!("{id} {revision} is a viewer's, on the server"));
                }
            }
        }
        Ok(())
    }

    /// When all is quiet: what was saved anywhere and not refused is on the server.
    pub fn all_arrived(&self, clients: &[client::Actor], disks: &[Disk]) -> Result<(), Violation> {
        for (client, store) in self.saved.keys() {
            let number = clients[*client].stores[*store].number;
            let saved = self.still_saved((*client, *store));
            let what = format!("was saved on client {client}, but isn't on the server");
            let place = (&disks[number].database, disks[number].losses > 0);
            self.all_there(place, saved, &what)?;
        }
        Ok(())
    }

    fn still_saved(&self, place: (usize, usize)) -> impl Iterator<Item = (DocumentId, Revision)> {
        let withdrawn = self.withdrawn.get(&place);
        let saved = self.saved.get(&place).into_iter().flatten();
        saved.filter(move |entry| withdrawn.is_none_or(|gone| !gone.contains(entry))).cloned()
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

/// A checkpoint is never ahead of the documents that it covers.
pub fn is_covered(
    store: &Store,
    client: usize,
    disk: &Disk,
    checkpoint: Checkpoint,
) -> Result<(), Violation> {
    // Of a database that was lost meanwhile: there will be a comparison.
    if !disk.knows(&checkpoint) {
        return Ok(());
    }
    let here = trees(&store.database);
    for record in records(&disk.database) {
        if record.seq > checkpoint.seq {
            break;
        }
        let known = here.get(&record.id);
        for leaf in record.tree.leaves() {
            // A stub may know more of a document than a server that has lost its end.
            let is_here = known.is_some_and(|known| {
                known.tree.get(leaf.revision).is_some()
                    || known.tree.forgotten().contains(leaf.revision)
            });
            let is_dead = leaf.deleted && is_without_the_dead(known.map(AsRef::as_ref), &record);
            if !is_here && !is_dead {
                let (id, name, seq) = (&record.id, leaf.revision, checkpoint.seq);
                return violation(format!(
                    "client {client} has a checkpoint of {seq} without {id} {name} of {}",
                    record.seq
                ));
            }
        }
    }
    Ok(())
}

/// Replicas that begin empty get no tombstones. What a tombstone has closed they must not have,
/// unless they are about to say so.
fn is_without_the_dead(known: Option<&Record>, there: &Record) -> bool {
    let closed = |revision: Revision| {
        let node = there.tree.get(revision);
        node.is_some() && there.tree.leaves().iter().all(|leaf| leaf.revision != revision)
    };
    known.is_none_or(|known| {
        let leaves = known.tree.leaves();
        leaves.iter().all(|leaf| leaf.pending || !closed(leaf.revision))
    })
}

/// Everything that people see of a document.
#[derive(Debug, PartialEq)]
struct Seen {
    winner: Revision,
    /// The live ones: who began empty may not have heard that a document which somebody wrote
    /// again had been deleted before.
    leaves: Vec<Revision>,
    body: Body,
    conflicts: Vec<OpenConflict>,
}

fn seen(database: &Database, by_arrival: bool) -> BTreeMap<DocumentId, Seen> {
    let records = records(database);
    let live = records.iter().filter_map(|record| {
        let Document { id, winner, deleted, mut body, conflicts, .. } = record.document()?;
        if by_arrival {
            let leaves = record.tree.leaves();
            let last = leaves.iter().filter(|leaf| !leaf.deleted).max_by_key(|leaf| leaf.seq);
            body = last.and_then(|leaf| leaf.body.clone()).unwrap_or(body);
        }
        let leaves = record.tree.leaves().into_iter().filter(|leaf| !leaf.deleted);
        let leaves = leaves.map(|leaf| leaf.revision).collect();
        (!deleted && is_shared(&id)).then_some((id, Seen { winner, leaves, body, conflicts }))
    });
    live.collect()
}

/// Everybody is online, has nothing to send or to get, and sees what the server sees.
pub fn has_settled(
    clients: &[client::Actor],
    disks: &[Disk],
    sabotage: Sabotage,
) -> Result<(), Violation> {
    for client in clients {
        let id = client.id;
        if client.connection_status() != Some(ConnectionStatus::Online) {
            return violation(format!("client {id} is {:?}", client.connection_status()));
        }
        for (index, store) in client.stores.iter().enumerate() {
            let status = client.replica_status(index);
            if store.standing != Standing::Rogue
                && !status.as_ref().is_some_and(|status| is_done(store, status))
            {
                return violation(format!("client {id}, database {}: {status:?}", store.number));
            }
        }
    }
    let by_arrival = sabotage == Sabotage::ArrivalOrder;
    let server: Vec<_> = disks.iter().map(|disk| seen(&disk.database, false)).collect();
    for client in clients {
        for store in client.stores.iter().filter(|store| store.standing != Standing::Rogue) {
            let (here, there) = (seen(&store.database, by_arrival), &server[store.number]);
            if here != *there {
                let (id, number) = (client.id, store.number);
                let what = difference(&here, there);
                return violation(format!("client {id}, database {number}: {what}"));
            }
        }
    }
    Ok(())
}

/// Viewers have something of their own that waits for ever.
fn is_done(store: &Store, status: &ReplicaStatus) -> bool {
    let is_there = match store.standing {
        Standing::Viewer | Standing::Rogue => {
            status.channel == ChannelStatus::Open && status.progress.0 >= status.progress.1
        }
        Standing::Owner | Standing::Editor => status.is_up_to_date(),
    };
    is_there && status.unreadable == 0 && !status.is_unsaved
}

fn difference(here: &BTreeMap<DocumentId, Seen>, there: &BTreeMap<DocumentId, Seen>) -> String {
    let ids = here.keys().chain(there.keys());
    let differs = ids.into_iter().find(|id| here.get(*id) != there.get(*id));
    differs.map_or_else(String::new, |id| {
        format!("{id} is {:?}, on the server {:?}", here.get(id), there.get(id))
    })
}

fn trees(database: &Database) -> HashMap<DocumentId, std::sync::Arc<Record>> {
    records(database).into_iter().map(|record| (record.id.clone(), record)).collect()
}

fn violation<T>(what: String) -> Result<T, Violation> {
    Err(Violation(what))
}
