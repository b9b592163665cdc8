//! The faults that happen, and how they end.

use std::time::Duration;

use settee_store::{BackendError, Compaction, Database};
use settee_sync::{Limits, Role};

use super::World;
use crate::{
    bearer::{Bearer, Place},
    client::Input,
    clock::Clock,
    context::Context,
    databases::at_once,
    event::Event,
    faults::Kind,
    link::Direction,
    plan::Author,
    random::Random,
    scenario::Membership,
    server::Exception,
    violation::Violation,
};

/// Bytes that may be on their way on one link in one direction, beside what there is credit for.
const QUEUE_LIMIT: usize = 64 * 1024;
/// Clients are cloned only while there are fewer than this.
const CLIENTS_LIMIT: usize = 8;
/// The longest naps of a device, in milliseconds: a minute, or days.
const NAPS: [u64; 2] = [60_000, 3 * 24 * 60 * 60 * 1000];

impl World {
    pub(super) fn fault(&mut self) -> Result<(), Violation> {
        if !self.has_faults {
            return Ok(());
        }
        let context = &mut self.context;
        let wait = context.random.between(1, context.faults.pause * 2);
        context.plan(Duration::from_millis(wait), Event::Fault);
        let Limits { credit, batch, frame, .. } = context.limits;
        // A document may be larger than what there is credit for.
        let largest = if credit > QUEUE_LIMIT { frame } else { batch };
        let in_flight = (credit + largest) * self.server.disks.len();
        if context.network.fullest() > QUEUE_LIMIT + in_flight {
            return Err(Violation("too much is in flight on one link".into()));
        }
        let id = context.random.below(self.clients.len());
        let Some(kind) = context.random.pick(&context.faults.kinds).copied() else { return Ok(()) };
        context.note(|| format!("fault at client {id}: {kind:?}"));
        match kind {
            Kind::Cut | Kind::Silence | Kind::Stall | Kind::Partition => {
                self.disturb_network(id, kind);
            }
            Kind::Offline | Kind::Wake | Kind::Sleep => self.disturb_device(id, kind)?,
            Kind::CrashClient | Kind::TakeOver | Kind::Quota => self.disturb_client(id, kind),
            Kind::RestoreClient => self.restore_client(id),
            Kind::CloneClient => self.clone_client(id),
            Kind::CrashServer | Kind::StopServer | Kind::Lose => self.disturb_server(kind)?,
            Kind::Permission => self.change_access(id)?,
            Kind::Compact => self.compact(id),
        }
        Ok(())
    }

    fn disturb_network(&mut self, id: usize, kind: Kind) {
        let Self { context, clients, .. } = self;
        let until = context.now + context.random.millis(1_000, 40_000);
        match (kind, clients[id].link(&mut context.random)) {
            (Kind::Partition, _) => {
                context.tally.count("fault: a partition");
                context.network.partition(id, until);
            }
            (Kind::Cut, Some(link)) => {
                context.tally.count("fault: a connection breaks");
                context.cut(link);
            }
            (Kind::Silence, Some(link)) => {
                context.tally.count("fault: a connection goes silent");
                if !context.random.one_in(3) {
                    context.network.go_silent(link, Direction::Up);
                }
                if !context.random.one_in(3) {
                    context.network.go_silent(link, Direction::Down);
                }
            }
            (Kind::Stall, Some(link)) => {
                context.tally.count("fault: a connection stalls");
                context.network.stall(link, until);
            }
            _ => {}
        }
    }

    fn disturb_device(&mut self, id: usize, kind: Kind) -> Result<(), Violation> {
        let Self { context, clients, .. } = self;
        let client = &mut clients[id];
        match kind {
            Kind::Offline => {
                context.tally.count("fault: a device says that it is offline");
                client.deliver(context, &Input::Offline)
            }
            Kind::Sleep if client.is_running() => {
                context.tally.count("fault: a clock jumps");
                let gap = nap(&mut context.random);
                client.sleep(context, gap)
            }
            _ => client.deliver(context, &Input::Wake),
        }
    }

    fn disturb_client(&mut self, id: usize, kind: Kind) {
        let Self { context, clients, .. } = self;
        let client = &mut clients[id];
        match kind {
            Kind::CrashClient if client.is_running() => {
                context.tally.count("fault: client dies");
                client.crash(context);
                self.revive_client(id);
            }
            Kind::TakeOver if client.take_over(context) => {
                context.tally.count("fault: another tab takes over");
            }
            Kind::Quota => {
                context.tally.count("fault: a client has no room to save");
                for store in &client.stores {
                    store.memory.fail_with(Some(BackendError::Full));
                }
                let wait = context.random.millis(1_000, 40_000);
                context.plan(wait, Event::Room(id));
            }
            _ => {}
        }
    }

    /// A client's disks are backed up, or restored from the backup.
    fn restore_client(&mut self, id: usize) {
        let Self { context, clients, ledger, .. } = self;
        let client = &mut clients[id];
        if !client.is_running() {
            return;
        }
        if context.random.one_in(2) && client.is_backed_up() {
            context.tally.count("fault: a profile is restored");
            client.crash(context);
            client.restore();
            ledger.restored(client);
            self.revive_client(id);
        } else {
            client.back_up();
            ledger.backed_up(client);
        }
    }

    /// Another device begins with a copy of a client's disks. The client goes on.
    fn clone_client(&mut self, original: usize) {
        let Self { context, clients, authors, ledger, .. } = self;
        let id = clients.len();
        if id >= CLIENTS_LIMIT || !clients[original].is_running() {
            return;
        }
        context.tally.count("fault: a profile is cloned");
        context.note(|| format!("client {id} is a clone"));
        let clone = clients[original].copy(id, Clock::draw(&mut context.random));
        ledger.cloned(&clients[original], id);
        authors.push(clone.stores.iter().map(|_| Author::default()).collect());
        clients.push(clone);
        context.plan(Duration::ZERO, Event::StartClient(id));
    }

    fn disturb_server(&mut self, kind: Kind) -> Result<(), Violation> {
        let Self { context, server, .. } = self;
        match kind {
            Kind::Lose if context.random.one_in(2) => {
                server.back_up();
            }
            _ if !server.is_running() => {}
            Kind::StopServer => {
                context.tally.count("servers stopped in good order");
                server.stop(context)?;
                self.revive_server();
            }
            Kind::Lose => {
                server.crash(context);
                server.lose(context);
                self.revive_server();
            }
            _ => {
                context.tally.count("fault: server dies");
                self.crash_server();
            }
        }
        Ok(())
    }

    /// A person's access to one of their databases changes, or changes back.
    fn change_access(&mut self, id: usize) -> Result<(), Violation> {
        let Self { context, server, clients, .. } = self;
        let Some(store) = context.random.pick(&clients[id].stores) else { return Ok(()) };
        let place = (clients[id].person, store.number);
        let is_mild = context.random.one_in(2);
        let exception = match (store.membership, server.access.exception(place)) {
            (Membership::Owner | Membership::Stranger, _) => return Ok(()),
            (_, Some(_)) => None,
            (Membership::Editor, None) if is_mild => Some(Exception::Role(Role::Viewer)),
            (Membership::Viewer, None) if is_mild => Some(Exception::Role(Role::Editor)),
            (_, None) => Some(Exception::Revoked),
        };
        context.tally.count(match exception {
            Some(Exception::Revoked) => "fault: access is revoked",
            Some(Exception::Role(_)) => "fault: a role is changed",
            None => "access is what it was",
        });
        context.note(|| format!("person {} in database {}: {exception:?}", place.0, place.1));
        self.set_access(place, exception)
    }

    /// Changes access. Whatever a person wrote without access stays on their device until they have it.
    fn set_access(&mut self, place: Place, exception: Option<Exception>) -> Result<(), Violation> {
        let Self { context, server, clients, ledger, .. } = self;
        ledger.is_kept_out(place, &server.disks[place.1])?;
        let was_revoked = server.access.exception(place) == Some(Exception::Revoked);
        server.change_access(context, place, exception)?;
        if server.access.may_write(&Bearer { place, token: None }) {
            ledger.access_granted(place);
        }
        let is_revoked = exception == Some(Exception::Revoked);
        if was_revoked && !is_revoked {
            for client in clients.iter_mut().filter(|client| client.person == place.0) {
                let store = client.stores.iter().position(|store| store.number == place.1);
                if let Some(store) = store {
                    client.deliver(context, &Input::Credentials(store))?;
                }
            }
        }
        Ok(())
    }

    /// The server's databases are compacted, or a client's.
    fn compact(&mut self, id: usize) {
        let Self { context, server, clients, .. } = self;
        if server.is_running() && context.random.one_in(2) {
            for disk in &server.disks {
                compact(context, &disk.database);
            }
        } else {
            for store in &clients[id].stores {
                compact(context, &store.database);
            }
        }
    }

    pub(super) fn crash_server(&mut self) {
        self.server.crash(&mut self.context);
        self.revive_server();
    }

    fn revive_server(&mut self) {
        let wait = self.context.random.millis(10, 10_000);
        self.context.plan(wait, Event::StartServer);
    }

    pub(super) fn revive_client(&mut self, id: usize) {
        let wait = self.context.random.millis(10, 20_000);
        self.context.plan(wait, Event::StartClient(id));
    }

    pub(super) fn give_room(&mut self, id: usize) {
        for store in &self.clients[id].stores {
            store.memory.fail_with(None);
        }
    }

    /// The faults end, and so do the edits. Access is what the scenario has drawn, and clocks are set
    /// right.
    pub(super) fn heal(&mut self) -> Result<(), Violation> {
        self.context.note(|| "all is well from now on".to_owned());
        self.has_faults = false;
        self.context.faults.end();
        self.context.network.heal(self.context.now);
        for place in self.server.access.exceptions() {
            self.set_access(place, None)?;
        }
        self.server.set_clock_right(&mut self.context)?;
        for id in 0..self.clients.len() {
            self.give_room(id);
            self.clients[id].set_clock_right(&mut self.context)?;
            self.context.plan(Duration::ZERO, Event::StartClient(id));
        }
        self.context.plan(Duration::ZERO, Event::StartServer);
        self.context.plan(Duration::from_secs(1), Event::Check);
        Ok(())
    }
}

fn compact(context: &mut Context, database: &Database) {
    if let Ok(Compaction { revisions, .. }) = at_once(database.compact()) {
        context.tally.count("databases compacted");
        context.note(|| format!("compacted: {revisions} revisions are forgotten"));
    }
}

fn nap(random: &mut Random) -> Duration {
    let longest = random.pick(&NAPS).copied().unwrap_or_default();
    random.millis(1_000, longest)
}
