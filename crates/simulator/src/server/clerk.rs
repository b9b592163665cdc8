//! The clerk at work: the server does what it decides, with the code of the kit, and may die at each commit.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use settee_store::{
    Backend, Database, DocumentId, Record, Revision,
    clerk::{Decision, Reading},
};
use settee_sync::Time;

use super::Actor;
use crate::{
    client::Store,
    context::Context,
    databases::{at_once, records_by_id},
    event::Event,
    faults::Fate,
    places::{self, Given, Giver, PLACES},
    sabotage,
    violation::{Violation, violation},
};

/// How long the clerk rests after a failure.
const REST: Duration = Duration::from_secs(1);

/// The clerk of a database.
#[derive(Default)]
pub struct Clerk {
    process: Process,
    /// All that it has ever written durably.
    written: HashSet<(DocumentId, Revision)>,
    /// How often it has to have looked at a request by now.
    looks: u64,
}

/// What is gone when the server dies.
#[derive(Default)]
struct Process {
    reading: Option<Reading>,
    decided: Option<Decided>,
    /// When it goes on.
    due: Option<Time>,
}

struct Decided {
    decision: Decision,
    /// How many requests have changed.
    changed: u64,
    /// Those that there were.
    asked: BTreeSet<String>,
}

impl Clerk {
    pub fn wake(&mut self, context: &mut Context, database: usize, rest: Duration) {
        if self.process.due.is_none() {
            let wait = rest + context.random.millis(1, 30);
            context.arm(&mut self.process.due, Some(context.now + wait), Event::Clerk(database));
        }
    }

    pub fn die(&mut self) {
        self.process = Process::default();
    }

    /// The database has lost what came since a backup, or everything.
    pub fn lose(&mut self, database: &Database) {
        self.looks = looks(database);
    }

    /// Whether it has looked at all that there is.
    pub fn is_done(&self, seq: u64) -> bool {
        self.process.decided.is_none() && self.process.reading.is_some_and(|it| it.seq() == seq)
    }

    /// Decides about the next changes. Returns whether there is more to do.
    fn decide(
        &mut self,
        context: &Context,
        backend: &dyn Backend,
        database: &Database,
    ) -> Result<bool, Violation> {
        let failed = |error| Violation(format!("the clerk fails: {error}"));
        let reading = if let Some(reading) = self.process.reading {
            reading
        } else {
            sabotage::forget_what_waits(context, database);
            at_once(Reading::saved(&Giver, backend)).map_err(failed)?
        };
        self.process.reading = Some(reading);
        let decision = at_once(reading.decide(&Giver, backend)).map_err(failed)?;
        let Some(decision) = decision else { return Ok(false) };
        if decision.operations.is_empty() {
            self.process.reading = Some(decision.then);
        } else {
            let changed = places::changed(database, reading.seq(), decision.then.seq());
            self.process.decided =
                Some(Decided { decision, changed, asked: places::asked(database) });
        }
        Ok(true)
    }

    /// Checks what a commit of the clerk has made of its documents.
    fn has_written(
        &mut self,
        context: &mut Context,
        before: &[Given],
        changed: u64,
        asked: &BTreeSet<String>,
        database: &Database,
    ) -> Result<(), Violation> {
        self.looks += changed;
        let looks = looks(database);
        if looks != self.looks {
            let right = self.looks;
            return violation(format!("the clerk has answered {looks} times instead of {right}"));
        }
        let records = records_by_id(database);
        for (id, before) in places::given_ids().zip(before) {
            let Some(record) = records.get(&id) else { continue };
            let [leaf] = &record.tree.leaves()[..] else {
                return violation(format!("{id} has several versions"));
            };
            self.written.insert((id.clone(), leaf.revision));
            let after = given(Some(record));
            if after.taken() > PLACES {
                return violation(format!("{id} has more places than there are: {after:?}"));
            }
            if after.places.values().any(|has_place| !has_place) {
                context.tally.count("clerk: commits with a request for which there is no place");
            }
            let had = before.places.keys().filter(|ask| before.has_place(ask));
            for ask in had.filter(|ask| !after.has_place(ask)) {
                if asked.contains(ask) {
                    return violation(format!("{ask} has lost its place"));
                }
                context.tally.count("clerk: places given back");
            }
        }
        Ok(())
    }

    /// Checks that nobody else has written what a database has of its documents, and that each shows one answer.
    fn is_author(&self, database: &Database, may_be_old: bool) -> Result<(), Violation> {
        for (id, record) in places::given_ids().zip(answers(database)) {
            let leaves = record.iter().flat_map(|record| record.tree.leaves());
            let leaves: Vec<Revision> = leaves.map(|leaf| leaf.revision).collect();
            let is_foreign = |leaf: &&Revision| !self.written.contains(&(id.clone(), **leaf));
            if let Some(leaf) = leaves.iter().find(is_foreign) {
                return violation(format!("{id} {leaf} was not written by the clerk"));
            }
            let is_clear = leaves.len() < 2 && given(record.as_deref()).taken() <= PLACES;
            if !is_clear && !may_be_old {
                return violation(format!("{id} gives too much away"));
            }
        }
        Ok(())
    }
}

impl Actor {
    /// The clerk does its next step. False if the server dies.
    pub fn clerk_works(&mut self, context: &mut Context, number: usize) -> Result<bool, Violation> {
        let Some(clerk) = self.clerks.get_mut(number) else { return Ok(true) };
        if clerk.process.due.take_if(|due| *due == context.now).is_none() {
            return Ok(true);
        }
        let disk = &self.disks[number];
        let Some(Decided { decision, changed, asked }) = clerk.process.decided.take() else {
            if clerk.decide(context, disk.backend(), &disk.database)? {
                clerk.wake(context, number, Duration::ZERO);
            }
            return Ok(true);
        };
        let Decision { operations, then } = decision;
        let fate = context.faults.clerk_commit(&mut context.random);
        let (operations, fate) = sabotage::part(context, &disk.database, operations, fate);
        match fate {
            Fate::CrashBefore => {
                context.tally.count("clerk: server dies before a commit");
                return Ok(false);
            }
            Fate::Fail => context.tally.count("clerk: a commit fails"),
            Fate::Done | Fate::CrashAfter | Fate::Late => {
                context.tally.count("clerk: commits");
                let before: Vec<Given> =
                    answers(&disk.database).map(|it| given(it.as_deref())).collect();
                let committed = at_once(disk.database.commit(operations));
                let outcomes = committed.map(|commit| commit.outcomes).unwrap_or_default();
                if outcomes.iter().any(Result::is_err) || outcomes.is_empty() {
                    return violation(format!("an answer is not taken: {outcomes:?}"));
                }
                clerk.has_written(context, &before, changed, &asked, &disk.database)?;
                self.tell(context, number);
            }
        }
        if fate == Fate::CrashAfter {
            context.tally.count("clerk: server dies after a commit");
            return Ok(false);
        }
        let (reading, rest) =
            if fate == Fate::Done { (Some(then), Duration::ZERO) } else { (None, REST) };
        if let Some(clerk) = self.clerks.get_mut(number) {
            clerk.process.reading = reading;
            clerk.wake(context, number, rest);
        }
        Ok(true)
    }

    /// Checks what a device was told of the clerk's answers.
    pub fn has_told(&self, store: &Store) -> Result<(), Violation> {
        let clerk = self.clerks.get(store.number);
        let has_lost = self.disks[store.number].losses > 0;
        clerk.map_or(Ok(()), |clerk| clerk.is_author(&store.database, has_lost))
    }

    pub fn clerks_are_done(&self) -> Result<(), Violation> {
        let mut clerks = self.clerks.iter().zip(&self.disks);
        if clerks.all(|(clerk, disk)| clerk.is_done(disk.seq())) {
            Ok(())
        } else {
            violation("a clerk has something to do".to_owned())
        }
    }

    /// Checks that each request has one answer, once all is quiet.
    pub fn has_answered(&self) -> Result<(), Violation> {
        for (clerk, disk) in self.clerks.iter().zip(&self.disks) {
            clerk.is_author(&disk.database, false)?;
            let answered =
                answers(&disk.database).flat_map(|it| given(it.as_deref()).places.into_keys());
            let (mut answered, asked) =
                (answered.collect::<Vec<_>>(), places::asked(&disk.database));
            answered.sort_unstable();
            if !answered.iter().eq(&asked) {
                return violation(format!("the clerk has answered {answered:?} of {asked:?}"));
            }
        }
        Ok(())
    }
}

/// The clerk's documents.
fn answers(database: &Database) -> impl Iterator<Item = Option<Arc<Record>>> {
    let ids = places::given_ids().collect();
    at_once(database.records(ids)).unwrap_or_default().into_iter()
}

fn given(record: Option<&Record>) -> Given {
    record.and_then(Record::document).map(|it| Given::read(&it)).unwrap_or_default()
}

/// How often the clerk has looked at a request, as it says itself.
fn looks(database: &Database) -> u64 {
    answers(database).map(|record| given(record.as_deref()).looks).sum()
}
