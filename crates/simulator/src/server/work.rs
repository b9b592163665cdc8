//! The jobs that a connection has for the databases. They are done one after the other while the
//! connection goes on reading, and their outcomes reach the machine some time later.

use settee_store::{DocumentId, Operation, Page, replication::ReplicatedDocument};
use settee_sync::{
    Channel, Denial, DenialCode, Role,
    digest::Digests,
    message::{BatchNumber, Open},
    server::{Committed, Found, Grant},
};

use super::{Actor, access::Place};
use crate::{
    context::Context, databases::at_once, databases::records, event::Event, faults::Fate,
    link::LinkId, plan::is_welcome, sabotage,
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
    pub place: Place,
    pub documents: Vec<ReplicatedDocument>,
}

pub enum Done {
    Authorized(Channel, Result<(Grant, Place), Denial>),
    Committed(Channel, BatchNumber, Option<Committed>),
    Changes(Channel, Option<Page>),
    Digests(Channel, Digests),
    Found(Channel, Option<Found>),
    /// There is nothing to tell the machine.
    Nothing,
}

/// The process died in a commit.
struct Dead;

impl Actor {
    /// The connection's next job reaches the disk. False if the server dies.
    pub fn work(&mut self, context: &mut Context, link: LinkId) -> bool {
        let Some(connection) = self.connections.get_mut(&link) else { return true };
        let Some(job) = connection.jobs.pop_front() else { return true };
        let done = match job {
            Job::Authorize(open) => {
                Ok(Done::Authorized(open.channel, self.authorize(context, &open)))
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
                let seq = self.disks[batch.place.1].seq();
                if let Some(done) = sabotage::acknowledge_early(context, &mut batch, seq) {
                    connection.jobs.push_front(Job::Commit(batch));
                    Ok(done)
                } else {
                    self.commit(context, batch)
                }
            }
        };
        let Ok(done) = done else { return false };
        if let Some(connection) = self.connections.get_mut(&link) {
            connection.done = Some(done);
            let wait = context.random.millis(0, 8);
            context.plan(wait, Event::Done(link));
        }
        true
    }

    fn authorize(&mut self, context: &mut Context, open: &Open) -> Result<(Grant, Place), Denial> {
        if context.random.one_in(context.faults.unavailable) {
            context.tally.count("fault: the server can't open a database");
            return Err(Denial::new(DenialCode::Unavailable, "not now"));
        }
        let number = open.database.strip_prefix("database ").and_then(|n| n.parse().ok());
        let unknown = || Denial::new(DenialCode::Unknown, "there is no such database");
        let number: usize = number.ok_or_else(unknown)?;
        let disk = self.disks.get_mut(number).ok_or_else(unknown)?;
        let place = (person_of(&open.credentials), number);
        let role = self.access.decide(place)?;
        disk.is_there |= role == Role::Owner;
        if !disk.is_there {
            return Err(unknown());
        }
        let is_blind = sabotage::is_blind(context);
        let resumed = open.checkpoint.is_some_and(|known| is_blind || disk.knows(&known));
        Ok((Grant { role, position: disk.position(), resumed }, place))
    }

    /// Commits the documents that are welcome, and returns the outcome for the machine.
    fn commit(&mut self, context: &mut Context, batch: Batch) -> Result<Done, Dead> {
        let Batch { channel, number, place, documents } = batch;
        // Access may have ended while the batch waited. Then the machine has closed the channel.
        if !self.access.may_write(place) {
            context.tally.count("commits that came after access had ended");
            return Ok(Done::Nothing);
        }
        let not_done = Ok(Done::Committed(channel, number, None));
        let fate = context.faults.server_commit(&mut context.random);
        if fate == Fate::CrashBefore {
            context.tally.count("fault: server dies before a commit");
            return Err(Dead);
        }
        if fate == Fate::Fail {
            context.tally.count("fault: server can't commit");
            return not_done;
        }
        let welcome: Vec<bool> = documents.iter().map(is_welcome).collect();
        let believed = sabotage::believe(context, &documents);
        let operations = documents.into_iter().zip(&welcome).filter(|(_, welcome)| **welcome);
        let operations =
            operations.map(|(document, _)| Operation::Replicate { document, acknowledges: false });
        let operations = operations.chain(believed);
        let committed = at_once(self.disks[place.1].database.commit(operations.collect()));
        let Ok(committed) = committed else { return not_done };
        self.tell(context, place.1);
        match fate {
            Fate::CrashAfter => {
                context.tally.count("fault: server dies after a commit");
                return Err(Dead);
            }
            Fate::Late => {
                context.tally.count("fault: server commits too late");
                return not_done;
            }
            _ => {}
        }
        let mut outcomes = committed.outcomes.into_iter();
        let told = welcome.into_iter().map(|is_welcome| {
            let outcome = is_welcome.then(|| outcomes.next()).flatten();
            outcome.map_or(Err("not welcome".to_owned()), |o| o.map_err(|error| error.to_string()))
        });
        Ok(Done::Committed(channel, number, Some((told.collect(), committed.seq))))
    }
}

/// The person whose credentials these are.
fn person_of(credentials: &[u8]) -> usize {
    credentials.first().map_or(usize::MAX, |person| usize::from(*person))
}
