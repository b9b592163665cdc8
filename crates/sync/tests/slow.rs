//! A link that carries a few kilobytes a second is slow, but not broken. Both machines run at its ends
//! in virtual time.

use std::{collections::VecDeque, time::Duration};

use futures_util::FutureExt;
use settee_store::{Body, Change, Database, DocumentId, Edit, Memory, Operation};
use settee_sync::{
    Channel, Checkpoint, Client, Limits, Role, Server, Time,
    client::{ClientOutput, Replica},
    server::{Grant, ServerOutput},
};

const KILOBYTE: usize = 1024;
/// What takes longer has failed.
const DAY: Duration = Duration::from_hours(24);

/// One direction of a link. Frames arrive in order, at `rate` bytes a second.
struct Pipe {
    rate: usize,
    frames: VecDeque<(Time, Vec<u8>)>,
    free: Time,
}

impl Pipe {
    fn new(rate: usize) -> Self {
        Self { rate, frames: VecDeque::new(), free: Time::default() }
    }

    fn send(&mut self, now: Time, frame: Vec<u8>) {
        let millis = u64::try_from(frame.len() * 1000 / self.rate).expect("a time");
        self.free = self.free.max(now) + Duration::from_millis(millis);
        self.frames.push_back((self.free + Duration::from_millis(50), frame));
    }

    fn next(&self) -> Option<Time> {
        self.frames.front().map(|(at, _)| *at)
    }

    fn take(&mut self, now: Time) -> Option<Vec<u8>> {
        self.frames.pop_front_if(|(at, _)| *at <= now).map(|(_, frame)| frame)
    }
}

/// A database on both sides.
struct Pair {
    here: Database,
    there: Database,
    replica: Option<Replica>,
    channel: Option<Channel>,
}

struct World {
    now: Time,
    client: Client,
    server: Server,
    pairs: Vec<Pair>,
    up: Pipe,
    down: Pipe,
    /// How often the client had to connect.
    connections: usize,
    /// How often it had to open a channel.
    channels: usize,
    /// The link breaks at this age.
    breaks_after: Duration,
    connected: Time,
}

fn at_once<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("databases in memory answer at once")
}

impl World {
    /// The client has these databases, and nothing has happened yet.
    fn new(rate: usize, databases: u8) -> Self {
        let pair = |n| {
            let [here, there] = [2 * n, 2 * n + 1].map(|n| Database::new(Memory::new([n; 16])));
            Pair { here, there, replica: None, channel: None }
        };
        let now = Time::from_millis(1);
        let mut world = Self {
            now,
            client: Client::new(Limits::default(), "test", 1),
            server: Server::new(now, Limits::default(), "test"),
            pairs: (0..databases).map(pair).collect(),
            up: Pipe::new(rate),
            down: Pipe::new(rate),
            connections: 0,
            channels: 0,
            breaks_after: DAY,
            connected: now,
        };
        for (n, pair) in world.pairs.iter_mut().enumerate() {
            let name = n.to_string();
            pair.replica = Some(world.client.handle_add(now, name, Vec::new(), None, false));
        }
        world.client.handle_start(now);
        world
    }

    fn there(&self, index: usize) -> &Database {
        &self.pairs[index].there
    }

    fn here(&self, index: usize) -> &Database {
        &self.pairs[index].here
    }

    /// Runs until a condition holds, and returns how long that took.
    fn until(&mut self, is_done: impl Fn(&Self) -> bool) -> Duration {
        let began = self.now;
        self.tell();
        while !is_done(self) {
            let breaks = self.connected + self.breaks_after;
            let times = [self.up.next(), self.down.next(), self.client.poll_timeout()];
            let next = times.into_iter().chain([self.server.poll_timeout(), Some(breaks)]);
            self.now = self.now.max(next.flatten().min().expect("the break"));
            assert!(self.now.since(began) < DAY, "it takes forever");
            if self.now >= breaks {
                self.client.handle_disconnected(self.now);
                self.lose();
            } else if let Some(frame) = self.up.take(self.now) {
                self.server.handle_frame(self.now, &frame);
            } else if let Some(frame) = self.down.take(self.now) {
                self.client.handle_frame(self.now, &frame);
            }
            self.client.handle_timeout(self.now);
            self.server.handle_timeout(self.now);
            self.apply_outputs();
            self.tell();
        }
        self.now.since(began)
    }

    fn lose(&mut self) {
        self.connected = self.now;
        self.up = Pipe::new(self.up.rate);
        self.down = Pipe::new(self.down.rate);
        self.server = Server::new(self.now, Limits::default(), "test");
        self.pairs.iter_mut().for_each(|pair| pair.channel = None);
    }

    /// Tells both machines the state of the databases.
    fn tell(&mut self) {
        for pair in &mut self.pairs {
            let counts = at_once(pair.here.counts()).expect("they are counted");
            let replica = pair.replica.expect("it was added");
            self.client.handle_news(self.now, replica, counts);
            if let Some(channel) = pair.channel {
                self.server.handle_news(self.now, channel, pair.there.seq());
            }
        }
        self.apply_outputs();
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
        let now = self.now;
        let of = |replica| self.pairs.iter().find(|pair| pair.replica == Some(replica));
        let here = |replica| of(replica).expect("it was added").here.clone();
        match output {
            ClientOutput::Connect => {
                self.lose();
                self.connections += 1;
                self.client.handle_connected(now);
            }
            ClientOutput::Disconnect => self.lose(),
            ClientOutput::Send(frame) => self.up.send(now, frame),
            ClientOutput::ReadPending { replica, limit } => {
                let records = at_once(here(replica).to_send(limit)).expect("they are read");
                self.client.handle_pending(now, replica, &records);
            }
            ClientOutput::Commit { replica, batch, documents, .. } => {
                let operations = documents.into_iter();
                let operations = operations
                    .map(|document| Operation::Replicate { document, acknowledges: true });
                at_once(here(replica).commit(operations.collect())).expect("it is committed");
                self.client.handle_committed(now, replica, batch, Some(0));
            }
            ClientOutput::Settle { replica, verdict } => {
                let sent = verdict.acknowledged;
                let ids: Vec<_> = sent.iter().map(|(id, _)| id.clone()).collect();
                let operations = sent.into_iter();
                let operations =
                    operations.map(|(id, revisions)| Operation::Acknowledge { id, revisions });
                at_once(here(replica).commit(operations.collect())).expect("it is committed");
                self.client.handle_settled(replica, &ids);
            }
            ClientOutput::Find { replica, ids } => {
                let found = at_once(here(replica).records(ids)).expect("they are read");
                self.client.handle_found(replica, Some(&found));
            }
            ClientOutput::StatusChanged => {}
            ClientOutput::Digest { .. } | ClientOutput::Resend { .. } => {
                panic!("the server has lost nothing")
            }
        }
    }

    fn apply_server_output(&mut self, output: ServerOutput) {
        let now = self.now;
        let of = |channel| self.pairs.iter().find(|pair| pair.channel == Some(channel));
        let there = |channel| of(channel).expect("it is open").there.clone();
        match output {
            ServerOutput::Send(frame) => self.down.send(now, frame),
            ServerOutput::Authorize(open) => {
                self.channels += 1;
                let pair = &mut self.pairs[open.database.parse::<usize>().expect("its number")];
                pair.channel = Some(open.channel);
                let position = Checkpoint::new([1; 16], [7; 16], pair.there.seq());
                let grant = Grant { role: Role::Editor, position, resumed: true };
                self.server.handle_authorized(now, open.channel, Ok(grant));
            }
            ServerOutput::Commit { channel, batch, documents } => {
                let operations = documents.into_iter();
                let operations = operations
                    .map(|document| Operation::Replicate { document, acknowledges: false });
                let database = there(channel);
                let commit = at_once(database.commit(operations.collect())).expect("committed");
                let outcomes = commit.outcomes.into_iter();
                let outcomes = outcomes.map(|outcome| Ok(outcome.expect("it is taken")));
                let committed = (outcomes.collect(), database.seq());
                self.server.handle_committed(now, channel, batch, Some(committed));
            }
            ServerOutput::Read { channel, since, limit } => {
                let database = there(channel);
                let page = at_once(database.page(since, limit)).expect("it is read");
                self.server.handle_changes(now, channel, Some(page));
            }
            ServerOutput::Find { channel, ids } => {
                let database = there(channel);
                let found = at_once(database.records(ids)).expect("they are read");
                self.server.handle_found(now, channel, Some((found, database.seq())));
            }
            ServerOutput::Digest { .. } => panic!("nothing is lost"),
            ServerOutput::Release(channel) => {
                let closed = self.pairs.iter_mut().find(|pair| pair.channel == Some(channel));
                closed.expect("it was open").channel = None;
            }
            ServerOutput::Here { .. } | ServerOutput::Disconnect(_) => {
                // The client notices after the frames before, or never.
            }
        }
    }
}

/// Writes documents with titles of this length, and returns the sum of the lengths.
fn write(database: &Database, count: usize, length: usize) -> usize {
    let edits = (0..count).map(|n| {
        let body = format!(r#"{{"title":"{}"}}"#, "x".repeat(length));
        let change = Change::Put(Body::from_canonical(body.as_bytes()).expect("a body"));
        let id = DocumentId::new(&format!("note/{n}-{length}")).expect("an id");
        Edit { id, seen: Vec::new(), change }
    });
    at_once(database.write(edits.collect())).expect("they are written");
    count * length
}

fn documents(database: &Database) -> usize {
    at_once(database.counts()).expect("they are counted").documents
}

fn seconds(bytes: usize, rate: usize) -> Duration {
    Duration::from_millis(u64::try_from(bytes * 1000 / rate).expect("a time"))
}

#[test]
fn many_documents_cross_a_slow_link_on_one_connection() {
    for rate in [KILOBYTE, 4 * KILOBYTE, 15 * KILOBYTE] {
        let mut world = World::new(rate, 1);
        let down = write(world.there(0), 2_000, 300);
        let took = world.until(|world| documents(world.here(0)) == 2_000);
        assert_eq!(world.connections, 1, "down at {rate}");
        // Names, history and framing double the size.
        assert!(took < seconds(down, rate) * 2, "{took:?} down at {rate}");

        let up = write(world.here(0), 2_000, 301);
        let took = world.until(|world| documents(world.there(0)) == 4_000);
        assert_eq!(world.connections, 1, "up at {rate}");
        assert!(took < seconds(up, rate) * 2, "{took:?} up at {rate}");
    }
}

#[test]
fn the_largest_document_crosses_a_slow_link_on_one_connection() {
    for rate in [2 * KILOBYTE, 8 * KILOBYTE] {
        let mut world = World::new(rate, 1);
        let down = write(world.there(0), 1, 1_000_000);
        let took = world.until(|world| documents(world.here(0)) == 1);
        assert_eq!(world.connections, 1, "down at {rate}");
        assert!(took < seconds(down, rate) * 11 / 10, "{took:?} down at {rate}");

        let up = write(world.here(0), 1, 1_000_001);
        let took = world.until(|world| documents(world.there(0)) == 2);
        assert_eq!(world.connections, 1, "up at {rate}");
        assert!(took < seconds(up, rate) * 11 / 10, "{took:?} up at {rate}");
    }
}

#[test]
fn an_edit_does_not_interrupt_the_largest_document() {
    let mut world = World::new(8 * KILOBYTE, 1);
    write(world.there(0), 1, 1_000_000);
    let began = world.now;
    world.until(|world| world.now.since(began) > Duration::from_secs(5));
    write(world.here(0), 1, 10);
    world.until(|world| documents(world.here(0)) == 2 && documents(world.there(0)) == 2);
    assert_eq!((world.connections, world.channels), (1, 1), "the first attempt succeeded");
}

#[test]
fn the_largest_documents_cross_in_both_directions_at_once() {
    let mut world = World::new(8 * KILOBYTE, 1);
    write(world.there(0), 1, 1_000_000);
    write(world.here(0), 1, 1_000_001);
    world.until(|world| documents(world.here(0)) == 2 && documents(world.there(0)) == 2);
    assert_eq!((world.connections, world.channels), (1, 1), "the first attempt succeeded");
}

#[test]
fn many_databases_cross_a_slow_link_on_one_connection() {
    let mut world = World::new(8 * KILOBYTE, 20);
    for index in 0..20 {
        write(world.there(index), 100, 300);
    }
    write(world.here(19), 1, 10);
    world.until(|world| (0..20).all(|index| documents(world.here(index)) >= 100));
    assert_eq!((world.connections, world.channels), (1, 20), "the first attempt succeeded");
}

#[test]
fn large_documents_are_not_sent_one_by_one_over_a_fast_link() {
    let rate = 10_000 * KILOBYTE;
    let mut world = World::new(rate, 1);
    let down = write(world.there(0), 200, 100_000);
    let took = world.until(|world| documents(world.here(0)) == 200);
    assert!(took < seconds(down, rate) * 2 + Duration::from_secs(2), "{took:?} down");
}

#[test]
fn everything_crosses_a_slow_link_that_breaks_all_the_time() {
    let rate = 4 * KILOBYTE;
    let mut world = World::new(rate, 1);
    world.breaks_after = Duration::from_secs(10);
    let down = write(world.there(0), 1_000, 300);
    let took = world.until(|world| documents(world.here(0)) == 1_000);
    assert!(took < seconds(down, rate) * 4, "{took:?} down");
    let up = write(world.here(0), 1_000, 301);
    let took = world.until(|world| documents(world.there(0)) == 2_000);
    assert!(took < seconds(up, rate) * 4, "{took:?} up");
}

#[test]
fn an_edit_of_another_database_does_not_wait_for_all_of_a_large_one() {
    let mut world = World::new(8 * KILOBYTE, 2);
    write(world.there(0), 4_000, 300);
    world.until(|world| documents(world.here(0)) > 500);
    write(world.there(1), 1, 10);
    let took = world.until(|world| documents(world.here(1)) == 1);
    assert!(took < Duration::from_secs(6), "{took:?}");
    assert!(documents(world.here(0)) < 2_000, "the large one is on its way");
}

#[test]
fn a_fast_link_is_used_fully() {
    let rate = 10_000 * KILOBYTE;
    let mut world = World::new(rate, 1);
    let down = write(world.there(0), 20_000, 300);
    let took = world.until(|world| documents(world.here(0)) == 20_000);
    assert!(took < seconds(down, rate) * 2 + Duration::from_secs(2), "{took:?} down");
    let up = write(world.here(0), 20_000, 301);
    let took = world.until(|world| documents(world.there(0)) == 40_000);
    assert!(took < seconds(up, rate) * 2 + Duration::from_secs(2), "{took:?} up");
}
