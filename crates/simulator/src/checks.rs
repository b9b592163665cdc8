//! The invariants: those that hold at every commit, and those that hold once everything has settled.

use std::collections::{BTreeMap, BTreeSet};

use settee_store::{Body, Database, Document, DocumentId, OpenConflict, Record, Revision};
use settee_sync::{
    Checkpoint, Role,
    client::status::{ChannelStatus, ConnectionStatus, ReplicaStatus},
};

use crate::{
    client::{self, Store},
    context::Context,
    databases::{records, records_by_id},
    ledger::Ledger,
    plan::is_shared,
    sabotage,
    scenario::Membership,
    server::{self, Disk},
    violation::{Violation, violation},
};

/// Checks that a checkpoint is not ahead of the documents that it covers.
pub fn is_covered(
    store: &Store,
    client: usize,
    disk: &Disk,
    checkpoint: Checkpoint,
) -> Result<(), Violation> {
    // The server has lost something since, so there will be a comparison.
    if !disk.knows(&checkpoint) {
        return Ok(());
    }
    let here = records_by_id(&store.database);
    for record in records(&disk.database) {
        if record.seq > checkpoint.seq {
            break;
        }
        let known = here.get(&record.id);
        for leaf in record.tree.leaves() {
            // A stub may know of revisions that a server which lost something doesn't.
            let is_here = known.is_some_and(|known| {
                known.tree.get(leaf.revision).is_some()
                    || known.tree.forgotten().contains(leaf.revision)
            });
            let is_not_needed =
                leaf.deleted && may_lack_tombstone(known.map(AsRef::as_ref), &record);
            if !is_here && !is_not_needed {
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

/// Checks all checkpoints that a client has stored.
pub fn are_covered(client: &client::Actor, disks: &[Disk]) -> Result<(), Violation> {
    client.stores.iter().try_for_each(|store| {
        let checkpoint = store.checkpoint();
        checkpoint.map_or(Ok(()), |it| is_covered(store, client.id, &disks[store.number], it))
    })
}

/// Whether a replica may lack a tombstone. Replicas that begin empty get none; but they must not have
/// leaves that the tombstone has closed, except pending ones.
fn may_lack_tombstone(known: Option<&Record>, there: &Record) -> bool {
    let closed = |revision: Revision| {
        let node = there.tree.get(revision);
        node.is_some() && there.tree.leaves().iter().all(|leaf| leaf.revision != revision)
    };
    known.is_none_or(|known| {
        let leaves = known.tree.leaves();
        leaves.iter().all(|leaf| leaf.pending || !closed(leaf.revision))
    })
}

/// What people see of a document.
#[derive(Debug, PartialEq)]
struct Seen {
    winner: Revision,
    /// The live ones. A replica that began empty may not know that a document was deleted before it
    /// was written again.
    leaves: Vec<Revision>,
    body: Body,
    conflicts: Vec<OpenConflict>,
    /// The revisions with a body that the leaves are merged over, if no leaf is deleted.
    bases: BTreeSet<Revision>,
}

/// What people see of a database. `shown` may replace a document's body.
fn seen(database: &Database, shown: impl Fn(&Record, Body) -> Body) -> BTreeMap<DocumentId, Seen> {
    let records = records(database);
    let live = records.iter().filter_map(|record| {
        let Document { id, winner, deleted, body, conflicts, .. } = record.document()?;
        let body = shown(record, body);
        let leaves = record.tree.leaves().into_iter().filter(|leaf| !leaf.deleted);
        let leaves = leaves.map(|leaf| leaf.revision).collect();
        let seen = Seen { winner, leaves, body, conflicts, bases: bases(record) };
        (!deleted && is_shared(&id)).then_some((id, seen))
    });
    live.collect()
}

fn bases(record: &Record) -> BTreeSet<Revision> {
    let leaves = record.tree.leaves();
    if leaves.len() < 2 || leaves.iter().any(|leaf| leaf.deleted) {
        return BTreeSet::new();
    }
    record.tree.merge_bases().into_iter().filter(|base| record.has_body(*base)).collect()
}

/// Checks that everybody is online, has nothing to send or to receive, and sees what the server has; and that
/// those who have no access know it.
pub fn has_settled(
    context: &Context,
    clients: &[client::Actor],
    server: &server::Actor,
    ledger: &Ledger,
) -> Result<(), Violation> {
    clients.iter().try_for_each(|client| is_idle(client, server))?;
    server.clerks_are_done()?;
    let disks = &server.disks;
    let there: Vec<_> = disks.iter().map(|disk| seen(&disk.database, |_, body| body)).collect();
    for client in clients {
        for store in client.stores.iter().filter(|store| store.membership != Membership::Rogue) {
            let number = store.number;
            let Some(role) = server.access.role(&store.bearer(client.person)) else { continue };
            let what = if role <= Role::Helper && ledger.may_be_lost(number, &disks[number]) {
                lacking(store, &disks[number])
            } else {
                let shown = |record: &Record, body| sabotage::shown(context, record, body);
                let has_lost = disks[number].losses > 0;
                let mut lost =
                    if has_lost { only_here(store, &disks[number]) } else { BTreeSet::new() };
                lost.retain(|id| !role.can_bring_back(id));
                difference(store, &seen(&store.database, shown), &there[number], &lost)
            };
            if let Some(what) = what {
                return violation(format!("client {}, database {number}: {what}", client.id));
            }
        }
    }
    Ok(())
}

fn is_idle(client: &client::Actor, server: &server::Actor) -> Result<(), Violation> {
    let id = client.id;
    if client.connection_status() != Some(ConnectionStatus::Online) {
        return violation(format!("client {id} is {:?}", client.connection_status()));
    }
    for (index, store) in client.stores.iter().enumerate() {
        let status = client.replica_status(index);
        let role = server.access.role(&client.bearer(index));
        let is_idle = match (&status, store.membership) {
            (_, Membership::Rogue) | (None, Membership::Stranger) => true,
            (Some(status), _) if role.is_some() => is_done(status, role),
            (status, _) => is_denied(status.as_ref()),
        };
        if !is_idle {
            return violation(format!("client {id}, database {}: {status:?}", store.number));
        }
    }
    Ok(())
}

/// Whether a client knows that it has no access, and waits for other credentials.
pub fn is_denied(status: Option<&ReplicaStatus>) -> bool {
    matches!(
        status.map(|status| &status.channel),
        Some(ChannelStatus::Denied(denial)) if !denial.code.is_passing()
    )
}

/// The edits of viewers always wait. Old programs of helpers are told that they are viewers.
fn is_done(status: &ReplicaStatus, role: Option<Role>) -> bool {
    let is_told = status.role == role || (role, status.role) == (HELPER, VIEWER);
    let is_there = if status.role == VIEWER {
        status.channel == ChannelStatus::Open && status.progress.0 >= status.progress.1
    } else {
        status.is_up_to_date()
    };
    is_told && is_there && status.unreadable == 0 && !status.is_unsaved
}

const HELPER: Option<Role> = Some(Role::Helper);
const VIEWER: Option<Role> = Some(Role::Viewer);

/// The first document that people see differently than on the server. Documents with pending edits are
/// skipped: once everything has settled, these are edits of people without write access. So are `lost` ones.
fn difference(
    store: &Store,
    here: &BTreeMap<DocumentId, Seen>,
    there: &BTreeMap<DocumentId, Seen>,
    lost: &BTreeSet<DocumentId>,
) -> Option<String> {
    let waits = |id: &DocumentId| store.record(id).is_some_and(|record| record.tree.is_pending());
    let mut ids = here.keys().chain(there.keys());
    let id = ids.find(|id| here.get(*id) != there.get(*id) && !waits(id) && !lost.contains(*id))?;
    Some(format!("{id} is {:?}, on the server {:?}", here.get(id), there.get(id)))
}

/// Whether a database knows a revision of a document, if only by its name.
fn known(database: &Database) -> impl Fn(&DocumentId, Revision) -> bool + use<> {
    let records = records_by_id(database);
    move |id, revision| {
        records.get(id).is_some_and(|record| {
            record.tree.get(revision).is_some() || record.tree.forgotten().contains(revision)
        })
    }
}

/// The documents of which the device has a leaf that the server doesn't know. Whoever may only read can't say
/// so to a server that has lost it, and got what came after it from somebody who didn't know it. Nor can
/// editors, of what owners have said of access.
fn only_here(store: &Store, disk: &Disk) -> BTreeSet<DocumentId> {
    let is_known = known(&disk.database);
    let records = records(&store.database).into_iter();
    let only_here = records.filter(|record| {
        let leaves = record.tree.leaves();
        leaves.iter().any(|leaf| !is_known(&record.id, leaf.revision))
    });
    only_here.map(|record| record.id.clone()).collect()
}

/// The first document of which the device lacks a live leaf. The device may have more than the server:
/// a viewer can't give back what the server and its author have lost.
fn lacking(store: &Store, disk: &Disk) -> Option<String> {
    let is_known = known(&store.database);
    records(&disk.database).iter().filter(|record| is_shared(&record.id)).find_map(|record| {
        let leaves = record.tree.leaves().into_iter().filter(|leaf| !leaf.deleted);
        let mut names = leaves.map(|leaf| leaf.revision);
        let name = names.find(|name| !is_known(&record.id, *name))?;
        Some(format!("{} {name} is only on the server", record.id))
    })
}
