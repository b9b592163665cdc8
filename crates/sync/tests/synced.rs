//! Both sides know that they have the same as soon as they do: no heartbeat has to come first. So no time
//! passes here.

use std::collections::VecDeque;

use futures_util::FutureExt;
use settee_store::{
    Body, Change, Counts, Database, DocumentId, Edit, Memory, Operation, Revision,
    forgotten::Forgotten,
    replication::{Known, ReplicatedDocument},
};
use settee_sync::{
    Checkpoint, Client, Limits, Role, Server, Time,
    client::{ClientOutput, Replica},
    server::{Grant, ServerOutput},
};

const NOW: Time = Time::from_millis(1);

fn at_once<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("databases in memory answer at once")
}

fn write(database: &Database, id: &str, change: Change) {
    let id = DocumentId::new(id).expect("an id");
    let seen = at_once(database.get(&id)).expect("it is read");
    let seen = seen.map(|document| document.leaves).unwrap_or_default();
    at_once(database.write(vec![Edit { id, seen, change }])).expect("it is written");
}

fn put(database: &Database, id: &str, title: &str) {
    let body = Body::from_canonical(format!(r#"{{"title":"{title}"}}"#).as_bytes());
    write(database, id, Change::Put(body.expect("a body")));
}

fn leaves(database: &Database, id: &str) -> Vec<Revision> {
    let id = DocumentId::new(id).expect("an id");
    at_once(database.get(&id)).expect("it is read").expect("it is there").leaves
}

/// The latest revision of a document without its ancestors, as a replica that begins empty gets it.
fn latest(database: &Database, id: &str) -> ReplicatedDocument {
    let id = DocumentId::new(id).expect("an id");
    let records = at_once(database.records(vec![id])).expect("it is read");
    let record = records[0].as_ref().expect("it is there");
    record.outgoing_since(Known::Nothing, |_| false).expect("it is live")
}

fn bring(document: ReplicatedDocument, to: &Database) {
    let operation = Operation::Replicate { document, acknowledges: false };
    let commit = at_once(to.commit(vec![operation])).expect("it is committed");
    assert!(commit.outcomes[0].is_ok(), "it is taken");
}

/// A client and a server with one database, and the frames between them.
struct World {
    client: Client,
    server: Server,
    here: Database,
    there: Database,
    replica: Replica,
    up: VecDeque<Vec<u8>>,
    down: VecDeque<Vec<u8>>,
    /// How often the server has read the changes.
    reads: usize,
}

impl World {
    /// The server has what `there` has; nothing is connected yet.
    fn new(there: Database) -> Self {
        // Each document is a batch of its own.
        let limits = Limits { batch_documents: 1, ..Limits::default() };
        let mut client = Client::new(limits, "test", 1);
        let replica = client.handle_add(NOW, "list".into(), Vec::new(), None, false);
        client.handle_start(NOW);
        client.handle_connected(NOW);
        let here = Database::new(Memory::new([1; 16]));
        let server = Server::new(NOW, Limits::default(), "test");
        let (up, down) = Default::default();
        Self { client, server, here, there, replica, up, down, reads: 0 }
    }

    fn is_up_to_date(&self) -> bool {
        let status = self.client.replica_status(self.replica);
        status.is_some_and(|status| status.is_up_to_date())
    }

    /// Tells both machines the state of the databases, and does what they ask for.
    fn tell(&mut self) {
        let counts: Counts = at_once(self.here.counts()).expect("they are counted");
        self.client.handle_news(NOW, self.replica, counts);
        self.server.handle_news(NOW, 0, self.there.seq());
        self.apply_outputs();
    }

    /// Delivers all frames, until none is under way.
    fn run(&mut self) {
        self.tell();
        loop {
            if let Some(frame) = self.up.pop_front() {
                self.server.handle_frame(NOW, &frame);
            } else if let Some(frame) = self.down.pop_front() {
                self.client.handle_frame(NOW, &frame);
            } else {
                return;
            }
            self.apply_outputs();
            self.tell();
        }
    }

    fn apply_outputs(&mut self) {
        loop {
            if let Some(output) = self.client.poll_output() {
                self.apply_client_output(output);
            } else if let Some(output) = self.server.poll_output() {
                self.apply_server_output(output);
            } else {
                return;
            }
        }
    }

    fn apply_client_output(&mut self, output: ClientOutput) {
        let (replica, here) = (self.replica, &self.here);
        match output {
            ClientOutput::Send(frame) => self.up.push_back(frame),
            ClientOutput::ReadPending { limit, .. } => {
                let records = at_once(here.to_send(limit)).expect("they are read");
                self.client.handle_pending(NOW, replica, &records);
            }
            ClientOutput::Commit { batch, documents, reconciles, .. } => {
                let documents = documents.into_iter();
                let operations =
                    documents.map(|document| Operation::from_server(document, reconciles));
                at_once(here.commit(operations.collect())).expect("it is committed");
                self.client.handle_committed(NOW, replica, batch, Some(0));
            }
            ClientOutput::Settle { verdict, .. } => {
                let sent = verdict.acknowledged;
                let ids: Vec<_> = sent.iter().map(|(id, _)| id.clone()).collect();
                let operations = sent.into_iter();
                let operations =
                    operations.map(|(id, revisions)| Operation::Acknowledge { id, revisions });
                at_once(here.commit(operations.collect())).expect("it is committed");
                self.client.handle_settled(replica, &ids);
            }
            ClientOutput::Connect | ClientOutput::StatusChanged => {}
            other => panic!("nothing is lost, and all documents are small: {other:?}"),
        }
    }

    fn apply_server_output(&mut self, output: ServerOutput) {
        let there = &self.there;
        match output {
            ServerOutput::Send(frame) => self.down.push_back(frame),
            ServerOutput::Authorize(open) => {
                let position = Checkpoint::new([1; 16], [7; 16], there.seq());
                let grant = Grant { role: Role::Editor, position, resumed: false };
                self.server.handle_authorized(NOW, open.channel, Ok(grant));
            }
            ServerOutput::Commit { channel, batch, documents } => {
                let documents = documents.into_iter();
                let operations = documents
                    .map(|document| Operation::Replicate { document, acknowledges: false });
                let commit = at_once(there.commit(operations.collect())).expect("committed");
                let outcomes = commit.outcomes.into_iter();
                let outcomes = outcomes.map(|outcome| Ok(outcome.expect("it is taken")));
                let committed = (outcomes.collect(), there.seq());
                self.server.handle_committed(NOW, channel, batch, Some(committed));
            }
            ServerOutput::Read { channel, since, limit } => {
                self.reads += 1;
                let page = at_once(there.page(since, limit)).expect("it is read");
                self.server.handle_changes(NOW, channel, Some(page));
            }
            other => panic!("nothing is lost, and all documents are small: {other:?}"),
        }
    }
}

fn there() -> Database {
    Database::new(Memory::new([2; 16]))
}

#[test]
fn a_change_is_sent_after_one_look_at_the_database() {
    let mut world = World::new(there());
    world.run();
    put(&world.there, "note/1", "milk");
    world.reads = 0;
    world.run();
    assert_eq!(leaves(&world.here, "note/1"), leaves(&world.there, "note/1"));
    assert_eq!(world.reads, 1);
}

#[test]
fn the_acknowledgement_of_the_last_of_several_batches_says_so() {
    let mut world = World::new(there());
    world.run();
    assert!(world.is_up_to_date(), "there is nothing");
    for n in 0..5 {
        put(&world.here, &format!("note/{n}"), "tea");
        world.tell();
    }
    assert_eq!(world.up.len(), 5, "all are on their way at the same time");
    for _ in 0..5 {
        let frame = world.up.pop_front().expect("a batch");
        world.server.handle_frame(NOW, &frame);
    }
    world.apply_outputs();
    assert_eq!(world.down.len(), 5, "nothing but acknowledgements");
    world.run();
    assert!(world.is_up_to_date());
}

#[test]
fn an_edit_that_crosses_one_of_somebody_else_leaves_nothing_open() {
    let mut world = World::new(there());
    world.run();
    put(&world.there, "note/theirs", "tea");
    put(&world.here, "note/ours", "milk");
    world.tell();
    assert_eq!((world.up.len(), world.down.len()), (1, 1));
    world.run();
    assert_eq!(at_once(world.here.counts()).expect("they are counted").documents, 2);
    assert!(world.is_up_to_date());
}

#[test]
fn what_a_device_needs_nothing_of_leaves_nothing_open() {
    let there = there();
    put(&there, "note/gone", "milk");
    write(&there, "note/gone", Change::Delete);
    let mut world = World::new(there);
    world.run();
    assert_eq!(at_once(world.here.counts()).expect("they are counted").documents, 0);
    assert!(world.is_up_to_date());
}

/// A server has lost everything. One replica has given it the latest revision alone, and another one an
/// ancestor, which is a conflict there. This device knows what lies between.
fn with_links_that_the_server_lacks() -> (World, Revision) {
    let mut world = World::new(there());
    let mut sent = Vec::new();
    for title in ["tea", "milk", "salt", "bread"] {
        put(&world.here, "note/1", title);
        sent.push(latest(&world.here, "note/1"));
    }
    let last = leaves(&world.here, "note/1")[0];
    let id = DocumentId::new("note/1").expect("an id");
    let acknowledge = Operation::Acknowledge { id, revisions: vec![last] };
    at_once(world.here.commit(vec![acknowledge])).expect("it is committed");
    bring(sent.pop().expect("the latest"), &world.there);
    world.run();
    assert_eq!(leaves(&world.there, "note/1"), [last]);
    bring(sent.remove(0), &world.there);
    assert_eq!(leaves(&world.there, "note/1").len(), 2);
    (world, last)
}

#[test]
fn a_device_tells_a_server_what_lies_between_its_revisions() {
    let (mut world, last) = with_links_that_the_server_lacks();
    world.run();
    assert_eq!(leaves(&world.there, "note/1"), [last]);
    assert_eq!(leaves(&world.here, "note/1"), [last]);
    assert!(world.is_up_to_date());
}

#[test]
fn an_edit_under_way_does_not_keep_a_device_from_telling_what_lies_between() {
    let (mut world, _) = with_links_that_the_server_lacks();
    put(&world.here, "note/1", "cocoa");
    world.tell();
    assert_eq!((world.up.len(), world.down.len()), (1, 1), "they cross");
    world.run();
    assert_eq!(leaves(&world.there, "note/1"), leaves(&world.here, "note/1"));
    assert!(world.is_up_to_date());
}

/// A server has told this device of a deletion that closes an edit which waits here still. Then it has
/// lost both. Returns the deletion, too, of which nobody knows any more what it has closed.
fn with_an_edit_that_was_closed() -> (World, ReplicatedDocument) {
    let world = World::new(there());
    put(&world.here, "note/1", "tea");
    let id = DocumentId::new("note/1").expect("an id");
    let before = there();
    bring(latest(&world.here, "note/1"), &before);
    put(&before, "note/1", "milk");
    write(&before, "note/1", Change::Delete);
    let revisions = leaves(&before, "note/1");
    let acknowledge = Operation::Acknowledge { id: id.clone(), revisions };
    let compact = Operation::Compact { id: id.clone() };
    at_once(before.commit(vec![acknowledge, compact])).expect("it is compacted");
    let records = at_once(before.records(vec![id])).expect("it is read");
    let deletion = records[0].as_ref().and_then(|it| it.outgoing_since(Known::Unsure, |_| false));
    let mut deletion = deletion.expect("it is there");
    let told = Operation::from_server(deletion.clone(), true);
    at_once(world.here.commit(vec![told])).expect("it is committed");
    deletion.forgotten = Forgotten::default();
    (world, deletion)
}

#[test]
fn a_device_shows_again_what_was_closed_before_the_server_lost_that() {
    let (mut world, _) = with_an_edit_that_was_closed();
    world.run();
    assert_eq!(leaves(&world.there, "note/1"), leaves(&world.here, "note/1")[..1]);
    assert!(world.is_up_to_date());
}

#[test]
fn a_device_shows_it_beside_a_deletion_that_somebody_else_brings() {
    let (mut world, deletion) = with_an_edit_that_was_closed();
    bring(deletion, &world.there);
    world.run();
    assert_eq!(leaves(&world.there, "note/1").len(), 2);
    assert_eq!(leaves(&world.here, "note/1"), leaves(&world.there, "note/1"));
    assert!(world.is_up_to_date());
}
