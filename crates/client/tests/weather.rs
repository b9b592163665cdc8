//! Connections break and stall all the time, and the server goes away. Once that is over, everybody has the
//! same within a minute, and knows it.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used)]

mod support;

use std::{io, time::Duration};

use settee_client::{Client, Replica, socket::Connector, stream::StreamConnector};
use settee_store::{Database, Memory};
use settee_sync::Limits;
use tokio::{
    io::{DuplexStream, copy_bidirectional},
    sync::watch,
    time::{Instant, sleep, timeout},
};

use support::{acknowledged, has, open, server::TestServer, write};

/// How long there are faults.
const STORM: Duration = Duration::from_mins(2);
const CLIENTS: u8 = 3;
/// What people take for broken.
const LIMIT: Duration = Duration::from_mins(1);

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    fn millis(&mut self, limit: u64) -> Duration {
        Duration::from_millis(self.below(limit))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Weather {
    Fair,
    /// Connections that are there end, and both sides notice.
    Cut,
    /// Connections that are there carry nothing any more, and neither side notices.
    Stalled,
    /// The same, and new ones can't be made.
    Down,
}

/// A client's way to the server.
fn connector(server: &TestServer, weather: watch::Receiver<Weather>) -> impl Connector + 'static {
    let server = server.clone();
    StreamConnector::new(move || {
        let (ours, theirs) = tokio::io::duplex(1024);
        let (server, weather) = (server.clone(), weather.clone());
        async move {
            if *weather.borrow() == Weather::Down {
                return Err(io::Error::other("not reached"));
            }
            tokio::spawn(carry(theirs, server.accept(), weather));
            Ok(ours)
        }
    })
}

async fn carry(
    mut one: DuplexStream,
    mut other: DuplexStream,
    mut weather: watch::Receiver<Weather>,
) {
    weather.borrow_and_update();
    loop {
        tokio::select! {
            _ = copy_bidirectional(&mut one, &mut other) => return,
            changed = weather.changed() => if changed.is_err() { return },
        }
        let now = *weather.borrow_and_update();
        match now {
            Weather::Fair => {}
            Weather::Cut => return,
            Weather::Stalled | Weather::Down => std::future::pending().await,
        }
    }
}

/// Writes, while there are faults, and then tells how much it has written.
async fn people(name: u8, database: Database, mut random: Random) -> usize {
    let began = Instant::now();
    let mut written = 0;
    while began.elapsed() < STORM {
        for _ in 0..=random.below(3) {
            write(&database, &format!("{name}/{written}"), 20).await;
            written += 1;
        }
        sleep(random.millis(2_000)).await;
    }
    written
}

async fn storm(weather: watch::Sender<Weather>, mut random: Random) -> watch::Sender<Weather> {
    let began = Instant::now();
    while began.elapsed() < STORM {
        sleep(random.millis(6_000)).await;
        let fault = match random.below(4) {
            0 => Weather::Down,
            1 => Weather::Stalled,
            _ => Weather::Cut,
        };
        weather.send_replace(fault);
        sleep(random.millis(if fault == Weather::Down { 2_000 } else { 20 })).await;
        weather.send_replace(Weather::Fair);
    }
    weather
}

async fn outlives(seed: u64) {
    let mut random = Random(seed);
    let mut draw = || Random(random.below(u64::MAX));
    let server = TestServer::new(&["list"]);
    let mut clients: Vec<(Client, Database, Replica)> = Vec::new();
    let mut tasks = Vec::new();
    let mut storms = Vec::new();
    for number in 0..CLIENTS {
        let (sender, weather) = watch::channel(Weather::Fair);
        let chance = draw().below(u64::MAX);
        let (client, run) =
            Client::new(connector(&server, weather), Limits::default(), "test", chance);
        tokio::spawn(run);
        let database = Database::new(Memory::new([10 + number; 16]));
        let replica = open(&client, &database, "list").await;
        tasks.push(tokio::spawn(people(number, database.clone(), draw())));
        storms.push(tokio::spawn(storm(sender, draw())));
        clients.push((client, database, replica));
    }
    let mut written = 0;
    for task in tasks {
        written += task.await.unwrap();
    }
    let mut senders = Vec::new();
    for storm in storms {
        senders.push(storm.await.unwrap());
    }
    let over = Instant::now();
    for (client, database, replica) in &clients {
        let all = async {
            acknowledged(database).await;
            has(database, written).await;
            client.up_to_date(*replica).await.unwrap();
        };
        let outcome = timeout(LIMIT, all).await;
        let status = client.status().borrow().clone();
        assert!(outcome.is_ok(), "seed {seed}, after {:?}: {status:?}", over.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn everybody_has_the_same_a_minute_after_a_storm() {
    for seed in 0..20 {
        outlives(seed).await;
    }
}
