//! Reading a large database doesn't delay a small one on the same connection.

use std::collections::VecDeque;

use futures_util::FutureExt;
use settee_store::{Body, Change, Database, DocumentId, Edit, Memory};
use settee_sync::{
    Channel, Checkpoint, Limits, Role, Server, Time,
    message::{Acknowledge, Changes, Hello, Message, Open},
    server::{Grant, ServerOutput},
};

const NOW: Time = Time::from_millis(1);
const SMALL: Channel = 1;
const LARGE: Channel = 2;
const DOCUMENTS: usize = 50_000;

/// A connection whose client acknowledges at once. The server's jobs are done in order.
struct Connection {
    server: Server,
    large: Database,
    small: Database,
    jobs: VecDeque<ServerOutput>,
    /// For each frame with documents, the channel and the number of bytes.
    sent: Vec<(Channel, usize)>,
    /// The number of documents of the large database that the client has.
    received: usize,
}

fn at_once<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("databases in memory answer at once")
}

fn add(database: &Database, documents: std::ops::Range<usize>) {
    let edits = documents.map(|n| {
        let body = Body::from_canonical(format!(r#"{{"title":"note {n}"}}"#).as_bytes());
        let id = DocumentId::new(&format!("note/{n}")).expect("an id");
        Edit { id, seen: Vec::new(), change: Change::Put(body.expect("a body")) }
    });
    at_once(database.write(edits.collect())).expect("they are written");
}

impl Connection {
    fn new() -> Self {
        let [large, small] = [1, 2].map(|n| Database::new(Memory::new([n; 16])));
        add(&large, 0..DOCUMENTS);
        let server = Server::new(NOW, Limits::default(), "test");
        let (jobs, sent, received) = (VecDeque::new(), Vec::new(), 0);
        let mut connection = Self { server, large, small, jobs, sent, received };
        connection.receive(Hello { versions: vec![1, 2], agent: "test".into() });
        for channel in [SMALL, LARGE] {
            let (database, credentials) = ("a".to_owned(), Vec::new());
            connection.receive(Open { channel, database, credentials, checkpoint: None });
        }
        connection
    }

    fn database(&self, channel: Channel) -> &Database {
        if channel == SMALL { &self.small } else { &self.large }
    }

    fn receive(&mut self, message: impl Into<Message>) {
        self.server.handle_frame(NOW, &message.into().encode());
        self.apply_outputs();
    }

    fn apply_outputs(&mut self) {
        while let Some(output) = self.server.poll_output() {
            let ServerOutput::Send(frame) = output else {
                self.jobs.push_back(output);
                continue;
            };
            if let Ok(Some(Message::Changes(Changes { channel, batch, documents, .. }))) =
                Message::decode(&frame)
            {
                if !documents.is_empty() {
                    self.sent.push((channel, frame.len()));
                    self.received += if channel == LARGE { documents.len() } else { 0 };
                }
                let (refused, seq, is_current) = (Vec::new(), None, None);
                self.receive(Acknowledge { channel, batch, refused, seq, is_current });
            }
        }
    }

    fn work(&mut self) {
        match self.jobs.pop_front() {
            Some(ServerOutput::Authorize(open)) => {
                let database = self.database(open.channel);
                let position = Checkpoint::new(database.incarnation(), [7; 16], database.seq());
                let grant = Grant { role: Role::Editor, position, resumed: false };
                self.server.handle_authorized(NOW, open.channel, Ok(grant));
            }
            Some(ServerOutput::Read { channel, since, limit }) => {
                let database = self.database(channel);
                let page = at_once(database.page(since, limit)).expect("it is read");
                self.server.handle_changes(NOW, channel, Some(page));
            }
            _ => {}
        }
        self.apply_outputs();
    }
}

#[test]
fn an_edit_of_a_small_database_waits_for_no_more_than_a_few_batches_of_a_large_one() {
    let mut connection = Connection::new();
    let mut edits = 0;
    let mut waits: Vec<usize> = Vec::new();
    while connection.received < DOCUMENTS {
        // Edits of the small database follow one another while the large one is read.
        if waits.len() == edits {
            add(&connection.small, edits..edits + 1);
            edits += 1;
            connection.sent.clear();
            let seq = connection.small.seq();
            connection.server.handle_news(NOW, SMALL, seq);
            connection.apply_outputs();
        }
        connection.work();
        if let Some(at) = connection.sent.iter().position(|(channel, _)| *channel == SMALL) {
            waits.push(connection.sent[..at].iter().map(|(_, bytes)| bytes).sum());
        }
    }
    assert!(edits > 10, "reading the large one takes time for some edits: {edits}");
    let longest = waits.iter().max().copied().unwrap_or_default();
    let batch = Limits::default().batch;
    assert!(longest <= batch / 4, "{longest} bytes of another database came before an edit");
    assert!(waits.iter().any(|wait| *wait > 0), "the large one was read meanwhile");
}
