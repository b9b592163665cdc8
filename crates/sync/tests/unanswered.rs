//! A client that takes what it is sent and never answers loses the channel, and no other.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use settee_store::{Body, Change, Database, DocumentId, Edit, Memory, Page};
use settee_sync::{
    Checkpoint, DenialCode, Limits, Role, Server, Time,
    message::{Closed, Hello, Message, Open, Pong, VERSIONS},
    server::{Grant, ServerOutput},
};

const START: Time = Time::from_millis(0);
const QUIET: u32 = 1;
const SILENT: u32 = 2;

/// A server's machine with two channels; the second one's database has a document.
struct Connection {
    server: Server,
    memory: Memory,
}

impl Connection {
    fn open() -> Self {
        let memory = Memory::new([1; 16]);
        let database = Database::new(memory.clone());
        let body = Body::from_canonical(br#"{"text":"milk"}"#).unwrap();
        let edit = Edit {
            id: DocumentId::new("note/1").unwrap(),
            seen: Vec::new(),
            change: Change::Put(body),
        };
        at_once(database.write(vec![edit])).unwrap();
        let mut connection = Self { server: Server::new(START, Limits::default(), "test"), memory };
        let hello = Hello { versions: VERSIONS.to_vec(), agent: "test".into() };
        connection.receive(START, hello);
        for channel in [QUIET, SILENT] {
            let (database, credentials) = (channel.to_string(), Vec::new());
            connection.receive(START, Open { channel, database, credentials, checkpoint: None });
        }
        connection
    }

    fn receive(&mut self, now: Time, message: impl Into<Message>) {
        self.server.handle_frame(now, &message.into().encode());
    }

    /// Does what the machine asks for, and returns the channels that it has closed, each with the code.
    fn closed(&mut self, now: Time) -> Vec<(u32, DenialCode)> {
        let mut closed = Vec::new();
        while let Some(output) = self.server.poll_output() {
            match output {
                ServerOutput::Authorize(Open { channel, .. }) => {
                    let seq = u64::from(channel == SILENT);
                    let position = Checkpoint::new([1; 16], [1; 16], seq);
                    let grant = Grant { role: Role::Editor, position, resumed: false };
                    self.server.handle_authorized(now, channel, Ok(grant));
                }
                ServerOutput::Read { channel, since, limit } if channel == SILENT => {
                    let page = at_once(Page::read(&self.memory, since, limit)).unwrap();
                    self.server.handle_changes(now, channel, Some(page));
                }
                ServerOutput::Read { channel, .. } => {
                    self.server.handle_changes(
                        now,
                        channel,
                        Some(Page { records: Vec::new(), is_last: true, seq: 0 }),
                    );
                }
                ServerOutput::Send(frame) => {
                    if let Ok(Some(Message::Closed(Closed { channel, code, .. }))) =
                        Message::decode(&frame)
                    {
                        closed.push((channel, code));
                    }
                }
                ServerOutput::Disconnect(code) => panic!("the connection ended: {code:?}"),
                _ => {}
            }
        }
        closed
    }
}

fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("memory answers at once"),
    }
}

#[test]
fn a_channel_without_answers_is_closed_after_a_while() {
    let mut connection = Connection::open();
    let patience = Limits::default().patience;
    assert_eq!(connection.closed(START), []);
    let mut now = START;
    let closed = loop {
        now = now + Duration::from_secs(1);
        // The client is there, and says so.
        connection.receive(now, Pong {});
        connection.server.handle_timeout(now);
        let closed = connection.closed(now);
        if !closed.is_empty() {
            break closed;
        }
        assert!(now.since(START) < patience * 2, "it is never closed");
    };
    assert_eq!(closed, [(SILENT, DenialCode::Unavailable)]);
    assert!(now.since(START) >= patience);
}
