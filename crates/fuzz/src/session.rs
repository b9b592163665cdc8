//! Both machines in a session: what happens to them, and in which order, is made of bytes.
//!
//! - `device`: the client's end; `service`: the server's end and its connections.
//! - `lane`: what is under way between them; `forgery`: what nobody has sent.
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

/// Bytes of an input that are looked at: more inputs find more than longer ones.
const LENGTH: usize = 128;
const DATABASES: u8 = 2;
/// Steps that it takes at most until all is quiet.
const STEPS: usize = 4000;
/// Steps after which those who were lied to are left to themselves.
const STEPS_DECEIVED: usize = 200;

/// Takes the bytes for what happens in a session. Whatever it was, the machines stay within
/// bounds; and where nothing was forged, both sides have the same in the end.
pub fn session(data: &[u8]) {
    let mut input = Input(&data[..data.len().min(LENGTH)]);
    let mut session = Session::new(input.byte());
    while !input.is_empty() {
        session.live(&mut input);
        session.check();
    }
    session.come_to_rest();
}

struct Session {
    now: Time,
    limits: Limits,
    device: Device,
    service: Service,
    /// The device waits for a connection.
    is_connecting: bool,
    connection: Option<Connection>,
    /// One that the device has left, which the server may not know yet.
    left: Option<Connection>,
    /// What the server speaks.
    versions: &'static [u8],
    faults: Faults,
    /// Somebody has forged a frame.
    is_deceived: bool,
}

/// What may go wrong with frames.
#[derive(Clone, Copy)]
struct Faults {
    /// They get lost, come twice, or come in another order.
    has_loss: bool,
    /// Somebody makes others.
    has_forger: bool,
}

impl Session {
    fn new(says: u8) -> Self {
        // Small ones, so that they are reached.
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
            device: Device::new(limits.clone(), DATABASES, spoken(says & 4 != 0)),
            limits,
            service: Service::new(DATABASES),
            is_connecting: false,
            connection: None,
            left: None,
            versions: spoken(says & 8 != 0),
            faults: Faults { has_loss: says & 1 != 0, has_forger: says & 2 != 0 },
            is_deceived: false,
        };
        session.obey();
        session
    }

    /// The next thing that happens.
    fn live(&mut self, input: &mut Input<'_>) {
        self.lane(|connection| connection.up.causes += 1);
        let says = input.byte();
        let (bit, index) = (says & 32 != 0, usize::from(says >> 6) % usize::from(DATABASES));
        match says % 32 {
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
                    // The server doesn't know yet.
                    self.left = self.connection.take();
                }
                self.hang_up();
            }
            16 => self.wait(input.byte()),
            17..=19 if !self.faults.has_loss => drop(self.go_on()),
            17 if bit => self.lane(|connection| drop(connection.up.next())),
            17 => self.lane(|connection| drop(connection.down.next())),
            18 if bit => self.lane(|connection| connection.up.delay()),
            18 => self.lane(|connection| connection.down.delay()),
            19 => {
                let frame = self.connection.as_ref().map(|connection| {
                    if bit { connection.up.last() } else { connection.down.last() }
                });
                if let Some(frame) = frame.filter(|frame| !frame.is_empty()) {
                    self.hear(bit, &frame);
                }
            }
            20..=22 if !self.faults.has_forger => drop(self.go_on()),
            20 | 21 => {
                let frame = forgery::forged(input);
                self.is_deceived = true;
                self.hear(bit, &frame);
            }
            22 => {
                let next = self.connection.as_mut().and_then(|connection| {
                    if bit { connection.up.next() } else { connection.down.next() }
                });
                if let Some(frame) = next {
                    self.is_deceived = true;
                    self.hear(bit, &forgery::mutated(frame, input));
                }
            }
            23 if bit => self.device.fail(index, input.byte()),
            23 => self.service.fail(index, input.byte() & 1 == 0),
            24 if bit => self.device.remove(self.now, index),
            24 | 25 => self.device.add(self.now, index, says % 3),
            26 => self.device.replace_credentials(self.now, index, input.byte() % 5),
            27 if bit => self.on_connection(false, |connection, _, _| connection.stop()),
            27 => self.on_connection(false, |connection, _, _| connection.revoke(says)),
            28 if bit => self.device.machine.handle_wake(self.now),
            28 => self.device.machine.handle_offline(self.now),
            29 if bit => self.device.compact(index),
            29 => self.service.compact(index),
            _ => {
                for _ in 0..=says / 8 {
                    self.go_on();
                }
            }
        }
        self.obey();
    }

    /// Does something that waits to be done, if there is anything.
    fn go_on(&mut self) -> bool {
        let (now, service) = (self.now, &self.service);
        let works = |connection: &mut Option<Connection>| {
            connection.as_mut().is_some_and(|connection| {
                connection.work(now, service) || connection.tell(now, service)
            })
        };
        let is_done = works(&mut self.connection) || works(&mut self.left);
        let is_done = is_done || self.device.tell(now);
        self.obey();
        if is_done || self.deliver_down() || self.deliver_up() {
            return true;
        }
        let is_connecting = self.is_connecting;
        self.connect();
        is_connecting
    }

    /// The server hears the next frame, first of the connection that was left.
    fn deliver_up(&mut self) -> bool {
        let now = self.now;
        if let Some(left) = &mut self.left {
            let is_busy = !left.is_over && !left.hears() && left.work(now, &self.service);
            if !is_busy {
                match left.up.next() {
                    Some(frame) if left.hears() => left.hear(now, &frame),
                    // It is over, or takes nothing more and never will.
                    _ => self.left = None,
                }
            }
            return true;
        }
        let Some(connection) = self.connection.as_mut().filter(|it| it.hears()) else {
            return false;
        };
        let next = connection.up.next();
        if let Some(frame) = &next {
            connection.hear(now, frame);
        }
        next.is_some()
    }

    /// The device hears the next frame, or that there are no more.
    fn deliver_down(&mut self) -> bool {
        let Some(connection) = &mut self.connection else { return false };
        if let Some(frame) = connection.down.next() {
            self.hear(false, &frame);
        } else if connection.is_over {
            self.hang_up();
        } else {
            return false;
        }
        true
    }

    /// One end hears a frame, wherever it comes from.
    fn hear(&mut self, is_up: bool, frame: &[u8]) {
        let Some(connection) = &mut self.connection else { return };
        if is_up {
            if connection.hears() {
                connection.hear(self.now, frame);
            }
        } else {
            connection.up.causes += 1;
            self.device.machine.handle_frame(self.now, frame);
            self.obey();
        }
    }

    fn connect(&mut self) {
        if std::mem::take(&mut self.is_connecting) {
            let mut connection = Connection::new(self.now, self.limits.clone(), self.versions);
            // Both say hello.
            (connection.up.causes, connection.down.causes) = (1, 1);
            self.connection = Some(connection);
            self.device.machine.handle_connected(self.now);
            self.obey();
        }
    }

    /// The connection breaks, and the device notices.
    fn hang_up(&mut self) {
        self.is_connecting = false;
        self.connection = None;
        self.device.machine.handle_disconnected(self.now);
        self.obey();
    }

    fn wait(&mut self, says: u8) {
        let millis = [1, 100, 1000, 5000, 15_000, 30_000, 60_000, 600_000][usize::from(says % 8)];
        self.now = self.now + Duration::from_millis(millis);
        self.look_at_clocks();
    }

    fn look_at_clocks(&mut self) {
        let now = self.now;
        for connection in self.connection.iter_mut().chain(&mut self.left) {
            connection.look_at_clock(now);
        }
        if self.device.machine.poll_timeout().is_some_and(|at| at <= now) {
            if let Some(connection) = &mut self.connection {
                connection.up.causes += 1;
            }
            self.device.machine.handle_timeout(now);
            self.obey();
        }
    }

    fn on_connection(&mut self, is_left: bool, act: impl FnOnce(&mut Connection, Time, &Service)) {
        let connection = if is_left { &mut self.left } else { &mut self.connection };
        if let Some(connection) = connection {
            act(connection, self.now, &self.service);
        }
    }

    fn lane(&mut self, act: impl FnOnce(&mut Connection)) {
        self.on_connection(false, |connection, _, _| act(connection));
    }

    /// Does what the device's machine says.
    fn obey(&mut self) {
        let Self { device, connection, left, is_connecting, .. } = self;
        device.obey(self.now, |act| match act {
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

    /// Nothing goes wrong any more, and everybody may write: soon both sides have the same.
    fn come_to_rest(&mut self) {
        self.device.mend();
        self.left = None;
        self.hang_up();
        for index in 0..usize::from(DATABASES) {
            self.service.fail(index, false);
            self.device.add(self.now, index, 1);
            self.device.replace_credentials(self.now, index, 1);
        }
        self.obey();
        for _ in 0..if self.is_deceived { STEPS_DECEIVED } else { STEPS } {
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
            self.look_at_clocks();
        }
        if self.is_deceived {
            return;
        }
        assert!(self.device.is_done(), "there is no end to it");
        for (store, there) in self.device.stores.iter().zip(&self.service.databases) {
            assert_eq!(live(&store.database), live(there), "both sides have the same");
        }
    }
}

/// Everything, or what the release before spoke.
fn spoken(is_old: bool) -> &'static [u8] {
    let all = settee_sync::message::VERSIONS;
    if is_old { &all[..all.len() - 1] } else { all }
}

type Live = BTreeMap<DocumentId, (Vec<Revision>, Body)>;

/// What people see: who began with nothing need not have heard of what was deleted before.
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
