//! The jobs that a connection has for the databases. They are done one after the other while the
//! connection goes on reading, and their outcomes reach the machine some time later.

use settee_store::{DocumentId, Operation, Page, Revision, replication::ReplicatedDocument};
use settee_sync::{
    Channel, Denial, DenialCode, Role,
    access::{is_clerks, says_who_may},
    digest::Digests,
    message::{BatchNumber, Open},
    server::{Committed, Found, Grant},
};

use super::{Actor, helpers::Before, keys::may_say};
use crate::{
    bearer::Bearer, context::Context, databases::at_once, databases::records, event::Event,
    faults::Fate, link::LinkId, plan::is_welcome, sabotage, violation::Violation,
};

pub enum Job {
    Authorize(Open),
    Commit(Batch),
    Read { channel: Channel, disk: usize, since: u64, limit: usize },
    Digest { channel: Channel, disk: usize },
    Find { channel: Channel, disk: usize, ids: Vec<DocumentId> },
}

/// Documents to commit, with their sender and their database.
pub struct Batch {
    pub channel: Channel,
    pub number: BatchNumber,
    pub bearer: Bearer,
    pub documents: Vec<ReplicatedDocument>,
}

pub enum Done {
    Authorized(Channel, Result<(Grant, Bearer), Denial>),
    Committed(Channel, BatchNumber, Option<Committed>),
    Changes(Channel, Option<Page>),
    Digests(Channel, Digests),
    Found(Channel, Option<Found>),
    /// There is nothing to tell the machine.
    Nothing,
}

/// Why there is no outcome of a job.
enum Stopped {
    /// The process died in a commit.
    Dead,
    Wrong(Violation),
}

impl From<Violation> for Stopped {
    fn from(violation: Violation) -> Self {
        Self::Wrong(violation)
    }
}

impl Actor {
    /// The connection's next job reaches the disk. False if the server dies.
    pub fn work(&mut self, context: &mut Context, link: LinkId) -> Result<bool, Violation> {
        let Some(connection) = self.connections.get_mut(&link) else { return Ok(true) };
        let Some(job) = connection.jobs.pop_front() else { return Ok(true) };
        let done = match job {
            Job::Authorize(open) => {
                Ok(Done::Authorized(open.channel, self.authorize(context, &open)?))
            }
            Job::Read { channel, disk, since, limit } => {
                let page = at_once(self.disks[disk].database.page(since, limit));
                Ok(Done::Changes(channel, page.ok()))
            }
            Job::Digest { channel, disk } => {
                let records = records(&self.disks[disk].database);
                Ok(Done::Digests(channel, Digests::of(records.iter().map(AsRef::as_ref))))
            }
            Job::Find { channel, disk, ids } => {
                let found = at_once(self.disks[disk].database.records(ids));
                let seq = self.disks[disk].seq();
                Ok(Done::Found(channel, found.ok().map(|records| (records, seq))))
            }
            Job::Commit(mut batch) => {
                let seq = self.disks[batch.bearer.place.1].seq();
                if let Some(done) = sabotage::acknowledge_early(context, &mut batch, seq) {
                    connection.jobs.push_front(Job::Commit(batch));
                    Ok(done)
                } else {
                    self.commit(context, batch)
                }
            }
        };
        let done = match done {
            Ok(done) => done,
            Err(Stopped::Dead) => return Ok(false),
            Err(Stopped::Wrong(violation)) => return Err(violation),
        };
        if let Some(connection) = self.connections.get_mut(&link) {
            connection.done = Some(done);
            let wait = context.random.millis(0, 8);
            context.plan(wait, Event::Done(link));
        }
        Ok(true)
    }

    fn authorize(
        &mut self,
        context: &mut Context,
        open: &Open,
    ) -> Result<Result<(Grant, Bearer), Denial>, Violation> {
        if context.random.one_in(context.faults.unavailable) {
            context.tally.count("fault: the server can't open a database");
            return Ok(Err(Denial::new(DenialCode::Unavailable, "not now")));
        }
        let unknown = || Ok(Err(Denial::new(DenialCode::Unknown, "there is no such database")));
        let number = open.database.strip_prefix("database ").and_then(|n| n.parse().ok());
        let Some(number) = number.filter(|number| *number < self.disks.len()) else {
            return unknown();
        };
        let bearer = Bearer::of(&open.credentials, number);
        let role = match self.decide(context, &bearer)? {
            Ok(role) => role,
            Err(denial) => return Ok(Err(denial)),
        };
        let disk = &mut self.disks[number];
        if let Some(keys) = &mut self.access.keys {
            keys.stays_revoked(context, disk, &bearer)?;
            if role == Role::Owner {
                keys.create(disk, &bearer);
            }
        }
        disk.is_there |= role == Role::Owner;
        if !disk.is_there {
            return unknown();
        }
        let is_blind = sabotage::is_blind(context);
        let resumed = open.checkpoint.is_some_and(|known| is_blind || disk.knows(&known));
        Ok(Ok((Grant { role, position: disk.position(), resumed }, bearer)))
    }

    /// Commits the documents that are welcome, and returns the outcome for the machine.
    fn commit(&mut self, context: &mut Context, batch: Batch) -> Result<Done, Stopped> {
        let Batch { channel, number, bearer, documents } = batch;
        // Access may have ended while the batch waited. Then the machine has closed the channel.
        let Some(role) = self.decide(context, &bearer)?.ok().filter(|role| role.can_write()) else {
            context.tally.count("commits that came after access had ended");
            return Ok(Done::Nothing);
        };
        let not_done = Ok(Done::Committed(channel, number, None));
        let fate = context.faults.server_commit(&mut context.random);
        if fate == Fate::CrashBefore {
            context.tally.count("fault: server dies before a commit");
            return Err(Stopped::Dead);
        }
        if fate == Fate::Fail {
            context.tally.count("fault: server can't commit");
            return not_done;
        }
        let disk = bearer.place.1;
        let is_taken = |document| is_welcome(document) && may_say(context, role, document);
        let mut welcome: Vec<bool> = documents.iter().map(is_taken).collect();
        let adds = self.access.lets_add(&self.disks[disk], disk)?;
        let before = (role == Role::Helper)
            .then(|| Before::of(&self.disks[disk], &bearer, adds, &documents));
        if let Some(before) = &before {
            let verdicts = before.verdicts(context, &documents)?;
            welcome.iter_mut().zip(verdicts).for_each(|(taken, verdict)| *taken &= verdict);
        }
        let kept = |document: &&ReplicatedDocument| !may_say(context, role, document);
        let kept: Vec<bool> = documents.iter().filter(kept).map(|it| is_clerks(&it.id)).collect();
        if kept.contains(&false) {
            context.tally.count("access: batches with what only an owner may say");
        }
        if kept.contains(&true) {
            context.tally.count("clerk: batches with what only it may say");
        }
        let refused = documents.iter().zip(&welcome).filter(|(_, welcome)| !**welcome);
        let mut there = refused
            .map(|(document, _)| self.disks[disk].record(&document.id)?.unchanged_by(document))
            .collect::<Vec<_>>()
            .into_iter();
        let rulings = rulings(documents.iter().zip(&welcome));
        let believed = sabotage::believe(context, &documents);
        let operations = documents.into_iter().zip(&welcome).filter(|(_, welcome)| **welcome);
        let operations =
            operations.map(|(document, _)| Operation::Replicate { document, acknowledges: false });
        let operations = operations.chain(believed);
        let committed = at_once(self.disks[disk].database.commit(operations.collect()));
        let Ok(committed) = committed else { return not_done };
        if let Some(before) = before {
            before.is_kept(context, &self.disks[disk])?;
        }
        self.tell(context, disk);
        if let Some(keys) = self.access.keys.as_mut().filter(|_| !rulings.is_empty()) {
            for revision in &rulings {
                keys.model.reached(disk, revision);
            }
            self.decide_again(context, |(_, number)| number == disk)?;
        }
        match fate {
            Fate::CrashAfter => {
                context.tally.count("fault: server dies after a commit");
                return Err(Stopped::Dead);
            }
            Fate::Late => {
                context.tally.count("fault: server commits too late");
                return not_done;
            }
            _ => {}
        }
        let mut outcomes = committed.outcomes.into_iter();
        let told = welcome.into_iter().map(|is_welcome| {
            if !is_welcome {
                return there.next().flatten().ok_or_else(|| "not welcome".to_owned());
            }
            let outcome = outcomes.next();
            outcome.map_or(Err("not done".to_owned()), |o| o.map_err(|error| error.to_string()))
        });
        Ok(Done::Committed(channel, number, Some((told.collect(), committed.seq))))
    }
}

/// All that the documents which are taken say of who may do what.
fn rulings<'a>(
    documents: impl Iterator<Item = (&'a ReplicatedDocument, &'a bool)>,
) -> Vec<(DocumentId, Revision)> {
    let rules = documents.filter(|(document, is_taken)| **is_taken && says_who_may(&document.id));
    rules
        .flat_map(|(document, _)| {
            let names = document.revisions.iter().map(|revision| revision.revision);
            names.map(|name| (document.id.clone(), name))
        })
        .collect()
}
