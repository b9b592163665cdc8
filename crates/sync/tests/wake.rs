//! A device that wakes doesn't wait for attempts that began before it slept.

use std::time::Duration;

use settee_sync::{
    Client, Limits, Time,
    client::ClientOutput,
    message::{Hello, Message},
};

const NOW: Time = Time::from_millis(1);

fn outputs(client: &mut Client) -> Vec<&'static str> {
    let outputs = std::iter::from_fn(|| client.poll_output());
    let acts = outputs.filter_map(|output| match output {
        ClientOutput::Connect => Some("connect"),
        ClientOutput::Disconnect => Some("disconnect"),
        ClientOutput::Send(_) => Some("send"),
        _ => None,
    });
    acts.collect()
}

fn connecting() -> Client {
    let mut client = Client::new(Limits::default(), "test", 1);
    client.handle_start(NOW);
    assert_eq!(outputs(&mut client), ["connect"]);
    client
}

#[test]
fn an_old_attempt_to_connect_is_replaced() {
    let mut client = connecting();
    client.handle_wake(NOW + Duration::from_secs(2));
    assert_eq!(outputs(&mut client), ["disconnect", "connect"]);
}

#[test]
fn an_attempt_that_has_just_begun_goes_on() {
    let mut client = connecting();
    client.handle_wake(NOW + Duration::from_millis(300));
    assert!(outputs(&mut client).is_empty());
}

#[test]
fn an_old_attempt_to_greet_is_replaced_as_well() {
    let mut client = connecting();
    client.handle_connected(NOW);
    assert_eq!(outputs(&mut client), ["send"]);
    client.handle_wake(NOW + Duration::from_secs(2));
    assert_eq!(outputs(&mut client), ["disconnect", "connect"]);
}

#[test]
fn a_connection_is_pinged_before_it_counts_as_lost() {
    let mut client = connecting();
    client.handle_connected(NOW);
    let hello = Hello { versions: vec![2], agent: "test".into() };
    client.handle_frame(NOW, &Message::from(hello).encode());
    outputs(&mut client);
    let later = NOW + Duration::from_mins(1);
    client.handle_wake(later);
    client.handle_timeout(later);
    assert_eq!(outputs(&mut client), ["send"]);
    client.handle_timeout(later + Limits::default().heartbeat);
    assert_eq!(outputs(&mut client), ["disconnect"]);
}
