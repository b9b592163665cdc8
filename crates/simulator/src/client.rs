//! A client: databases on a device's disks that last, and processes that may end anytime.
//!
//! The disks are those of a browser's profile, say, and the processes are its tabs that sync. One
//! does so for all; but while another takes that over, the one before goes on until it is told by
//! the disk that its writes count no more.

mod process;
mod store;

use std::time::Duration;

use settee_sync::{
    Client,
    client::status::{ConnectionStatus, ReplicaStatus},
};

use crate::{
    Violation,
    agenda::Life,
    clock::Clock,
    context::Context,
    network::{LinkId, Parcel},
    random::Random,
    scenario::Person,
};

pub use process::{Deed, Input, Settled};
use process::{Device, Process};
pub use store::Store;
#[cfg(feature = "sabotage")]
pub use store::remember;

pub struct Actor {
    pub id: usize,
    /// Whose credentials it shows.
    pub person: usize,
    pub stores: Vec<Store>,
    versions: &'static [u8],
    clock: Clock,
    /// In the order of their beginning. Mostly there is one; of several, the last leads.
    processes: Vec<Process>,
    lives: Life,
}

impl Actor {
    pub fn new(id: usize, person: &Person) -> Self {
        let stores =
            person.standings.iter().map(|(number, standing)| Store::new(id, *number, *standing));
        Self {
            id,
            person: id,
            stores: stores.collect(),
            versions: person.versions,
            clock: person.clock,
            processes: Vec::new(),
            lives: 0,
        }
    }

    /// Another device with a copy of these disks. It shows the same credentials.
    pub fn copy(&self, id: usize, clock: Clock) -> Self {
        Self {
            id,
            person: self.person,
            stores: self.stores.iter().map(Store::copy).collect(),
            versions: self.versions,
            clock,
            processes: Vec::new(),
            lives: 0,
        }
    }

    pub fn is_running(&self) -> bool {
        !self.processes.is_empty()
    }

    /// The connection of one of its processes, if that has one.
    pub fn link(&self, random: &mut Random) -> Option<LinkId> {
        random.pick(&self.processes).and_then(Process::link)
    }

    /// How it goes, according to the process that leads.
    pub fn connection_status(&self) -> Option<ConnectionStatus> {
        self.processes.last().map(Process::connection_status)
    }

    pub fn replica_status(&self, store: usize) -> Option<ReplicaStatus> {
        self.processes.last()?.replica_status(store)
    }

    pub fn start(&mut self, context: &mut Context) {
        if self.processes.is_empty() {
            self.begin(context);
        }
    }

    /// Another process begins to lead beside the one that does. Tells whether there is just one.
    pub fn take_over(&mut self, context: &mut Context) -> bool {
        let is_possible = self.processes.len() == 1;
        if is_possible {
            self.begin(context);
        }
        is_possible
    }

    fn begin(&mut self, context: &mut Context) {
        self.lives += 1;
        let (id, life) = (self.id, self.lives);
        context.note(|| format!("client {id} starts, in life {life}"));
        let machine = Client::new(context.limits.clone(), "simulator", context.random.draw())
            .speaking(self.versions);
        let mut process = Process::new(life, machine, self.stores.len());
        let device = Device { id, person: self.person, stores: &self.stores, clock: self.clock };
        process.start(context, &device);
        self.processes.push(process);
    }

    /// All of its processes die.
    pub fn crash(&mut self, context: &mut Context) {
        let id = self.id;
        for process in std::mem::take(&mut self.processes) {
            context.note(|| format!("client {id} is gone"));
            process.die(context);
        }
    }

    /// A process is gone. Others may not have heard of what it has written last.
    fn end(&mut self, context: &mut Context, at: usize, how: fn(Process, &mut Context)) {
        let (id, process) = (self.id, self.processes.remove(at));
        context.note(|| format!("client {id} has lost its process of life {}", process.life));
        how(process, context);
        for store in 0..self.stores.len() {
            self.changed(context, store);
        }
    }

    /// Something happens to the device.
    pub fn hear(&mut self, context: &mut Context, input: &Input) -> Result<(), Violation> {
        let id = self.id;
        for process in &mut self.processes {
            process.hear(context, id, input.clone())?;
        }
        Ok(())
    }

    /// Something happens to the process of this life, if it still is there.
    pub fn happens(
        &mut self,
        context: &mut Context,
        life: Life,
        input: Input,
    ) -> Result<(), Violation> {
        let id = self.id;
        self.process(life).map_or(Ok(()), |process| process.hear(context, id, input))
    }

    /// Something comes out of a link, for the process that has it.
    pub fn receive(
        &mut self,
        context: &mut Context,
        link: LinkId,
        parcel: Parcel,
    ) -> Result<(), Violation> {
        let id = self.id;
        let input = match parcel {
            Parcel::Frame(frame) => Input::Frame(link, frame),
            Parcel::End => Input::Ended(link),
        };
        let process = self.processes.iter_mut().find(|process| process.link() == Some(link));
        process.map_or(Ok(()), |process| process.hear(context, id, input))
    }

    pub fn timer(&mut self, context: &mut Context, life: Life) -> Result<(), Violation> {
        let id = self.id;
        self.process(life).map_or(Ok(()), |process| process.timer(context, id))
    }

    /// A database has changed, and the processes hear of it soon.
    pub fn changed(&mut self, context: &mut Context, store: usize) {
        for process in &mut self.processes {
            process.changed(context, self.id, store);
        }
    }

    /// An attempt to connect has ended, with a link or without.
    pub fn connected(
        &mut self,
        context: &mut Context,
        (life, attempt): (Life, u64),
        link: Option<LinkId>,
    ) -> Result<(), Violation> {
        let id = self.id;
        let process = self.process(life).filter(|process| process.awaits(attempt));
        process.map_or(Ok(()), |process| process.connected(context, id, link))
    }

    pub fn awaits(&self, (life, attempt): (Life, u64)) -> bool {
        self.processes.iter().any(|process| process.life == life && process.awaits(attempt))
    }

    /// The device sleeps, while the world stands still. Programs are told when it wakes, or find
    /// that it is late.
    pub fn sleep(&mut self, context: &mut Context, gap: Duration) -> Result<(), Violation> {
        self.clock.jump(gap);
        let input = if context.random.one_in(2) { Input::Wake } else { Input::Timeout };
        self.hear(context, &input)
    }

    /// Its clock goes right from now on, and what waits for a time waits anew.
    pub fn set_clock_right(&mut self, context: &mut Context) -> Result<(), Violation> {
        self.clock.go_right(context.now);
        self.hear(context, &Input::Timeout)
    }

    pub fn back_up(&mut self) {
        self.stores.iter_mut().for_each(Store::back_up);
    }

    pub fn is_backed_up(&self) -> bool {
        self.stores.iter().any(Store::is_backed_up)
    }

    /// The disks are again what they were when they were backed up. No process is running.
    pub fn restore(&mut self) {
        self.stores.iter_mut().for_each(Store::restore);
    }

    /// The process of this life does the next thing.
    pub fn step(&mut self, context: &mut Context, life: Life) -> Result<Deed, Violation> {
        let Some(at) = self.processes.iter().position(|process| process.life == life) else {
            return Ok(Deed::Nothing);
        };
        let device =
            Device { id: self.id, person: self.person, stores: &self.stores, clock: self.clock };
        let deed = self.processes[at].step(context, &device)?;
        match &deed {
            Deed::Nothing | Deed::Compared(_) => {}
            Deed::Committed { store, .. } | Deed::Marked(store) => self.changed(context, *store),
            Deed::Settled(settled) if !settled.is_last => self.changed(context, settled.store),
            Deed::Settled(_) | Deed::Crashed => self.end(context, at, Process::die),
            Deed::Superseded => self.end(context, at, Process::close),
        }
        Ok(deed)
    }

    fn process(&mut self, life: Life) -> Option<&mut Process> {
        self.processes.iter_mut().find(|process| process.life == life)
    }
}
