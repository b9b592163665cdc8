//! Property tests: replicas that are edited independently and sync with a server, and decoders.
//!
//! `PROPTEST_CASES=100000 cargo test --release -p settee-store --test properties` runs more cases.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::{BTreeMap, HashMap, HashSet};

use futures_util::FutureExt;
use proptest::prelude::*;
use serde_json::{Value, json};
use settee_store::{
    Applied, Body, Change, Commit, Database, Document, DocumentId, Edit, Memory, Operation, Record,
    Revision,
    replication::{Known, ReplicatedDocument},
    tree::RevisionTree,
};

const CLIENTS: usize = 3;
const FIELDS: [&str; 3] = ["title", "done", "note"];

/// One step of a test.
#[derive(Debug, Clone)]
enum Step {
    /// A client's user sets a field of the document as it is, or as it was at their last look.
    Set {
        client: usize,
        field: usize,
        looks: bool,
    },
    /// A client's user works for long without a connection, beginning with what they see now or saw
    /// at their last look.
    Work {
        client: usize,
        edits: usize,
        looks: bool,
    },
    Delete {
        client: usize,
        looks: bool,
    },
    /// A client sends what is pending, and receives the acknowledgement or not.
    Push {
        client: usize,
        is_told: bool,
    },
    /// A client reads the changes on the server, with or without those that it has sent itself.
    Pull {
        client: usize,
        skips_own: bool,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let client = 0..CLIENTS;
    let step = prop_oneof![
        4 => (client.clone(), 0..FIELDS.len(), any::<bool>())
            .prop_map(|(client, field, looks)| Step::Set { client, field, looks }),
        1 => (client.clone(), 5..25_usize, any::<bool>())
            .prop_map(|(client, edits, looks)| Step::Work { client, edits, looks }),
        1 => (client.clone(), any::<bool>())
            .prop_map(|(client, looks)| Step::Delete { client, looks }),
        3 => (client.clone(), any::<bool>())
            .prop_map(|(client, is_told)| Step::Push { client, is_told }),
        3 => (client, any::<bool>())
            .prop_map(|(client, skips_own)| Step::Pull { client, skips_own }),
    ];
    prop::collection::vec(step, 1..40)
}

struct Client {
    database: Database,
    /// The document at the user's last look.
    screen: Option<Document>,
    /// How far the client has read the server's changes.
    since: Option<u64>,
    /// The revisions that the client has sent to the server.
    sent: HashSet<Revision>,
}

/// An edit: its field and value, and the fields that its editor saw in conflict.
struct Made {
    revision: Revision,
    field: Option<&'static str>,
    value: Value,
    open: HashSet<String>,
}

struct World {
    server: Database,
    clients: Vec<Client>,
    made: Vec<Made>,
    /// What each revision closes, for all revisions that were ever made.
    closes: HashMap<Revision, Vec<Revision>>,
}

fn id() -> DocumentId {
    DocumentId::new("note").unwrap()
}

fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("memory doesn't wait")
}

fn record(database: &Database) -> Option<std::sync::Arc<Record>> {
    now(database.records(vec![id()])).unwrap().remove(0)
}

fn document(database: &Database) -> Option<Document> {
    record(database).and_then(|record| record.document())
}

fn commit(database: &Database, operations: Vec<Operation>) -> Commit {
    let commit = now(database.commit(operations)).unwrap();
    assert!(commit.outcomes.iter().all(Result::is_ok), "{:?}", commit.outcomes);
    commit
}

/// Sends a document to the server.
fn send(to: &Database, document: ReplicatedDocument) -> Applied {
    let commit = commit(to, vec![Operation::Replicate { document, acknowledges: false }]);
    commit.outcomes[0].unwrap()
}

/// Takes a document from the server, which has lost nothing that it would have to be sent again.
fn take(to: &Database, document: ReplicatedDocument) {
    let pending = |database: &Database| -> Vec<Revision> {
        record(database).map_or_else(Vec::new, |record| record.tree.pending())
    };
    let before = pending(to);
    commit(to, vec![Operation::from_server(document, true)]);
    assert!(pending(to).iter().all(|revision| before.contains(revision)));
}

impl World {
    fn new(common_origin: bool) -> Self {
        let memory =
            |number: usize| Database::new(Memory::new([u8::try_from(number).unwrap(); 16]));
        let clients = (0..CLIENTS).map(|number| Client {
            database: memory(number),
            screen: None,
            since: None,
            sent: HashSet::new(),
        });
        let mut world = Self {
            server: memory(100),
            clients: clients.collect(),
            made: Vec::new(),
            closes: HashMap::new(),
        };
        if common_origin {
            world.set(0, 0, true);
            world.push(0, true);
            (0..CLIENTS).for_each(|client| world.pull(client, true));
        }
        world
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Set { client, field, looks } => self.set(client, field, looks),
            Step::Work { client, edits, looks } => {
                for edit in 0..edits {
                    self.set(client, edit % FIELDS.len(), looks || edit > 0);
                }
            }
            Step::Delete { client, looks } => self.delete(client, looks),
            Step::Push { client, is_told } => self.push(client, is_told),
            Step::Pull { client, skips_own } => self.pull(client, skips_own),
        }
    }

    fn look(&mut self, client: usize, looks: bool) -> Option<Document> {
        let client = &mut self.clients[client];
        if looks || client.screen.is_none() {
            client.screen = document(&client.database);
        }
        client.screen.clone()
    }

    fn set(&mut self, client: usize, field: usize, looks: bool) {
        let screen = self.look(client, looks);
        let value = json!(self.made.len());
        let mut fields = match &screen {
            Some(document) if !document.deleted => document.body.fields(),
            _ => serde_json::Map::new(),
        };
        fields.insert(FIELDS[field].to_owned(), value.clone());
        self.edit(
            client,
            screen,
            Change::Put(Body::new(fields).unwrap()),
            Some(FIELDS[field]),
            value,
        );
    }

    fn delete(&mut self, client: usize, looks: bool) {
        let screen = self.look(client, looks);
        // A deleted document can't be deleted again.
        if screen.as_ref().is_some_and(|document| !document.deleted)
            && document(&self.clients[client].database).is_some_and(|document| !document.deleted)
        {
            self.edit(client, screen, Change::Delete, None, Value::Null);
        }
    }

    fn edit(
        &mut self,
        client: usize,
        screen: Option<Document>,
        change: Change,
        field: Option<&'static str>,
        value: Value,
    ) {
        let seen = screen.as_ref().map(|document| document.leaves.clone()).unwrap_or_default();
        let database = &self.clients[client].database;
        let unsent = record(database).and_then(|record| record.unsent);
        let edit = Edit { id: id(), seen, change };
        let outcome = now(database.write(vec![edit])).unwrap().remove(0);
        // Only a delete may fail: this profile may have deleted the document already.
        let Ok(applied) = outcome else { return assert!(field.is_none(), "{outcome:?}") };
        let revision = applied.revision.unwrap();
        let tree = &record(database).unwrap().tree;
        let node = tree.get(revision).unwrap();
        // The new revision may have taken the place of one that nobody else had.
        let folded = unsent.filter(|unsent| tree.get(*unsent).is_none());
        let closed = node.parent.into_iter().chain(node.merges.iter().copied()).chain(folded);
        self.closes.entry(revision).or_default().extend(closed);
        let conflicts = screen.map(|document| document.conflicts).unwrap_or_default();
        let open = conflicts.into_iter().map(|conflict| conflict.path[0].clone()).collect();
        self.made.push(Made { revision, field, value, open });
    }

    fn push(&mut self, client: usize, is_told: bool) {
        let client = &mut self.clients[client];
        let records = now(client.database.to_send(1)).unwrap();
        let Some(outgoing) = records.first().and_then(|record| record.outgoing_pending()) else {
            return;
        };
        let told = outgoing.told();
        let (sent, bodiless): (Vec<_>, Vec<_>) =
            outgoing.revisions.iter().partition(|revision| revision.body.is_some());
        client.sent.extend(sent.iter().map(|revision| revision.revision));
        let is_complete = bodiless.is_empty();
        let applied = send(&self.server, outgoing);
        // As a server does, send what the client may lack: it has sent nothing new, or has dropped
        // the body that its edit is based on.
        let skip = |revision| client.sent.contains(&revision);
        let record = record(&self.server).unwrap();
        let is_own = record.tree.leaves().iter().all(|leaf| skip(leaf.revision));
        if (!is_complete || !applied.changed && !is_own)
            && let Some(lacking) = record.outgoing_since(Known::Unsure, skip)
        {
            take(&client.database, lacking);
        }
        if is_told {
            let acknowledge = Operation::Acknowledge { id: id(), revisions: told };
            commit(&client.database, vec![acknowledge]);
        }
    }

    fn pull(&mut self, client: usize, skips_own: bool) {
        let client = &mut self.clients[client];
        let known = client.since.map_or(Known::Unsure, Known::Until);
        let skip = |revision| skips_own && client.sent.contains(&revision);
        let outgoing = record(&self.server).and_then(|record| record.outgoing_since(known, skip));
        if let Some(outgoing) = outgoing {
            take(&client.database, outgoing);
        }
        client.since = Some(self.server.seq());
    }

    fn settle(&mut self) {
        for _ in 0..2 {
            for client in 0..CLIENTS {
                while document(&self.clients[client].database).is_some_and(|d| d.pending) {
                    self.push(client, true);
                }
                self.pull(client, false);
            }
        }
    }

    fn descends(&self, from: Revision, to: Revision) -> bool {
        let mut next = vec![to];
        let mut found = HashSet::new();
        while let Some(revision) = next.pop() {
            if revision == from {
                return true;
            }
            if found.insert(revision) {
                next.extend(self.closes.get(&revision).into_iter().flatten());
            }
        }
        false
    }
}

proptest! {
    /// Replicas with the same revisions show the same, and no edit is lost.
    #[test]
    fn replicas_agree_and_lose_nothing(steps in steps(), common_origin in any::<bool>()) {
        let mut world = World::new(common_origin);
        for step in &steps {
            world.run(step);
        }
        world.settle();
        let Some(server) = document(&world.server) else {
            prop_assert!(world.made.is_empty());
            return Ok(());
        };
        for client in &world.clients {
            let client = document(&client.database).unwrap();
            prop_assert_eq!(&client.leaves, &server.leaves);
            prop_assert_eq!((client.winner, client.deleted), (server.winner, server.deleted));
            prop_assert_eq!(&client.body, &server.body);
            prop_assert_eq!(&client.conflicts, &server.conflicts);
            prop_assert_eq!(client.kept.is_some(), server.kept.is_some());
            prop_assert!(!client.pending);
        }

        let body = server.body.fields();
        for made in &world.made {
            let Some(field) = made.field else { continue };
            let is_shown = body.get(field) == Some(&made.value);
            let is_open = server.conflicts.iter().any(|conflict| {
                conflict.path == [field]
                    && conflict.values.iter().any(|open| open.value.as_ref() == Some(&made.value))
            });
            // A later edit that descends from it changed the field, deleted the document, or saw
            // the field in conflict.
            let is_superseded = world.made.iter().any(|later| {
                later.revision != made.revision
                    && world.descends(made.revision, later.revision)
                    && (later.field.is_none()
                        || later.field == Some(field)
                        || later.open.contains(field))
            });
            prop_assert!(is_shown || is_open || is_superseded, "{field} = {} is lost", made.value);
        }
    }

    /// Merging trees is commutative, associative and idempotent, in any order of arrival.
    #[test]
    fn trees_are_sets(steps in steps(), seed in any::<u64>()) {
        let mut world = World::new(true);
        for step in &steps {
            world.run(step);
        }
        let databases = world.clients.iter().map(|client| &client.database).chain([&world.server]);
        let trees: Vec<RevisionTree> =
            databases.filter_map(record).map(|record| record.tree.clone()).collect();
        let merged = |order: &[usize]| {
            let mut tree = RevisionTree::default();
            for at in order {
                let mut nodes = trees[*at].nodes().to_vec();
                if seed & (1 << at) != 0 {
                    nodes.reverse();
                }
                for node in nodes {
                    tree.insert(node);
                }
            }
            let leaves: Vec<Revision> = tree.leaves().iter().map(|node| node.revision).collect();
            let revisions: Vec<Revision> = tree.nodes().iter().map(|node| node.revision).collect();
            (revisions, leaves, settee_store::view::view(&tree))
        };
        let last = trees.len() - 1;
        let forwards: Vec<usize> = (0..=last).collect();
        let backwards: Vec<usize> = (0..=last).rev().collect();
        let twice = [forwards.clone(), backwards.clone()].concat();
        prop_assert_eq!(merged(&forwards), merged(&backwards));
        prop_assert_eq!(merged(&forwards), merged(&twice));
    }

    #[test]
    fn bodies_are_canonical(value in fields()) {
        let theirs = serde_json_canonicalizer::to_string(&Value::Object(value.clone())).unwrap();
        let body = Body::new(value).unwrap();
        prop_assert_eq!(body.as_str(), &theirs);
        prop_assert_eq!(Body::from_canonical(theirs.as_bytes()), Ok(body.clone()));
        let read: serde_json::Map<String, Value> = serde_json::from_str(&theirs).unwrap();
        prop_assert_eq!(body.fields(), read);
        prop_assert_eq!(Body::new(body.fields()), Ok(body));
    }

    /// What is taken as canonical is what is written alike once it has been read.
    #[test]
    fn a_body_with_a_changed_place_is_canonical_or_refused(
        value in fields(),
        at in any::<prop::sample::Index>(),
        removed in 0..3_usize,
        added in "[-0-9aeEu{}\\[\\],:.\"\\\\ \u{1}\u{e9}]{0,2}",
    ) {
        let mut text: Vec<char> = Body::new(value).unwrap().as_str().chars().collect();
        let at = at.index(text.len());
        text.splice(at..text.len().min(at + removed), added.chars());
        let text: String = text.into_iter().collect();
        let read = serde_json::from_str::<serde_json::Map<String, Value>>(&text);
        let rewritten = read.ok().and_then(|fields| Body::new(fields).ok());
        let is_canonical = rewritten.is_some_and(|body| body.as_str() == text);
        prop_assert_eq!(Body::from_canonical(text.as_bytes()).is_ok(), is_canonical, "{}", text);
    }

    #[test]
    fn revisions_are_decoded_as_they_were_encoded(generation in 1..u32::MAX, hash: [u8; 16]) {
        let revision = Revision::new(generation, hash).unwrap();
        prop_assert_eq!(revision.to_string().parse(), Ok(revision));
        let bytes = minicbor::to_vec(revision).unwrap();
        prop_assert_eq!(minicbor::decode::<Revision>(&bytes).unwrap(), revision);
    }

    #[test]
    fn records_are_decoded_as_they_were_encoded(steps in steps()) {
        let mut world = World::new(true);
        for step in &steps {
            world.run(step);
        }
        for client in &world.clients {
            let record = record(&client.database).unwrap();
            prop_assert_eq!(&minicbor::decode::<Record>(&record.encode()).unwrap(), &*record);
        }
    }

    /// Reading damaged bytes returns a record or an error, and such a record causes no panic.
    #[test]
    fn damaged_records_do_no_harm(
        steps in steps(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut world = World::new(true);
        for step in &steps {
            world.run(step);
        }
        let mut bytes = record(&world.server).unwrap().encode();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(mut record) = minicbor::decode::<Record>(&bytes) {
            record.document();
            record.outgoing_pending();
            record.outgoing_since(Known::Unsure, |_| false);
            record.tree.tidy();
            record.tree.mark_pending();
            for node in record.tree.nodes().to_vec() {
                record.tree.own_tip(node.revision);
                record.tree.acknowledge(node.revision);
                record.tree.take_pending(&[node.revision]);
            }
        }
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = minicbor::decode::<Record>(&bytes);
        let _ = minicbor::decode::<RevisionTree>(&bytes);
        let _ = minicbor::decode::<DocumentId>(&bytes);
        let _ = Body::from_canonical(&bytes);
    }
}

fn fields() -> impl Strategy<Value = serde_json::Map<String, Value>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    });
    prop::collection::btree_map("[^_]\\PC*", value, 0..6)
        .prop_map(|fields: BTreeMap<String, Value>| fields.into_iter().collect())
}
