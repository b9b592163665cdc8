//! The scheduler: it takes the next event, has an actor handle it, and checks the invariants.

mod epilogue;
mod permissions;
mod storm;

use std::time::Duration;

use settee_store::{Applied, DocumentId, Revision};
use settee_sync::Time;

use crate::{
    Plot,
    agenda::Agenda,
    bearer::Bearer,
    checks,
    client::{self, Input, Step},
    context::Context,
    databases::at_once,
    event::Event,
    faults::Fate,
    hostile,
    ledger::Ledger,
    link::{Direction, Owner, Parcel},
    network::Network,
    plan::Author,
    random::Random,
    sabotage,
    scenario::{Membership, Scenario},
    server,
    tally::Tally,
    trace::Trace,
    violation::{Violation, violation},
};
use epilogue::Epilogue;
use permissions::Permissions;

/// How long it may take from the end of the faults until everybody has the same. Waits grow to
/// 30 seconds, a silent link is noticed after 15, and several of these may follow each other.
const PATIENCE: Duration = Duration::from_mins(3);
/// How long everybody must go on having the same: longer than it takes to notice a silent link.
const QUIET: Duration = Duration::from_secs(20);
/// How often that is looked at.
const POLL: Duration = Duration::from_secs(1);
/// More events than any life takes. Past them, somebody is in an endless loop.
const EVENTS_LIMIT: u64 = 2_000_000;

pub struct World {
    context: Context,
    server: server::Actor,
    clients: Vec<client::Actor>,
    villains: Vec<hostile::Actor>,
    /// By client and store.
    authors: Vec<Vec<Author>>,
    ledger: Ledger,
    /// If access is by tokens.
    permissions: Option<Permissions>,
    /// The mean pause between two edits of a person, in milliseconds.
    pause: u64,
    has_faults: bool,
    settled_since: Option<Time>,
    /// Since when everybody is expected to come to have the same.
    patient_since: Time,
    epilogue: Epilogue,
    is_over: bool,
}

impl World {
    pub fn new(seed: u64, plot: Plot, trace: Trace) -> Self {
        let mut random = Random::new(seed);
        let scenario = match plot {
            Plot::Storm => Scenario::draw(&mut random),
            Plot::Permissions => Scenario::draw_with_tokens(&mut random),
        };
        let mut context = Context {
            now: Time::default(),
            agenda: Agenda::default(),
            random,
            network: Network::default(),
            has_duplicates: scenario.faults.duplication > 0,
            faults: scenario.faults.clone(),
            limits: scenario.limits.clone(),
            #[cfg(feature = "sabotage")]
            sabotage: crate::Sabotage::default(),
            tally: Tally::default(),
            trace,
        };
        context.note(|| format!("seed {seed}: {scenario:#?}"));
        let mut server = server::Actor::new(&mut context, &scenario);
        let mut clients = Vec::new();
        context.plan(Duration::ZERO, Event::StartServer);
        for (id, person) in scenario.people.iter().enumerate() {
            for (database, membership) in &person.memberships {
                server.access.admit((id, *database), *membership);
            }
            let mut client = client::Actor::new(id, person);
            permissions::equip(&mut client, &scenario);
            clients.push(client);
            context.plan(person.joins, Event::StartClient(id));
            context.plan(person.joins, Event::Edit(id));
        }
        let villains = villains(&mut context, &mut server, &scenario);
        context.plan(Duration::from_millis(scenario.faults.pause), Event::Fault);
        context.plan(scenario.fault_phase, Event::Heal);
        let mut ledger = Ledger::default();
        let permissions = Permissions::begin(&mut context, &mut ledger, &scenario);
        let authors =
            |client: &client::Actor| client.stores.iter().map(|_| Author::default()).collect();
        Self {
            context,
            server,
            authors: clients.iter().map(authors).collect(),
            clients,
            villains,
            ledger,
            permissions,
            pause: scenario.pause,
            has_faults: true,
            settled_since: None,
            patient_since: Time::default() + scenario.fault_phase,
            epilogue: Epilogue::default(),
            is_over: false,
        }
    }

    /// Introduces a bug.
    #[cfg(feature = "sabotage")]
    pub fn sabotage(&mut self, sabotage: crate::Sabotage) {
        self.context.sabotage = sabotage;
    }

    pub fn into_records(self) -> (Tally, Trace) {
        (self.context.tally, self.context.trace)
    }

    /// Runs until everybody has the same, or an invariant doesn't hold.
    pub fn run(&mut self) -> Result<(), Violation> {
        while !self.is_over {
            let Some((now, event)) = self.context.agenda.next() else {
                return Err(Violation("no event is planned".into()));
            };
            self.context.now = now;
            if self.context.agenda.planned() > EVENTS_LIMIT {
                return Err(Violation("somebody is in an endless loop".into()));
            }
            let outcome = self.handle(event);
            if let Err(violation) = &outcome {
                self.context.note(|| format!("VIOLATION: {violation}"));
            }
            outcome?;
        }
        self.context.tally.count("lives");
        Ok(())
    }

    fn handle(&mut self, event: Event) -> Result<(), Violation> {
        let Self { context, server, clients, .. } = self;
        match event {
            Event::StartClient(id) => {
                self.ledger.client_is_whole(&clients[id])?;
                checks::are_covered(&clients[id], &server.disks)?;
                clients[id].start(context);
            }
            Event::Add(id, life, store) => {
                clients[id].deliver_to(context, life, Input::Add(store))?;
            }
            Event::Step(id, life) => return self.step(id, life),
            Event::ClientTimer(id, life) => clients[id].timer(context, life)?,
            Event::ClientNews(id, life, store) => {
                clients[id].deliver_to(context, life, Input::News(store))?;
            }
            Event::Connect(id, life, attempt) => return self.connect(id, (life, attempt)),
            Event::Arrive(link, direction) => {
                let Some(parcel) = context.take_parcel(link, direction) else { return Ok(()) };
                match (direction, parcel, context.network.owner_of(link)) {
                    (Direction::Up, Parcel::Frame(frame), _) => {
                        server.frame(context, link, &frame)?;
                    }
                    (Direction::Up, Parcel::End, _) => server.ended(link),
                    (Direction::Down, parcel, Some(Owner::Client(id))) => {
                        clients[id].receive(context, link, parcel)?;
                    }
                    (Direction::Down, parcel, Some(Owner::Villain(id))) => {
                        self.villains[id].receive(context, link, parcel);
                    }
                    (Direction::Down, _, None) => {}
                }
            }
            Event::StartServer => {
                self.ledger.server_is_whole(&server.disks)?;
                server.start(context);
            }
            Event::ServerTimer(link) => server.timer(context, link)?,
            Event::Job(link) => {
                if !server.work(context, link)? {
                    self.crash_server();
                }
            }
            Event::Done(link) => server.done(context, link)?,
            Event::ServerNews(link, channel) => server.news(context, link, channel)?,
            Event::Clerk(number) => {
                if !server.clerk_works(context, number)? {
                    self.crash_server();
                }
            }
            Event::Edit(person) => self.edit(person),
            Event::Deed => return self.do_deed(),
            Event::Intrude(id) => return self.intrude(id),
            Event::Mischief(id) => self.mischief(id),
            Event::Fault => return self.fault(),
            Event::Room(id) => self.give_room(id),
            Event::Heal => return self.heal(),
            Event::Check => return self.check_settled(),
        }
        Ok(())
    }

    fn step(&mut self, id: usize, life: u64) -> Result<(), Violation> {
        let Self { context, server, clients, ledger, .. } = self;
        let client = &mut clients[id];
        match client.step(context, life)? {
            Step::Nothing | Step::Marked(_) => {}
            Step::Crashed => self.revive_client(id),
            Step::Superseded => {
                context.tally.count("clients superseded");
                self.revive_client(id);
            }
            Step::Compared(store) => {
                if server.disks[client.stores[store].number].losses == 0 {
                    return Err(Violation(format!(
                        "client {id} believes that the server has lost something"
                    )));
                }
            }
            Step::Committed { store, checkpoint } => {
                let store = &client.stores[store];
                server.has_told(store)?;
                if let Some(checkpoint) = checkpoint {
                    checks::is_covered(store, id, &server.disks[store.number], checkpoint)?;
                }
            }
            Step::Settled(settled) => {
                let store = &client.stores[settled.store];
                let disk = &server.disks[store.number];
                ledger.settled(id, store.number, disk, &settled)?;
                if let Some(checkpoint) = settled.checkpoint {
                    checks::is_covered(store, id, disk, checkpoint)?;
                }
                if !client.is_running() {
                    self.revive_client(id);
                }
            }
        }
        Ok(())
    }

    fn connect(&mut self, id: usize, attempt: (u64, u64)) -> Result<(), Violation> {
        let Self { context, server, clients, .. } = self;
        if !clients[id].awaits(attempt) {
            return Ok(());
        }
        if context.network.is_cut_off(id, context.now) {
            // Some networks refuse at once, and some drop everything.
            return if context.random.one_in(2) {
                clients[id].connected(context, attempt, None)
            } else {
                Ok(())
            };
        }
        if !server.is_running() {
            return clients[id].connected(context, attempt, None);
        }
        context.tally.count("connections made");
        let link = context.network.open(Owner::Client(id));
        context.note(|| format!("client {id} connects: link {link}"));
        server.accept(context, link)?;
        clients[id].connected(context, attempt, Some(link))
    }

    /// A villain connects.
    fn intrude(&mut self, id: usize) -> Result<(), Violation> {
        let Self { context, server, villains, .. } = self;
        if !self.has_faults {
            return Ok(());
        }
        if !server.is_running() {
            villains[id].come_back(context);
            return Ok(());
        }
        let link = villains[id].connect(context);
        context.note(|| format!("villain {id} connects: link {link}"));
        server.accept(context, link)
    }

    /// A villain does something, until all is well.
    fn mischief(&mut self, id: usize) {
        let Self { context, server, villains, ledger, .. } = self;
        if !self.has_faults {
            return villains[id].leave(context);
        }
        let person = villains[id].person();
        for deed in villains[id].act(context) {
            let bearer = Bearer { place: (person, deed.database), token: None };
            let may_write = server.access.may_write(&bearer);
            ledger.forged(person, deed, may_write);
        }
    }

    /// A person edits on one of their devices.
    fn edit(&mut self, person: usize) {
        if !self.has_faults {
            return;
        }
        let is_hasty = self.context.random.one_in(5);
        let wait = self.context.random.between(1, if is_hasty { 20 } else { self.pause * 2 });
        self.context.plan(Duration::from_millis(wait), Event::Edit(person));
        let devices = self.clients.iter().filter(|client| client.person == person);
        let devices: Vec<usize> = devices.map(|client| client.id).collect();
        let Some(id) = self.context.random.pick(&devices).copied() else { return };
        let client = &self.clients[id];
        if !client.is_running() || client.stores.is_empty() {
            return;
        }
        let store = self.context.random.below(client.stores.len());
        if client.stores[store].membership == Membership::Stranger {
            return;
        }
        let author = &mut self.authors[id][store];
        let edits = author.edits(&mut self.context.random, id, &client.stores[store]);
        self.write(id, store, &edits);
    }

    /// Writes edits together or one by one. Returns what is saved, which the ledger records.
    fn write(
        &mut self,
        id: usize,
        store: usize,
        edits: &[settee_store::Edit],
    ) -> Vec<(DocumentId, Revision)> {
        let Self { context, server, clients, ledger, .. } = self;
        let client = &mut clients[id];
        let may_write = server.access.may_write(&client.bearer(store));
        let mut saved = Vec::new();
        let size = if context.random.one_in(2) { 1 } else { edits.len().max(1) };
        for batch in edits.chunks(size) {
            let early = sabotage::show_early(context, &client.stores[store], batch);
            ledger.shown(client, store, early);
            let fate = context.faults.client_commit(&mut context.random);
            if fate == Fate::CrashBefore {
                context.tally.count("fault: client dies before an edit is saved");
            } else {
                let database = &client.stores[store].database;
                let outcomes = at_once(database.write(batch.to_vec()));
                context.note(|| format!("client {id} writes {batch:?}: {outcomes:?}"));
                let Ok(outcomes) = outcomes else {
                    context.tally.count("edits that could not be saved");
                    continue;
                };
                for (edit, outcome) in batch.iter().zip(outcomes) {
                    if let Ok(Applied { revision: Some(name), changed: true, .. }) = outcome {
                        saved.push((edit.id.clone(), name));
                        ledger.saved(client, store, (&edit.id, name), may_write);
                        context.tally.count("edits saved");
                    }
                }
                client.changed(context, store);
            }
            if fate != Fate::Done {
                client.crash(context);
                self.revive_client(id);
                break;
            }
        }
        saved
    }

    /// The owner of a database that is still empty writes to it, so that the server creates it.
    fn begin_empty_databases(&mut self) {
        for id in 0..self.clients.len() {
            for store in 0..self.clients[id].stores.len() {
                let place = &self.clients[id].stores[store];
                let is_empty = place.database.seq() == 0;
                if place.membership == Membership::Owner
                    && is_empty
                    && self.clients[id].is_running()
                {
                    let random = &mut self.context.random;
                    let edits = self.authors[id][store].add(random, id, place);
                    self.write(id, store, &edits);
                }
            }
        }
    }

    fn check_settled(&mut self) -> Result<(), Violation> {
        self.begin_empty_databases();
        self.ask_again(|role| role.is_some())?;
        let Self { context, server, clients, ledger, .. } = self;
        let settled = checks::has_settled(context, clients, server, ledger);
        let Err(Violation(what)) = settled else {
            let since = *self.settled_since.get_or_insert(context.now);
            if context.now.since(since) >= QUIET || self.epilogue != Epilogue::Life {
                return self.go_on();
            }
            context.plan(QUIET / 4, Event::Check);
            return Ok(());
        };
        self.settled_since = None;
        if context.now.since(self.patient_since) > PATIENCE {
            return violation(format!("it doesn't settle: {what}"));
        }
        context.plan(POLL, Event::Check);
        Ok(())
    }
}

/// The villains of a life, who have access like everybody else.
fn villains(
    context: &mut Context,
    server: &mut server::Actor,
    scenario: &Scenario,
) -> Vec<hostile::Actor> {
    let mut actors = Vec::new();
    for (id, villain) in scenario.villains.iter().enumerate() {
        let person = scenario.people.len() + id;
        for database in 0..scenario.databases {
            server.access.admit((person, database), villain.malice.membership());
        }
        actors.push(hostile::Actor::new(id, person, villain, scenario.databases));
        context.plan(villain.joins, Event::Mischief(id));
    }
    actors
}
