//! A client takes the server's batches in the order of their numbers only.

use settee_store::Counts;
use settee_sync::{
    Client, Limits, Role, Time,
    client::{
        ClientOutput,
        status::{ConnectionStatus, OfflineReason},
    },
    message::{Changes, Hello, Message, Opened},
};

const NOW: Time = Time::from_millis(1);

/// A client that has asked for a channel.
fn opening() -> Client {
    let mut client = Client::new(Limits::default(), "test", 1);
    client.handle_start(NOW);
    client.handle_connected(NOW);
    receive(&mut client, Hello { versions: vec![2], agent: "test".into() });
    let replica = client.handle_add(NOW, "list".into(), Vec::new(), None, false);
    client.handle_news(NOW, replica, Counts::default());
    client
}

fn open() -> Client {
    let mut client = opening();
    let (incarnation, run) = ([1; 16].into(), [2; 16].into());
    let (channel, role, seq, resumed) = (0, Role::Viewer, 7, false);
    let allowance = None;
    receive(&mut client, Opened { channel, role, incarnation, run, seq, resumed, allowance });
    client
}

fn receive(client: &mut Client, message: impl Into<Message>) {
    client.handle_frame(NOW, &message.into().encode());
}

fn batch(batch: u32) -> Changes {
    Changes { channel: 0, batch, seq: Some(7), documents: Vec::new(), latest: None }
}

fn commits(client: &mut Client) -> usize {
    let outputs = std::iter::from_fn(|| client.poll_output());
    outputs.filter(|output| matches!(output, ClientOutput::Commit { .. })).count()
}

fn has_protocol_error(client: &Client) -> bool {
    let status = client.connection_status();
    let reason = OfflineReason::ProtocolError;
    matches!(status, ConnectionStatus::Offline { reason: given, .. } if given == reason)
}

#[test]
fn batches_in_order_are_committed() {
    let mut client = open();
    receive(&mut client, batch(0));
    receive(&mut client, batch(1));
    assert_eq!(commits(&mut client), 2);
    assert_eq!(client.connection_status(), ConnectionStatus::Online);
}

#[test]
fn a_missing_batch_is_an_error() {
    let mut client = open();
    receive(&mut client, batch(1));
    assert_eq!(commits(&mut client), 0);
    assert!(has_protocol_error(&client));
}

#[test]
fn a_batch_that_comes_twice_is_taken_once_and_is_an_error() {
    let mut client = open();
    receive(&mut client, batch(0));
    receive(&mut client, batch(0));
    assert_eq!(commits(&mut client), 1);
    assert!(has_protocol_error(&client));
}

#[test]
fn a_batch_on_a_channel_that_is_not_open_is_an_error() {
    let mut client = opening();
    receive(&mut client, batch(0));
    assert_eq!(commits(&mut client), 0);
    assert!(has_protocol_error(&client));
}
