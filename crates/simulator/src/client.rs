//! A client: durable databases on a device's disks, and processes that may end at any time.
//!
//! The disks are those of a browser's profile, and the processes are its tabs that sync. Usually one tab
//! syncs. When another takes over, the previous one goes on until the disk rejects its writes.

mod process;
mod store;

use std::time::Duration;

use settee_sync::{
    Client,
    client::status::{ConnectionStatus, ReplicaStatus},
};

use crate::{
    bearer::Bearer,
    clock::Clock,
    context::Context,
    event::Life,
    link::{LinkId, Parcel},
    random::Random,
    scenario::Person,
    violation::Violation,
};

use process::{Device, Process};
pub use process::{Input, Settled, Step};
pub use store::Store;
#[cfg(feature = "sabotage")]
pub use store::remember;

pub struct Actor {
    pub id: usize,
    /// The person whose credentials it shows.
    pub person: usize,
    pub stores: Vec<Store>,
    versions: &'static [u8],
    clock: Clock,
    /// In the order in which they began. Usually there is one; of several, the last one leads.
    processes: Vec<Process>,
    lives: Life,
}

impl Actor {
    pub fn new(id: usize, person: &Person) -> Self {
        let stores = person
            .memberships
            .iter()
            .map(|(number, membership)| Store::new(id, *number, *membership));
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

    /// Whoever opens one of the databases here.
    pub fn bearer(&self, store: usize) -> Bearer {
        self.stores[store].bearer(self.person)
    }

    /// Another device with a copy of these disks and the same credentials.
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

    /// The link of a random process, if it has one.
    pub fn link(&self, random: &mut Random) -> Option<LinkId> {
        random.pick(&self.processes).and_then(Process::link)
    }

    /// The status, according to the process that leads.
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

    /// Another process begins to lead beside the one that does. False if there are several already.
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

    /// A process is gone. The others are told that the databases may have changed.
    fn end(&mut self, context: &mut Context, at: usize, how: fn(Process, &mut Context)) {
        let (id, process) = (self.id, self.processes.remove(at));
        context.note(|| format!("client {id} has lost its process of life {}", process.life));
        how(process, context);
        for store in 0..self.stores.len() {
            self.changed(context, store);
        }
    }

    /// Delivers an input to all processes.
    pub fn deliver(&mut self, context: &mut Context, input: &Input) -> Result<(), Violation> {
        let id = self.id;
        for process in &mut self.processes {
            process.deliver(context, id, input.clone())?;
        }
        Ok(())
    }

    /// Delivers an input to the process of this life, if it still exists.
    pub fn deliver_to(
        &mut self,
        context: &mut Context,
        life: Life,
        input: Input,
    ) -> Result<(), Violation> {
        let id = self.id;
        self.process(life).map_or(Ok(()), |process| process.deliver(context, id, input))
    }

    /// Delivers a parcel to the process that has this link.
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
        process.map_or(Ok(()), |process| process.deliver(context, id, input))
    }

    pub fn timer(&mut self, context: &mut Context, life: Life) -> Result<(), Violation> {
        let id = self.id;
        self.process(life).map_or(Ok(()), |process| process.timer(context, id))
    }

    /// A database has changed. The processes will hear of it soon.
    pub fn changed(&mut self, context: &mut Context, store: usize) {
        for process in &mut self.processes {
            process.changed(context, self.id, store);
        }
    }

    /// An attempt to connect has ended, with a link if it succeeded.
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

    /// The device sleeps: its clock leaps. On waking, programs are told, or their timers are late.
    pub fn sleep(&mut self, context: &mut Context, gap: Duration) -> Result<(), Violation> {
        self.clock.jump(gap);
        let input = if context.random.one_in(2) { Input::Wake } else { Input::Timeout };
        self.deliver(context, &input)
    }

    /// Sets the clock's pace right. Timers are set again.
    pub fn set_clock_right(&mut self, context: &mut Context) -> Result<(), Violation> {
        self.clock.set_right(context.now);
        self.deliver(context, &Input::Timeout)
    }

    pub fn back_up(&mut self) {
        self.stores.iter_mut().for_each(Store::back_up);
    }

    pub fn is_backed_up(&self) -> bool {
        self.stores.iter().any(Store::is_backed_up)
    }

    /// Restores the disks from the backup. No process may be running.
    pub fn restore(&mut self) {
        self.stores.iter_mut().for_each(Store::restore);
    }

    /// The process of this life does its next step.
    pub fn step(&mut self, context: &mut Context, life: Life) -> Result<Step, Violation> {
        let Some(at) = self.processes.iter().position(|process| process.life == life) else {
            return Ok(Step::Nothing);
        };
        let device =
            Device { id: self.id, person: self.person, stores: &self.stores, clock: self.clock };
        let done = self.processes[at].step(context, &device)?;
        match &done {
            Step::Nothing | Step::Compared(_) => {}
            Step::Committed { store, .. } | Step::Marked(store) => self.changed(context, *store),
            Step::Settled(settled) if !settled.is_last => self.changed(context, settled.store),
            Step::Settled(_) | Step::Crashed => self.end(context, at, Process::die),
            Step::Superseded => self.end(context, at, Process::close),
        }
        Ok(done)
    }

    fn process(&mut self, life: Life) -> Option<&mut Process> {
        self.processes.iter_mut().find(|process| process.life == life)
    }
}
