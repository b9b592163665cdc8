//! A device that can't save what the server sends tries again: soon after the first failure, and less and
//! less often as long as it goes on.

use std::time::Duration;

use settee_store::Counts;
use settee_sync::{
    Client, Limits, Role, Time,
    client::{
        ClientOutput, Replica,
        status::{ChannelStatus, ReplicaStatus},
    },
    message::{BatchNumber, Changes, Channel, Hello, Message, Opened, Ping},
};

/// What takes no longer is soon.
const SOON: Duration = Duration::from_secs(3);

struct Device {
    client: Client,
    replica: Replica,
    now: Time,
    channel: Channel,
}

impl Device {
    fn new() -> Self {
        let now = Time::from_millis(1);
        let mut client = Client::new(Limits::default(), "test", 1);
        client.handle_start(now);
        client.handle_connected(now);
        let replica = client.handle_add(now, "list".into(), Vec::new(), None, false);
        client.handle_news(now, replica, Counts::default());
        let mut device = Self { client, replica, now, channel: 0 };
        device.receive(Hello { versions: vec![2], agent: "test".into() });
        device
    }

    fn receive(&mut self, message: impl Into<Message>) {
        self.client.handle_frame(self.now, &message.into().encode());
    }

    fn status(&self) -> ReplicaStatus {
        self.client.replica_status(self.replica).expect("it was added")
    }

    /// The server opens the channel that was asked for.
    fn opens(&mut self) {
        let outputs = std::iter::from_fn(|| self.client.poll_output());
        let opens = outputs.filter_map(|output| match output {
            ClientOutput::Send(frame) => match Message::decode(&frame) {
                Ok(Some(Message::Open(open))) => Some(open.channel),
                _ => None,
            },
            _ => None,
        });
        let channel = opens.last().expect("a channel was asked for");
        self.channel = channel;
        let (incarnation, run) = ([1; 16].into(), [2; 16].into());
        let (role, seq, resumed, allowance) = (Role::Editor, 1, false, None);
        self.receive(Opened { channel, role, incarnation, run, seq, resumed, allowance });
    }

    /// The server sends a batch, which is saved.
    fn saves(&mut self, batch: BatchNumber) {
        self.is_sent(batch);
        self.client.handle_committed(self.now, self.replica, batch, Some(0));
    }

    /// The server sends a batch, which can't be saved. Returns how long it is until the channel is asked
    /// for again.
    fn fails(&mut self, batch: BatchNumber) -> Duration {
        self.is_sent(batch);
        self.client.handle_committed(self.now, self.replica, batch, None);
        assert!(self.status().is_unsaved);
        let began = self.now;
        while self.status().channel != ChannelStatus::Opening {
            let next = self.client.poll_timeout().expect("it waits for something");
            // The connection works.
            self.now = next.min(self.now + Duration::from_secs(1));
            self.receive(Ping {});
            self.client.handle_timeout(self.now);
        }
        self.now.since(began)
    }

    fn is_sent(&mut self, batch: BatchNumber) {
        let (channel, seq) = (self.channel, Some(u64::from(batch) + 1));
        self.receive(Changes { channel, batch, seq, documents: Vec::new(), latest: None });
    }
}

#[test]
fn a_store_that_fails_is_tried_again_soon_and_then_less_and_less_often() {
    let mut device = Device::new();
    let mut waits = Vec::new();
    for _ in 0..60 {
        device.opens();
        waits.push(device.fails(0));
    }
    assert!(waits[0] <= SOON, "{waits:?}");
    let late: Duration = waits[10..].iter().sum();
    assert!(late / 50 > Duration::from_secs(10), "{waits:?}");
    assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(33)), "{waits:?}");
}

#[test]
fn a_store_that_has_worked_in_between_is_tried_again_soon() {
    let mut device = Device::new();
    for _ in 0..20 {
        device.opens();
        device.fails(0);
    }
    device.opens();
    device.saves(0);
    let wait = device.fails(1);
    assert!(wait <= SOON, "{wait:?}");
}
