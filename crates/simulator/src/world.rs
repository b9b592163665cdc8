//! The scheduler: it takes the next event, has an actor do it, and looks whether all still holds.

mod storm;

use std::time::Duration;

use settee_store::Applied;
use settee_sync::Time;

use crate::{
    Violation,
    agenda::{Agenda, Event},
    at_once, checks,
    client::{self, Deed, Input},
    context::Context,
    faults::Fate,
    ledger::Ledger,
    network::{Direction, Network, Parcel},
    plan::Hand,
    random::Random,
    scenario::{Scenario, Standing},
    server,
    tally::Tally,
    trace::Trace,
};

/// How long it may take from the end of the faults until everybody has the same. Waits grow to
/// 30 seconds; a link that has gone silent takes 15 to be noticed; and one may follow the other.
const PATIENCE: Duration = Duration::from_mins(3);
/// How long it has to stay so: longer than a link that has gone silent is believed in.
const QUIET: Duration = Duration::from_secs(20);
/// More events than any life takes: past them, somebody turns in circles.
const EVENTS_LIMIT: u64 = 2_000_000;

pub struct World {
    context: Context,
    server: server::Actor,
    clients: Vec<client::Actor>,
    hands: Vec<Vec<Hand>>,
    ledger: Ledger,
    /// The mean pause between two edits of a person, in milliseconds.
    pause: u64,
    storm: Duration,
    is_stormy: bool,
    settled_since: Option<Time>,
    is_over: bool,
}

impl World {
    pub fn new(seed: u64, trace: Trace) -> Self {
        let mut random = Random::new(seed);
        let scenario = Scenario::draw(&mut random);
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
            for (database, standing) in &person.standings {
                server.access.admit((id, *database), *standing);
            }
            clients.push(client::Actor::new(id, person));
            context.plan(person.joins, Event::StartClient(id));
            context.plan(person.joins, Event::Edit(id));
        }
        context.plan(Duration::from_millis(scenario.faults.pause), Event::Fault);
        context.plan(scenario.storm, Event::Heal);
        let hands =
            |client: &client::Actor| client.stores.iter().map(|_| Hand::default()).collect();
        Self {
            context,
            server,
            hands: clients.iter().map(hands).collect(),
            clients,
            ledger: Ledger::default(),
            pause: scenario.pause,
            storm: scenario.storm,
            is_stormy: true,
            settled_since: None,
            is_over: false,
        }
    }

    /// Makes a bug from now on.
    #[cfg(feature = "sabotage")]
    pub fn sabotage(&mut self, sabotage: crate::Sabotage) {
        self.context.sabotage = sabotage;
    }

    pub fn into_records(self) -> (Tally, Trace) {
        (self.context.tally, self.context.trace)
    }

    /// Lives until all is quiet, or something must not be.
    pub fn run(&mut self) -> Result<(), Violation> {
        while !self.is_over {
            let Some((now, event)) = self.context.agenda.next() else {
                return Err(Violation("nothing more is to come".into()));
            };
            self.context.now = now;
            if self.context.agenda.planned() > EVENTS_LIMIT {
                return Err(Violation("somebody turns in circles".into()));
            }
            let outcome = self.live(event);
            if let Err(violation) = &outcome {
                self.context.note(|| format!("VIOLATION: {violation}"));
            }
            outcome?;
        }
        self.context.tally.count("lives");
        Ok(())
    }

    fn live(&mut self, event: Event) -> Result<(), Violation> {
        let Self { context, server, clients, .. } = self;
        match event {
            Event::StartClient(id) => {
                self.ledger.client_is_whole(&clients[id])?;
                checks::are_covered(&clients[id], &server.disks)?;
                clients[id].start(context);
            }
            Event::Add(id, life, store) => {
                clients[id].happens(context, life, Input::Add(store))?;
            }
            Event::Step(id, life) => return self.step(id, life),
            Event::ClientTimer(id, life) => clients[id].timer(context, life)?,
            Event::ClientNews(id, life, store) => {
                clients[id].happens(context, life, Input::News(store))?;
            }
            Event::Connect(id, life, attempt) => return self.connect(id, (life, attempt)),
            Event::Arrive(link, direction) => {
                let Some(parcel) = context.take_parcel(link, direction) else { return Ok(()) };
                let id = context.network.client_of(link).unwrap_or_default();
                match (direction, parcel) {
                    (Direction::Up, Parcel::Frame(frame)) => server.frame(context, link, &frame)?,
                    (Direction::Up, Parcel::End) => server.ended(link),
                    (Direction::Down, parcel) => clients[id].receive(context, link, parcel)?,
                }
            }
            Event::StartServer => {
                self.ledger.server_is_whole(&server.disks)?;
                server.start(context);
            }
            Event::ServerTimer(link) => server.timer(context, link)?,
            Event::Job(link) => {
                if !server.work(context, link) {
                    self.crash_server();
                }
            }
            Event::Done(link) => server.done(context, link)?,
            Event::ServerNews(link, channel) => server.news(context, link, channel)?,
            Event::Edit(person) => self.edit(person),
            Event::Fault => return self.fault(),
            Event::Room(id) => self.give_room(id),
            Event::Heal => return self.heal(),
            Event::Look => return self.look(),
        }
        Ok(())
    }

    fn step(&mut self, id: usize, life: u64) -> Result<(), Violation> {
        let Self { context, server, clients, ledger, .. } = self;
        let client = &mut clients[id];
        match client.step(context, life)? {
            Deed::Nothing | Deed::Marked(_) => {}
            Deed::Crashed => self.revive_client(id),
            Deed::Superseded => {
                context.tally.count("clients superseded");
                self.revive_client(id);
            }
            Deed::Compared(store) => {
                if server.disks[client.stores[store].number].losses == 0 {
                    return Err(Violation(format!("client {id} believes that the server forgot")));
                }
            }
            Deed::Committed { store, checkpoint } => {
                let store = &client.stores[store];
                if let Some(checkpoint) = checkpoint {
                    checks::is_covered(store, id, &server.disks[store.number], checkpoint)?;
                }
            }
            Deed::Settled(settled) => {
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
            // Some networks say so, and some swallow everything.
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
        let link = context.network.open(id);
        context.note(|| format!("client {id} connects: link {link}"));
        server.accept(context, link)?;
        clients[id].connected(context, attempt, Some(link))
    }

    /// Somebody does something at one of their devices.
    fn edit(&mut self, person: usize) {
        if !self.is_stormy {
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
        let hand = &mut self.hands[id][store];
        let edits = hand.edits(&mut self.context.random, id, &client.stores[store]);
        self.write(id, store, &edits);
    }

    /// Writes edits at once or one by one. What is saved goes into the ledger.
    fn write(&mut self, id: usize, store: usize, edits: &[settee_store::Edit]) {
        let Self { context, server, clients, ledger, .. } = self;
        let client = &mut clients[id];
        let place = (client.person, client.stores[store].number);
        let size = if context.random.one_in(2) { 1 } else { edits.len().max(1) };
        for batch in edits.chunks(size) {
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
                        let may_write = server.access.may_write(place);
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
    }

    /// Who owns a database writes to it once, so that it comes to be for the others.
    fn begin_what_is_not_begun(&mut self) {
        for id in 0..self.clients.len() {
            for store in 0..self.clients[id].stores.len() {
                let place = &self.clients[id].stores[store];
                let is_empty = place.database.seq() == 0;
                if place.standing == Standing::Owner && is_empty && self.clients[id].is_running() {
                    let random = &mut self.context.random;
                    let edits = self.hands[id][store].add(random, id, Standing::Owner);
                    self.write(id, store, &edits);
                }
            }
        }
    }

    fn look(&mut self) -> Result<(), Violation> {
        self.begin_what_is_not_begun();
        let Self { context, server, clients, ledger, .. } = self;
        let since = self.settled_since.map(|since| context.now.since(since));
        match (checks::has_settled(context, clients, &server.disks, ledger), since) {
            (Ok(()), Some(quiet)) if quiet >= QUIET => self.is_over = true,
            (Ok(()), Some(_)) => {}
            (Ok(()), None) => self.settled_since = Some(context.now),
            (Err(Violation(what)), _) => {
                self.settled_since = None;
                let late = context.now.since(Time::default()).saturating_sub(self.storm);
                if late > PATIENCE {
                    return Err(Violation(format!("it doesn't settle: {what}")));
                }
            }
        }
        let wait = if self.settled_since.is_some() { QUIET / 4 } else { Duration::from_secs(1) };
        context.plan(wait, Event::Look);
        if self.is_over {
            ledger.server_is_whole(&server.disks)?;
            clients.iter().try_for_each(|client| ledger.client_is_whole(client))?;
            ledger.all_arrived(clients, &server.disks)?;
        }
        Ok(())
    }
}
