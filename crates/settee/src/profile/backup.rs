//! Writing a device's [backup](crate::backup), and restoring it.

use std::sync::Arc;

use minicbor::{Decoder, Encoder};
use settee_store::{
    Body, Change, Database, DocumentId, Edit, Operation, Record, Revision, WriteError,
    replication::{Known, ReplicatedDocument},
};
use settee_sync::{Role, message::WireDocument};

use super::{
    kept::{Credentials, Kept},
    taking::{Taking, can_take},
    used::Use,
};
use crate::{
    BackupError, Error, Restored,
    backup::{HEAD, is_backup},
};

/// Documents that are read or committed at a time, and bytes after which fewer are.
const BATCH: usize = 500;
const BATCH_WEIGHT: usize = 4 * 1024 * 1024;

/// Writes all that a device keeps.
pub(crate) async fn write(device: &Taking, mut write: impl FnMut(&[u8])) -> Result<(), Error> {
    write(HEAD);
    let mut items = Items::default();
    for (key, mut kept) in device.home.all().await? {
        let is_home = kept.home_token().is_some();
        if is_home {
            // It says what this device knows of the home, which another one doesn't.
            kept.app.clear();
        }
        let body = Body::from_serialize(&kept).map_err(WriteError::from)?;
        items.kept(&key, &body);
        if !is_home {
            let opened = device.databases.open(&kept.name).await?;
            let mut since = 0;
            loop {
                let records = handed_out(&opened.database, since).await?;
                let Some(last) = records.last() else { break };
                since = last.seq;
                for record in &records {
                    items.record(record);
                }
                write(&items.take());
            }
        }
    }
    items.end();
    write(&items.take());
    Ok(())
}

/// A page of records, of which none is [folded](settee_store::folding) later.
async fn handed_out(database: &Database, since: u64) -> Result<Vec<Arc<Record>>, Error> {
    let records = database.changes(since, BATCH).await?;
    let unsent = records.iter().filter(|record| record.unsent.is_some());
    let marks: Vec<Operation> =
        unsent.map(|record| Operation::HandOut { id: record.id.clone() }).collect();
    if marks.is_empty() {
        return Ok(records);
    }
    database.commit(marks).await?;
    // What was edited meanwhile comes again on a later page.
    Ok(database.changes(since, BATCH).await?)
}

/// Items as they are written.
#[derive(Default)]
struct Items {
    written: Vec<u8>,
    count: u64,
}

/// Writing to memory doesn't fail.
const INFALLIBLE: &str = "writing to memory doesn't fail";

impl Items {
    /// Begins an item of so many fields besides its kind.
    fn item(&mut self, kind: u8, fields: u64) -> Encoder<&mut Vec<u8>> {
        self.count += 1;
        let mut item = Encoder::new(&mut self.written);
        item.array(fields + 1).expect(INFALLIBLE).u8(kind).expect(INFALLIBLE);
        item
    }

    fn kept(&mut self, key: &str, kept: &Body) {
        let mut item = self.item(0, 2);
        item.str(key).expect(INFALLIBLE).str(kept.as_str()).expect(INFALLIBLE);
    }

    fn record(&mut self, record: &Record) {
        if let Some(document) = record.outgoing_since(Known::Unsure, |_| false) {
            let waits = record.tree.is_pending();
            let mut item = self.item(1, 2);
            item.encode(WireDocument::from(&document)).expect(INFALLIBLE);
            item.bool(waits).expect(INFALLIBLE);
        }
        for Edit { id, seen, change } in record.retries() {
            let mut item = self.item(2, 3);
            item.encode(id).expect(INFALLIBLE).encode(seen).expect(INFALLIBLE);
            let text = match &change {
                Change::Put(body) => Some(body.as_str()),
                Change::Delete => None,
            };
            item.encode(text).expect(INFALLIBLE);
        }
    }

    fn end(&mut self) {
        let count = self.count;
        self.item(3, 1).u64(count).expect(INFALLIBLE);
    }

    /// The bytes of those that were made since the last time.
    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.written)
    }
}

/// What an item says.
enum Item {
    Kept(String, Kept),
    Document { document: WireDocument, waits: bool },
    Edit(Edit),
    End(u64),
}

fn read(decoder: &mut Decoder<'_>) -> Result<Item, BackupError> {
    let fields = decoder.array()?;
    Ok(match (decoder.u8()?, fields) {
        (0, Some(3)) => {
            let key = decoder.str()?.to_owned();
            let kept = Body::from_canonical(decoder.str()?.as_bytes());
            let kept = kept.ok().and_then(|kept| kept.read().ok());
            Item::Kept(key, kept.ok_or(BackupError::Damaged)?)
        }
        (1, Some(3)) => Item::Document { document: decoder.decode()?, waits: decoder.bool()? },
        (2, Some(4)) => {
            let (id, seen): (DocumentId, Vec<Revision>) = (decoder.decode()?, decoder.decode()?);
            let change = match decoder.decode::<Option<&str>>()? {
                None => Change::Delete,
                Some(body) => {
                    let body = Body::from_canonical(body.as_bytes());
                    Change::Put(body.map_err(|_| BackupError::Damaged)?)
                }
            };
            Item::Edit(Edit { id, seen, change })
        }
        (3, Some(2)) => Item::End(decoder.u64()?),
        _ => return Err(BackupError::Damaged),
    })
}

/// Looks at the whole file, before anything of it is taken.
fn check(file: &[u8]) -> Result<Decoder<'_>, BackupError> {
    let Some(items) = file.strip_prefix(HEAD) else {
        return Err(if is_backup(file) { BackupError::Newer } else { BackupError::NotOne });
    };
    let (mut decoder, mut count) = (Decoder::new(items), 0);
    loop {
        if let Item::End(told) = read(&mut decoder)? {
            let is_whole = told == count && decoder.position() == items.len();
            return if is_whole { Ok(Decoder::new(items)) } else { Err(BackupError::CutOff) };
        }
        count += 1;
    }
}

/// Keeps all that a file has.
pub(crate) async fn restore(device: &Taking, file: &[u8]) -> Result<Restored, Error> {
    let mut decoder = check(file)?;
    // Somebody else's home would learn of all that this device keeps.
    let takes_homes = device.is_fresh().await?;
    let mut restored = Restored::default();
    let mut target: Option<Target> = None;
    loop {
        let item = read(&mut decoder)?;
        if matches!(item, Item::Kept(..) | Item::End(_))
            && let Some(mut target) = target.take()
        {
            target.flush(&mut restored).await?;
        }
        match (item, &mut target) {
            (Item::Kept(key, kept), _) => {
                target = keep(device, &key, kept, takes_homes, &mut restored).await?;
            }
            (Item::Document { document, waits }, Some(target)) => match document.verify() {
                Ok(document) => target.take(Step::Document { document, waits }),
                Err(_) => restored.failed += 1,
            },
            (Item::Edit(edit), Some(target)) => target.take(Step::Edit(edit)),
            (Item::Document { .. } | Item::Edit(_), None) => restored.failed += 1,
            (Item::End(_), _) => return Ok(restored),
        }
        if let Some(target) = &mut target
            && (target.steps.len() >= BATCH || target.weight >= BATCH_WEIGHT)
        {
            target.flush(&mut restored).await?;
        }
    }
}

/// Keeps a database, unless it is one that can't come from another device.
async fn keep(
    device: &Taking,
    key: &str,
    kept: Kept,
    takes_homes: bool,
    restored: &mut Restored,
) -> Result<Option<Target>, Error> {
    if kept.home_token().is_some() {
        if !takes_homes {
            return Ok(None);
        }
        device.home.keep(&kept.name.clone(), kept).await?;
        return Ok(None);
    }
    if !can_take(key, &kept) {
        return Ok(None);
    }
    let name = kept.name.clone();
    let known = device.home.all().await?.into_values().find(|known| known.name == name);
    restored.databases += usize::from(known.is_none());
    // Whoever may do less than this device could have it do more for them.
    let may_write = known.is_none_or(|known| {
        let best = known.keys().and_then(|keys| keys.best().cloned());
        let best = best.map(|best| Credentials(best.as_bytes().to_vec()));
        best.or(known.credentials.first().cloned()).is_some_and(|it| kept.credentials.contains(&it))
    });
    device.take(key, kept, false).await?;
    if !may_write {
        return Ok(None);
    }
    let all = device.home.all().await?;
    let role = all.into_values().find(|known| known.name == name).and_then(|known| {
        let role = known.keys().map_or(known.granted(), |keys| keys.role());
        role.filter(|_| !known.is_revoked)
    });
    let used = device.databases.use_database(&name).await?;
    Ok(Some(Target { used, role, steps: Vec::new(), weight: 0 }))
}

/// What is to be done with one document.
enum Step {
    Document { document: ReplicatedDocument, waits: bool },
    Edit(Edit),
}

/// The database that documents are restored to.
struct Target {
    used: Arc<Use>,
    role: Option<Role>,
    steps: Vec<Step>,
    weight: usize,
}

impl Target {
    fn take(&mut self, step: Step) {
        self.weight += match &step {
            Step::Document { document, .. } => document.weight(),
            Step::Edit(Edit { change: Change::Put(body), .. }) => body.as_str().len(),
            Step::Edit(_) => 0,
        };
        self.steps.push(step);
    }

    /// Writes what there is.
    async fn flush(&mut self, restored: &mut Restored) -> Result<(), Error> {
        let database = &self.used.opened().database;
        let steps = std::mem::take(&mut self.steps);
        self.weight = 0;
        let id = |step: &Step| match step {
            Step::Document { document, .. } => document.id.clone(),
            Step::Edit(edit) => edit.id.clone(),
        };
        let known = database.records(steps.iter().map(id).collect()).await?;
        let mut operations = Vec::new();
        for (step, known) in steps.into_iter().zip(known) {
            match step {
                Step::Document { document, waits } => {
                    let id = document.id.clone();
                    let is_new = known.is_none();
                    let may_send = self.role.is_some_and(|role| role.can_bring_back(&id));
                    operations.push(Operation::Replicate { document, acknowledges: false });
                    // What is here already is sent by itself, if the server lacks it.
                    if waits || is_new && may_send {
                        operations.push(Operation::Resend { id });
                    }
                }
                Step::Edit(edit) => operations.push(Operation::Edit(edit)),
            }
        }
        let is_restored: Vec<bool> = operations
            .iter()
            .map(|operation| !matches!(operation, Operation::Resend { .. }))
            .collect();
        let outcomes = database.commit(operations).await?.outcomes;
        for (outcome, _) in outcomes.into_iter().zip(is_restored).filter(|(_, counts)| *counts) {
            match outcome {
                Ok(applied) => restored.documents += usize::from(applied.changed),
                Err(_) => restored.failed += 1,
            }
        }
        Ok(())
    }
}
