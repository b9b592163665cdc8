//! Both machines in a session. The input's bytes decide what happens to them, and in which order.
//!
//! - `device`: the client's end; `service`: the server's end and its connections.
//! - `lane`: the frames between them; `forgery`: frames that no machine of ours has sent.
//! - `documents`: what is written.

mod device;
mod documents;
mod forgery;
mod lane;
mod service;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::FutureExt;
use settee_store::{Body, Database, DocumentId, Record, Revision};
use settee_sync::{Limits, Time, digest::Digests};

use crate::input::Input;
use device::{Act, Device};
use service::{Connection, Service};

/// Bytes of an input that are used. More inputs find more than longer ones.
const LENGTH: usize = 128;
const DATABASES: u8 = 2;
/// Most steps until both sides have the same.
const STEPS: usize = 4000;
/// Steps at the end of a session with forged frames, in which the two sides may never come to the same.
const STEPS_FORGED: usize = 200;

/// Interprets the bytes as the events of a session. The machines must always stay within their limits.
/// If nothing was forged, both sides must have the same in the end.
pub fn session(data: &[u8]) {
    let mut input = Input(&data[..data.len().min(LENGTH)]);
    let mut session = Session::new(input.byte());
    while !input.is_empty() {
        session.event(&mut input);
        session.check();
    }
    session.settle();
}

struct Session {
    now: Time,
    limits: Limits,
    device: Device,
    service: Service,
    /// The device waits to be connected.
    is_connecting: bool,
    connection: Option<Connection>,
    /// A connection that the device has left. The server may not have noticed.
    left: Option<Connection>,
    /// The protocol versions that the server speaks.
    versions: &'static [u8],
    faults: Faults,
    /// A frame was forged.
    has_forged: bool,
}

/// The faults of frames.
#[derive(Clone, Copy)]
struct Faults {
    /// Frames get lost, come twice, or come in another order.
    has_loss: bool,
    /// Frames are forged.
    has_forger: bool,
}

impl Session {
    fn new(choice: u8) -> Self {
        // Small limits, so that they are reached.
        let limits = Limits {
            batch: 256,
            batch_documents: 2,
            credit: 512,
            offer: 90,
            window: (400, 100),
            channels: usize::from(DATABASES),
            ..Limits::default()
        };
        let mut session = Self {
            now: Time::default(),
            device: Device::new(limits.clone(), DATABASES, spoken(usize::from(choice >> 2 & 1))),
            limits,
            service: Service::new(DATABASES),
            is_connecting: false,
            connection: None,
            left: None,
            versions: spoken(usize::from(choice >> 3 & 1) * 2),
            faults: Faults { has_loss: choice & 1 != 0, has_forger: choice & 2 != 0 },
            has_forged: false,
        };
        session.apply_outputs();
        session
    }

    /// One event of the input.
    fn event(&mut self, input: &mut Input<'_>) {
        self.on_main(|connection| connection.up.causes += 1);
        let choice = input.byte();
        let (bit, index) = (choice & 32 != 0, usize::from(choice >> 6) % usize::from(DATABASES));
        match choice % 32 {
            0..=2 => drop(self.deliver_up()),
            3..=5 => drop(self.deliver_down()),
            6..=8 => self.on_connection(bit, |connection, now, service| {
                connection.work(now, service);
            }),
            9 | 10 => self.device.edit(index, input),
            11 if !device::is_lazy(index) || self.service.databases[index].seq() > 0 => {
                self.service.edit(index, input);
            }
            12 => drop(self.device.tell(self.now)),
            13 => self.on_connection(bit, |connection, now, service| {
                connection.tell(now, service);
            }),
            14 => self.connect(),
            15 => {
                if bit {
                    // The server doesn't notice yet.
                    self.left = self.connection.take();
                }
                self.hang_up();
            }
            16 => self.wait(input.byte()),
            17..=19 if self.faults.has_loss => self.disturb(choice % 32, bit),
            20..=22 if self.faults.has_forger => self.forge(choice % 32, bit, input),
            17..=22 => drop(self.go_on()),
            23..=29 => self.interfere(choice, input),
            _ => {
                for _ in 0..=choice / 8 {
                    self.go_on();
                }
            }
        }
        self.apply_outputs();
    }

    /// A frame gets lost, comes late, or comes twice.
    fn disturb(&mut self, kind: u8, is_up: bool) {
        match (kind, is_up) {
            (17, true) => self.on_main(|connection| drop(connection.up.next())),
            (17, false) => self.on_main(|connection| drop(connection.down.next())),
            (18, true) => self.on_main(|connection| connection.up.delay()),
            (18, false) => self.on_main(|connection| connection.down.delay()),
            _ => {
                let frame = self.connection.as_ref().map(|connection| {
                    if is_up { connection.up.last() } else { connection.down.last() }
                });
                if let Some(frame) = frame.filter(|frame| !frame.is_empty()) {
                    self.deliver(is_up, &frame);
                }
            }
        }
    }

    /// A frame is forged, or changed on its way.
    fn forge(&mut self, kind: u8, is_up: bool, input: &mut Input<'_>) {
        if kind < 22 {
            let frame = forgery::forged(input);
            self.has_forged = true;
            return self.deliver(is_up, &frame);
        }
        let next = self.connection.as_mut().and_then(|connection| {
            if is_up { connection.up.next() } else { connection.down.next() }
        });
        if let Some(frame) = next {
            self.has_forged = true;
            self.deliver(is_up, &forgery::mutated(frame, input));
        }
    }

    /// Something happens to the device or to the server.
    fn interfere(&mut self, choice: u8, input: &mut Input<'_>) {
        let (bit, index) = (choice & 32 != 0, usize::from(choice >> 6) % usize::from(DATABASES));
        match choice % 32 {
            23 if bit => self.device.fail(index, input.byte()),
            23 => self.service.fail(index, input.byte() & 1 == 0),
            24 if bit => self.device.remove(self.now, index),
            24 | 25 => self.device.add(self.now, index, choice % 3),
            26 => self.device.replace_credentials(self.now, index, input.byte() % 5),
            27 if bit => self.on_main(Connection::stop),
            27 => self.on_main(|connection| connection.revoke(choice)),
            28 if bit => self.device.machine.handle_wake(self.now),
            28 => self.device.machine.handle_offline(self.now),
            29 if bit => self.device.compact(index),
            _ => self.service.compact(index),
        }
    }

    /// Does the next thing that waits to be done. False if there is none.
    fn go_on(&mut self) -> bool {
        let (now, service) = (self.now, &self.service);
        let works = |connection: &mut Option<Connection>| {
            connection.as_mut().is_some_and(|connection| {
                connection.work(now, service) || connection.tell(now, service)
            })
        };
        let is_done = works(&mut self.connection) || works(&mut self.left);
        let is_done = is_done || self.device.tell(now);
        self.apply_outputs();
        if is_done || self.deliver_down() || self.deliver_up() {
            return true;
        }
        let is_connecting = self.is_connecting;
        self.connect();
        is_connecting
    }

    /// Delivers the next frame to the server, first on the connection that was left.
    fn deliver_up(&mut self) -> bool {
        let now = self.now;
        if let Some(left) = &mut self.left {
            let is_busy = !left.is_over && !left.can_receive() && left.work(now, &self.service);
            if !is_busy {
                match left.up.next() {
                    Some(frame) if left.can_receive() => left.receive(now, &frame),
                    // The connection is over, or the server will never read from it again.
                    _ => self.left = None,
                }
            }
            return true;
        }
        let Some(connection) = self.connection.as_mut().filter(|it| it.can_receive()) else {
            return false;
        };
        let next = connection.up.next();
        if let Some(frame) = &next {
            connection.receive(now, frame);
        }
        next.is_some()
    }

    /// Delivers the next frame to the device, or the end of the connection.
    fn deliver_down(&mut self) -> bool {
        let Some(connection) = &mut self.connection else { return false };
        if let Some(frame) = connection.down.next() {
            self.deliver(false, &frame);
        } else if connection.is_over {
            self.hang_up();
        } else {
            return false;
        }
        true
    }

    /// Delivers a frame to one end, wherever it comes from.
    fn deliver(&mut self, is_up: bool, frame: &[u8]) {
        let Some(connection) = &mut self.connection else { return };
        if is_up {
            if connection.can_receive() {
                connection.receive(self.now, frame);
            }
        } else {
            connection.up.causes += 1;
            self.device.machine.handle_frame(self.now, frame);
            self.apply_outputs();
        }
    }

    fn connect(&mut self) {
        if std::mem::take(&mut self.is_connecting) {
            let mut connection = Connection::new(self.now, self.limits.clone(), self.versions);
            // Both sides greet.
            (connection.up.causes, connection.down.causes) = (1, 1);
            self.connection = Some(connection);
            self.device.machine.handle_connected(self.now);
            self.apply_outputs();
        }
    }

    /// The connection breaks, and the device notices.
    fn hang_up(&mut self) {
        self.is_connecting = false;
        self.connection = None;
        self.device.machine.handle_disconnected(self.now);
        self.apply_outputs();
    }

    fn wait(&mut self, choice: u8) {
        let millis = [1, 100, 1000, 5000, 15_000, 30_000, 60_000, 600_000][usize::from(choice % 8)];
        self.now = self.now + Duration::from_millis(millis);
        self.check_timeouts();
    }

    fn check_timeouts(&mut self) {
        let now = self.now;
        for connection in self.connection.iter_mut().chain(&mut self.left) {
            connection.check_timeout(now);
        }
        if self.device.machine.poll_timeout().is_some_and(|at| at <= now) {
            if let Some(connection) = &mut self.connection {
                connection.up.causes += 1;
            }
            self.device.machine.handle_timeout(now);
            self.apply_outputs();
        }
    }

    fn on_connection(&mut self, is_left: bool, act: impl FnOnce(&mut Connection, Time, &Service)) {
        let connection = if is_left { &mut self.left } else { &mut self.connection };
        if let Some(connection) = connection {
            act(connection, self.now, &self.service);
        }
    }

    fn on_main(&mut self, act: impl FnOnce(&mut Connection)) {
        self.on_connection(false, |connection, _, _| act(connection));
    }

    /// Does what the device's machine says.
    fn apply_outputs(&mut self) {
        let Self { device, connection, left, is_connecting, .. } = self;
        device.apply_outputs(self.now, |act| match act {
            Act::Send(frame) => {
                if let Some(connection) = connection {
                    connection.up.send(frame);
                }
            }
            Act::Connect | Act::HangUp => {
                *is_connecting = matches!(act, Act::Connect);
                *left = connection.take().or_else(|| left.take());
            }
        });
    }

    fn check(&self) {
        for connection in self.connection.iter().chain(&self.left) {
            connection.up.check(self.limits.credit);
            connection.down.check(self.limits.credit);
        }
    }

    /// The faults end and the device may write. Soon both sides must have the same.
    fn settle(&mut self) {
        self.device.mend();
        self.left = None;
        self.hang_up();
        for index in 0..usize::from(DATABASES) {
            self.service.fail(index, false);
            self.device.add(self.now, index, 1);
            self.device.replace_credentials(self.now, index, 1);
        }
        self.apply_outputs();
        for _ in 0..if self.has_forged { STEPS_FORGED } else { STEPS } {
            self.check();
            if self.go_on() {
                continue;
            }
            if self.device.is_done() {
                break;
            }
            let machines = self.connection.iter().map(|connection| &connection.machine);
            let next = machines.filter_map(settee_sync::Server::poll_timeout);
            let Some(next) = next.chain(self.device.machine.poll_timeout()).min() else { break };
            self.now = next.max(self.now + Duration::from_millis(1));
            self.check_timeouts();
        }
        if self.has_forged {
            return;
        }
        assert!(self.device.is_done(), "the two sides never have the same");
        for (store, there) in self.device.stores.iter().zip(&self.service.databases) {
            assert_eq!(live(&store.database), live(there), "both sides have the same");
        }
    }
}

/// All versions of the protocol, or those of an earlier release.
fn spoken(earlier: usize) -> &'static [u8] {
    let all = settee_sync::message::VERSIONS;
    &all[..all.len().saturating_sub(earlier).max(1)]
}

type Live = BTreeMap<DocumentId, (Vec<Revision>, Body)>;

/// What people see. A replica that began empty may lack documents that were deleted before.
fn live(database: &Database) -> Live {
    let records = at_once(database.changes(0, usize::MAX)).expect("what is in memory can be read");
    let live = records.iter().filter_map(|record| {
        let document = record.document().filter(|document| !document.deleted)?;
        let leaves = record.tree.leaves().into_iter().filter(|leaf| !leaf.deleted);
        Some((document.id, (leaves.map(|leaf| leaf.revision).collect(), document.body)))
    });
    live.collect()
}

fn name(index: usize) -> String {
    index.to_string()
}

fn digests(records: &[Arc<Record>]) -> Digests {
    Digests::of(records.iter().map(AsRef::as_ref))
}

/// Databases in memory answer at once.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("databases in memory answer at once")
}
