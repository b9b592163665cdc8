//! The server: durable databases, and a process with a machine for each connection.

mod access;
mod clerk;
mod disk;
mod helpers;
mod keys;
mod work;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use settee_sync::{
    Channel, Denial, DenialCode, Role, Server, Time,
    message::{GoodbyeCode, Message},
    server::ServerOutput,
};

use crate::{
    bearer::{Bearer, Place},
    clock::Clock,
    context::Context,
    event::Event,
    link::{Direction, LinkId, Owner},
    sabotage,
    scenario::Scenario,
    violation::Violation,
};

pub use access::Exception;
use access::{Access, Decision};
use clerk::Clerk;
pub use disk::{Disk, Loss};
pub use helpers::own;
use keys::Keys;
use work::Job;
pub use work::{Batch, Done};

/// Most jobs that wait on a connection. Clients keep to their credit, so there are few.
const JOBS_LIMIT: usize = 200;

pub struct Actor {
    pub disks: Vec<Disk>,
    pub access: Access,
    /// By database, if there are any.
    clerks: Vec<Clerk>,
    /// The protocol versions that it speaks.
    versions: &'static [u8],
    clock: Clock,
    is_running: bool,
    connections: BTreeMap<LinkId, Connection>,
}

struct Connection {
    machine: Server,
    jobs: VecDeque<Job>,
    /// The outcome of a job, on its way to the machine.
    done: Option<Done>,
    is_working: bool,
    channels: BTreeMap<Channel, Opened>,
    /// The moment of the world at which to look at the clock.
    armed: Option<Time>,
}

struct Opened {
    bearer: Bearer,
    role: Role,
    has_news: bool,
}

impl Actor {
    pub fn new(context: &mut Context, scenario: &Scenario) -> Self {
        let disks = (0..scenario.databases).map(|_| Disk::new(context.random.bytes()));
        let clerks = (0..scenario.databases).filter(|_| scenario.has_clerks);
        Self {
            disks: disks.collect(),
            clerks: clerks.map(|_| Clerk::default()).collect(),
            access: Access::by(scenario.owners.as_deref().map(Keys::new)),
            versions: scenario.versions,
            clock: scenario.clock,
            is_running: false,
            connections: BTreeMap::new(),
        }
    }

    pub fn is_running(&self) -> bool {
        self.is_running
    }

    pub fn start(&mut self, context: &mut Context) {
        if !self.is_running {
            self.is_running = true;
            let run = context.random.bytes();
            for disk in &mut self.disks {
                disk.begin_run(run);
            }
            for (number, clerk) in self.clerks.iter_mut().enumerate() {
                clerk.wake(context, number, Duration::ZERO);
            }
            context.note(|| "the server starts".to_owned());
        }
    }

    /// The process dies, and its connections break.
    pub fn crash(&mut self, context: &mut Context) {
        context.note(|| "the server is gone".to_owned());
        self.is_running = false;
        self.clerks.iter_mut().for_each(Clerk::die);
        for link in std::mem::take(&mut self.connections).into_keys() {
            context.hang_up(link, Direction::Down);
        }
    }

    /// The server stops, and says goodbye.
    pub fn stop(&mut self, context: &mut Context) -> Result<(), Violation> {
        for link in self.links() {
            if let Some(connection) = self.connections.get_mut(&link) {
                connection.machine.handle_stopping();
            }
            self.apply_outputs(context, link)?;
        }
        self.crash(context);
        Ok(())
    }

    /// The databases are backed up.
    pub fn back_up(&mut self) {
        self.disks.iter_mut().for_each(Disk::back_up);
        if let Some(keys) = &mut self.access.keys {
            keys.model.backed_up();
        }
    }

    /// The databases lose what came since they were backed up, or everything. The server must not be running.
    pub fn lose(&mut self, context: &mut Context) {
        for (number, disk) in self.disks.iter_mut().enumerate() {
            let loss = disk.lose(&mut context.random);
            context.tally.count(match loss {
                Loss::Restored => "fault: a backup is restored",
                Loss::CopiedBack => "fault: a disk is rolled back",
                Loss::Deleted => "fault: a database is deleted",
            });
            context.note(|| format!("{loss:?}"));
            if let Some(keys) = &mut self.access.keys {
                keys.model.lost(number, loss);
            }
            if let Some(clerk) = self.clerks.get_mut(number) {
                clerk.lose(&disk.database);
            }
        }
    }

    pub fn accept(&mut self, context: &mut Context, link: LinkId) -> Result<(), Violation> {
        let connection = Connection {
            machine: Server::new(self.clock.at(context.now), context.limits.clone(), "simulator")
                .speaking(self.versions),
            jobs: VecDeque::new(),
            done: None,
            is_working: false,
            channels: BTreeMap::new(),
            armed: None,
        };
        self.connections.insert(link, connection);
        self.apply_outputs(context, link)
    }

    pub fn frame(
        &mut self,
        context: &mut Context,
        link: LinkId,
        frame: &[u8],
    ) -> Result<(), Violation> {
        let Some(connection) = self.connections.get_mut(&link) else { return Ok(()) };
        connection.machine.handle_frame(self.clock.at(context.now), frame);
        self.apply_outputs(context, link)
    }

    /// The client has closed, or the connection broke.
    pub fn ended(&mut self, link: LinkId) {
        self.connections.remove(&link);
    }

    pub fn timer(&mut self, context: &mut Context, link: LinkId) -> Result<(), Violation> {
        let Some(connection) = self.connections.get_mut(&link) else { return Ok(()) };
        if connection.armed == Some(context.now) {
            connection.armed = None;
            connection.machine.handle_timeout(self.clock.at(context.now));
        }
        self.apply_outputs(context, link)
    }

    pub fn news(
        &mut self,
        context: &mut Context,
        link: LinkId,
        channel: Channel,
    ) -> Result<(), Violation> {
        let Some(connection) = self.connections.get_mut(&link) else { return Ok(()) };
        if let Some(opened) = connection.channels.get_mut(&channel) {
            opened.has_news = false;
            let seq = self.disks[opened.bearer.place.1].seq();
            connection.machine.handle_news(self.clock.at(context.now), channel, seq);
        }
        self.apply_outputs(context, link)
    }

    /// The machine hears the outcome of a job.
    pub fn done(&mut self, context: &mut Context, link: LinkId) -> Result<(), Violation> {
        let now = self.clock.at(context.now);
        let Some(connection) = self.connections.get_mut(&link) else { return Ok(()) };
        connection.is_working = false;
        let mut done = connection.done.take();
        if let Some(Done::Authorized(_, decision)) = &mut done
            && let Ok((grant, bearer)) = decision
        {
            // Access may have changed since the decision.
            match self.decide(context, bearer)? {
                Ok(role) => grant.role = role,
                Err(denial) => *decision = Err(denial),
            }
        }
        let Some(connection) = self.connections.get_mut(&link) else { return Ok(()) };
        match done {
            Some(Done::Authorized(channel, decision)) => {
                let decision = decision.map(|(grant, bearer)| {
                    let opened = Opened { bearer, role: grant.role, has_news: true };
                    connection.channels.insert(channel, opened);
                    grant
                });
                if decision.is_ok() {
                    let wait = context.random.millis(0, 5);
                    context.plan(wait, Event::ServerNews(link, channel));
                }
                connection.machine.handle_authorized(now, channel, decision);
            }
            Some(Done::Committed(channel, batch, committed)) => {
                connection.machine.handle_committed(now, channel, batch, committed);
            }
            Some(Done::Changes(channel, page)) => {
                connection.machine.handle_changes(now, channel, page);
            }
            Some(Done::Digests(channel, digests)) => {
                connection.machine.handle_digests(now, channel, Some(&digests));
            }
            Some(Done::Found(channel, found)) => {
                connection.machine.handle_found(now, channel, found);
            }
            Some(Done::Nothing) | None => {}
        }
        self.apply_outputs(context, link)
    }

    /// A person's access to a database changes. Their open channels are told at once.
    pub fn change_access(
        &mut self,
        context: &mut Context,
        place: Place,
        exception: Option<Exception>,
    ) -> Result<(), Violation> {
        self.access.change(place, exception);
        self.decide_again(context, |concerned| concerned == place)
    }

    /// Decides again on open channels, and closes those whose clients may do something else now.
    fn decide_again(
        &mut self,
        context: &mut Context,
        is_concerned: impl Fn(Place) -> bool,
    ) -> Result<(), Violation> {
        if sabotage::tells_nobody(context) {
            return Ok(());
        }
        for link in self.links() {
            let channels = self.connections.get(&link).into_iter().flat_map(|it| &it.channels);
            let concerned = channels.filter(|(_, opened)| is_concerned(opened.bearer.place));
            let mut denied = Vec::new();
            for (channel, Opened { bearer, role, .. }) in concerned {
                let denial = match self.decide(context, bearer)? {
                    Ok(granted) if granted == *role => continue,
                    Ok(_) => Denial::new(DenialCode::Downgraded, "this access is another now"),
                    Err(denial) if denial.code == DenialCode::Denied => {
                        Denial::new(DenialCode::Revoked, denial.message)
                    }
                    Err(denial) => denial,
                };
                denied.push((*channel, denial));
            }
            let Some(connection) = self.connections.get_mut(&link) else { continue };
            for (channel, denial) in denied {
                if denial.code == DenialCode::Revoked {
                    context.tally.count("access: channels closed, because it was taken back");
                }
                connection.machine.handle_revoked(channel, denial);
            }
            self.apply_outputs(context, link)?;
        }
        Ok(())
    }

    fn decide(&self, context: &Context, bearer: &Bearer) -> Result<Decision, Violation> {
        self.access.decide(context, &self.disks[bearer.place.1], bearer)
    }

    /// Sets the clock's pace right. Timers are set again.
    pub fn set_clock_right(&mut self, context: &mut Context) -> Result<(), Violation> {
        self.clock.set_right(context.now);
        self.links().into_iter().try_for_each(|link| self.apply_outputs(context, link))
    }

    fn links(&self) -> Vec<LinkId> {
        self.connections.keys().copied().collect()
    }

    /// Does what a connection's machine says, and has its next job begin.
    fn apply_outputs(&mut self, context: &mut Context, link: LinkId) -> Result<(), Violation> {
        let Some(connection) = self.connections.get_mut(&link) else { return Ok(()) };
        while let Some(output) = connection.machine.poll_output() {
            match output {
                ServerOutput::Send(frame) => {
                    if !is_due(&self.access, &connection.channels, &frame) {
                        return Err(Violation(
                            "something is sent to a person who has no access".into(),
                        ));
                    }
                    context.send(link, Direction::Down, frame);
                }
                ServerOutput::Authorize(open) => connection.jobs.push_back(Job::Authorize(open)),
                ServerOutput::Commit { channel, batch, documents } => {
                    let Some(Opened { bearer, role, .. }) = connection.channels.get(&channel)
                    else {
                        return Err(Violation("a closed channel is about to write".into()));
                    };
                    if !role.can_write() {
                        return Err(Violation("a viewer is about to write".into()));
                    }
                    let bearer = bearer.clone();
                    let batch = Batch { channel, number: batch, bearer, documents };
                    connection.jobs.push_back(Job::Commit(batch));
                }
                ServerOutput::Read { channel, since, limit } => {
                    if let Some(disk) = connection.disk_of(channel) {
                        connection.jobs.push_back(Job::Read { channel, disk, since, limit });
                    }
                }
                ServerOutput::Digest { channel } => {
                    if let Some(disk) = connection.disk_of(channel) {
                        context.tally.count("databases compared");
                        connection.jobs.push_back(Job::Digest { channel, disk });
                    }
                }
                ServerOutput::Here { .. } => {}
                ServerOutput::Find { channel, ids } => {
                    if let Some(disk) = connection.disk_of(channel) {
                        connection.jobs.push_back(Job::Find { channel, disk, ids });
                    }
                }
                ServerOutput::Release(channel) => drop(connection.channels.remove(&channel)),
                ServerOutput::Disconnect(code) => {
                    self.connections.remove(&link);
                    context.hang_up(link, Direction::Down);
                    let is_hostile = is_hostile(context, link);
                    return if is_hostile { Ok(()) } else { expected(context, code) };
                }
            }
        }
        if connection.jobs.len() > JOBS_LIMIT && !is_hostile(context, link) {
            return Err(Violation("too many jobs wait on one connection".into()));
        }
        if !connection.is_working && !connection.jobs.is_empty() {
            connection.is_working = true;
            let wait = context.random.millis(0, 8);
            context.plan(wait, Event::Job(link));
        }
        let next = connection.machine.poll_timeout().map(|at| self.clock.moment_of(at));
        context.arm(&mut connection.armed, next, Event::ServerTimer(link));
        Ok(())
    }

    /// Tells every channel of a database, and its clerk, that it has changed.
    fn tell(&mut self, context: &mut Context, disk: usize) {
        if let Some(clerk) = self.clerks.get_mut(disk) {
            clerk.wake(context, disk, Duration::ZERO);
        }
        for (link, connection) in &mut self.connections {
            for (number, channel) in &mut connection.channels {
                if channel.bearer.place.1 == disk && !std::mem::replace(&mut channel.has_news, true)
                {
                    let wait = context.random.millis(0, 15);
                    context.plan(wait, Event::ServerNews(*link, *number));
                }
            }
        }
    }
}

impl Connection {
    fn disk_of(&self, channel: Channel) -> Option<usize> {
        self.channels.get(&channel).map(|opened| opened.bearer.place.1)
    }
}

fn is_hostile(context: &Context, link: LinkId) -> bool {
    matches!(context.network.owner_of(link), Some(Owner::Villain(_)))
}

/// Whether the receiver of a frame has access to the database that it is about.
fn is_due(access: &Access, channels: &BTreeMap<Channel, Opened>, frame: &[u8]) -> bool {
    let channel = match Message::decode(frame) {
        Ok(Some(Message::Opened(opened))) => opened.channel,
        Ok(Some(Message::Changes(changes))) => changes.channel,
        Ok(Some(Message::Offer(offer))) => offer.channel,
        Ok(Some(Message::Differences(differences))) => differences.channel,
        _ => return true,
    };
    channels.get(&channel).is_some_and(|opened| access.role(&opened.bearer) == Some(opened.role))
}

/// Checks the reason for which the server ends a connection. There are no others than silence and
/// stopping, unless frames may arrive twice.
fn expected(context: &mut Context, code: GoodbyeCode) -> Result<(), Violation> {
    match code {
        GoodbyeCode::Silence => context.tally.count("connections ended for silence"),
        GoodbyeCode::Stopping => {}
        _ if context.has_duplicates => context.tally.count("connections ended for a double frame"),
        _ => return Err(Violation(format!("the server ends a connection: {code:?}"))),
    }
    Ok(())
}
