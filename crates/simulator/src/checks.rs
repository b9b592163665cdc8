//! What has to hold: at once, at every commit, and when all is quiet.

use std::collections::{BTreeMap, HashMap};

use settee_store::{Body, Database, Document, DocumentId, OpenConflict, Record, Revision};
use settee_sync::{
    Checkpoint,
    client::status::{ChannelStatus, ConnectionStatus, ReplicaStatus},
};

use crate::{
    Violation,
    client::{self, Store},
    context::Context,
    ledger::Ledger,
    plan::is_shared,
    records, sabotage,
    scenario::Standing,
    server::Disk,
};

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

/// The same of all checkpoints that a client has stored.
pub fn are_covered(client: &client::Actor, disks: &[Disk]) -> Result<(), Violation> {
    client.stores.iter().try_for_each(|store| {
        let checkpoint = store.checkpoint();
        checkpoint.map_or(Ok(()), |it| is_covered(store, client.id, &disks[store.number], it))
    })
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

/// What people see of a database, where `shown` has the last word about a document's body.
fn seen(database: &Database, shown: impl Fn(&Record, Body) -> Body) -> BTreeMap<DocumentId, Seen> {
    let records = records(database);
    let live = records.iter().filter_map(|record| {
        let Document { id, winner, deleted, body, conflicts, .. } = record.document()?;
        let body = shown(record, body);
        let leaves = record.tree.leaves().into_iter().filter(|leaf| !leaf.deleted);
        let leaves = leaves.map(|leaf| leaf.revision).collect();
        (!deleted && is_shared(&id)).then_some((id, Seen { winner, leaves, body, conflicts }))
    });
    live.collect()
}

/// Everybody is online, has nothing to send or to get, and sees what the server sees.
pub fn has_settled(
    context: &Context,
    clients: &[client::Actor],
    disks: &[Disk],
    ledger: &Ledger,
) -> Result<(), Violation> {
    clients.iter().try_for_each(is_at_rest)?;
    let server: Vec<_> = disks.iter().map(|disk| seen(&disk.database, |_, body| body)).collect();
    for client in clients {
        for store in client.stores.iter().filter(|store| store.standing != Standing::Rogue) {
            let number = store.number;
            let what = if store.standing == Standing::Viewer
                && ledger.may_be_lost(number, &disks[number])
            {
                lacking(store, &disks[number])
            } else {
                let shown = |record: &Record, body| sabotage::shown(context, record, body);
                difference(store, &seen(&store.database, shown), &server[number])
            };
            if let Some(what) = what {
                return violation(format!("client {}, database {number}: {what}", client.id));
            }
        }
    }
    Ok(())
}

fn is_at_rest(client: &client::Actor) -> Result<(), Violation> {
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

/// What is read otherwise than on the server. Of a document that something waits of, the device
/// shows more: at rest that is what somebody wrote who may write no more.
fn difference(
    store: &Store,
    here: &BTreeMap<DocumentId, Seen>,
    there: &BTreeMap<DocumentId, Seen>,
) -> Option<String> {
    let waits = |id: &DocumentId| store.record(id).is_some_and(|record| record.tree.is_pending());
    let mut ids = here.keys().chain(there.keys());
    let id = ids.find(|id| here.get(*id) != there.get(*id) && !waits(id))?;
    Some(format!("{id} is {:?}, on the server {:?}", here.get(id), there.get(id)))
}

/// What the server has and the device doesn't know. It may know more: a reader can't give back what
/// the server has lost together with all who wrote it.
fn lacking(store: &Store, disk: &Disk) -> Option<String> {
    let here = trees(&store.database);
    let is_known = |id: &DocumentId, revision: Revision| {
        here.get(id).is_some_and(|known| {
            known.tree.get(revision).is_some() || known.tree.forgotten().contains(revision)
        })
    };
    records(&disk.database).iter().filter(|record| is_shared(&record.id)).find_map(|record| {
        let leaves = record.tree.leaves().into_iter().filter(|leaf| !leaf.deleted);
        let mut names = leaves.map(|leaf| leaf.revision);
        let name = names.find(|name| !is_known(&record.id, *name))?;
        Some(format!("{} {name} is on the server alone", record.id))
    })
}

/// Records by their ids.
pub fn trees(database: &Database) -> HashMap<DocumentId, std::sync::Arc<Record>> {
    records(database).into_iter().map(|record| (record.id.clone(), record)).collect()
}

pub fn violation<T>(what: String) -> Result<T, Violation> {
    Err(Violation(what))
}
