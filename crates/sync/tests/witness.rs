//! Whenever the client stores that the server has something, it also stores the server's update
//! sequence. So it notices if the server loses that.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::Arc;

use futures_util::FutureExt;
use settee_store::{Body, Change, Counts, Database, DocumentId, Edit, Memory, Record};
use settee_sync::{
    Checkpoint, Client, Limits, Role, Time,
    client::{ClientOutput, Replica},
    digest::Digests,
    message::{Acknowledge, Changes, Differences, Hello, Message, Opened},
};

const NOW: Time = Time::from_millis(1);
const SEQ: u64 = 14;

fn receive(client: &mut Client, message: impl Into<Message>) -> Vec<ClientOutput> {
    client.handle_frame(NOW, &message.into().encode());
    std::iter::from_fn(|| client.poll_output()).collect()
}

/// A pending document that only this client has.
fn pending() -> (Vec<Arc<Record>>, Counts) {
    let database = Database::new(Memory::new([1; 16]));
    let id = DocumentId::new("note/1").unwrap();
    let edit = Edit { id, seen: Vec::new(), change: Change::Put(Body::empty()) };
    database.write(vec![edit]).now_or_never().unwrap().unwrap();
    let records = database.pending(1).now_or_never().unwrap().unwrap();
    (records, database.counts().now_or_never().unwrap().unwrap())
}

/// A client with an open channel. The server has begun another run since the client's checkpoint.
fn open(resumed: bool) -> (Client, Replica) {
    let mut client = Client::new(Limits::default(), "test", 1);
    client.handle_start(NOW);
    client.handle_connected(NOW);
    receive(&mut client, Hello { versions: vec![2], agent: "test".into() });
    let checkpoint = Some(Checkpoint::new([1; 16], [2; 16], SEQ));
    let replica = client.handle_add(NOW, "list".into(), Vec::new(), checkpoint, false);
    client.handle_news(NOW, replica, pending().1);
    let (incarnation, run) = ([1; 16].into(), [3; 16].into());
    let (channel, role, seq, allowance) = (0, Role::Editor, SEQ + 6, None);
    receive(&mut client, Opened { channel, role, incarnation, run, seq, resumed, allowance });
    (client, replica)
}

fn acknowledged(client: &mut Client, replica: Replica) -> Option<Checkpoint> {
    client.handle_pending(NOW, replica, &pending().0);
    let seq = Some(SEQ + 7);
    let acknowledge =
        Acknowledge { channel: 0, batch: 0, refused: Vec::new(), seq, is_current: None };
    receive(client, acknowledge).into_iter().find_map(|output| match output {
        ClientOutput::Settle { verdict, .. } => verdict.checkpoint,
        _ => None,
    })
}

fn after_batch(client: &mut Client) -> Option<Checkpoint> {
    let latest = Some(SEQ + 9);
    let changes = Changes { channel: 0, batch: 0, seq: None, documents: Vec::new(), latest };
    receive(client, changes).into_iter().find_map(|output| match output {
        ClientOutput::Commit { checkpoint, .. } => checkpoint,
        _ => None,
    })
}

/// The server has lost something, and the comparison has come to documents in both directions.
fn compared() -> (Client, Replica) {
    let (mut client, replica) = open(false);
    client.handle_digests(NOW, replica, Some(Digests::default().into_documents()));
    let (seq, buckets, documents) = (SEQ + 6, Vec::new(), Some(Vec::new()));
    receive(&mut client, Differences { channel: 0, seq, buckets, documents });
    client.handle_resent(NOW, replica, true);
    (client, replica)
}

#[test]
fn an_acknowledgement_is_witnessed_although_nothing_new_was_read() {
    let (mut client, replica) = open(true);
    let kept = acknowledged(&mut client, replica).expect("it is stored");
    assert_eq!((kept.seq, kept.witnessed), (SEQ, SEQ + 7));
}

#[test]
fn a_batch_without_a_sequence_is_witnessed_as_well() {
    let (mut client, _) = open(true);
    let kept = after_batch(&mut client).expect("it is stored");
    assert_eq!((kept.seq, kept.witnessed), (SEQ, SEQ + 9));
}

#[test]
fn the_stored_witness_is_shown_at_the_next_opening() {
    let (mut client, replica) = open(true);
    after_batch(&mut client);
    client.handle_committed(NOW, replica, 0, Some(0));
    client.handle_disconnected(NOW);
    client.handle_wake(NOW);
    client.handle_connected(NOW);
    let outputs = receive(&mut client, Hello { versions: vec![2], agent: "test".into() });
    let opening = outputs.iter().find_map(|output| match output {
        ClientOutput::Send(frame) => match Message::decode(frame) {
            Ok(Some(Message::Open(open))) => open.checkpoint,
            _ => None,
        },
        _ => None,
    });
    assert_eq!(opening.map(|shown| (shown.seq, shown.witnessed)), Some((SEQ, SEQ + 9)));
}

#[test]
fn a_comparison_that_was_interrupted_comes_again_wherever_the_server_is_then() {
    let (mut client, replica) = compared();
    let kept = acknowledged(&mut client, replica).expect("it is stored");
    assert_eq!((kept.seq, kept.witnessed), (SEQ, u64::MAX));
    let (mut client, _) = compared();
    let kept = after_batch(&mut client).expect("it is stored");
    assert_eq!((kept.seq, kept.witnessed), (SEQ, u64::MAX));
}

/// The checkpoint that the client shows on the next connection.
fn shown_next(client: &mut Client) -> Option<Checkpoint> {
    client.handle_disconnected(NOW);
    client.handle_wake(NOW);
    client.handle_connected(NOW);
    let outputs = receive(client, Hello { versions: vec![2], agent: "test".into() });
    outputs.into_iter().find_map(|output| match output {
        ClientOutput::Send(frame) => match Message::decode(&frame) {
            Ok(Some(Message::Open(open))) => open.checkpoint,
            _ => None,
        },
        _ => None,
    })
}

#[test]
fn what_the_store_has_rejected_is_asked_for_again() {
    let (mut client, replica) = open(true);
    after_batch(&mut client);
    client.handle_committed(NOW, replica, 0, Some(2));
    let stored = std::iter::from_fn(|| client.poll_output()).find_map(|output| match output {
        ClientOutput::Settle { verdict, .. } => verdict.checkpoint,
        _ => None,
    });
    assert_eq!(stored.map(|kept| (kept.seq, kept.witnessed)), Some((SEQ, u64::MAX)));
    assert_eq!(client.replica_status(replica).unwrap().unreadable, 2);
    assert_eq!(shown_next(&mut client), stored);

    // The next time the two sides compare, and the store takes everything.
    let (incarnation, run) = ([1; 16].into(), [3; 16].into());
    let (channel, role, seq, allowance) = (0, Role::Editor, SEQ + 9, None);
    let resumed = false;
    receive(&mut client, Opened { channel, role, incarnation, run, seq, resumed, allowance });
    client.handle_digests(NOW, replica, Some(Digests::default().into_documents()));
    let (seq, buckets, documents) = (SEQ + 9, Vec::new(), Some(Vec::new()));
    receive(&mut client, Differences { channel: 0, seq, buckets, documents });
    client.handle_resent(NOW, replica, true);
    let (seq, documents, latest) = (Some(SEQ + 9), Vec::new(), None);
    receive(&mut client, Changes { channel: 0, batch: 0, seq, documents, latest });
    client.handle_committed(NOW, replica, 0, Some(0));
    assert_eq!(client.replica_status(replica).unwrap().unreadable, 0);
    let shown = shown_next(&mut client);
    assert_eq!(shown.map(|shown| (shown.seq, shown.witnessed)), Some((SEQ + 9, SEQ + 9)));
}
