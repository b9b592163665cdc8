//! Telling the devices of one database what has changed.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::future::join_all;
use settee_store::{Backend, BackendError, Record, Storage, clerk::Desk};
use thiserror::Error;
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use super::{
    Notices, Reader, Undelivered,
    devices::{Device, Devices},
    tries::Tries,
};
use crate::{
    databases::{DatabaseError, known, short},
    guard::{Failure, guarded},
    policy::{Known, Named},
    shared::Shared,
};

/// What devices are told of at once: of more changes, or of longer ones, they hear the latest.
const CHANGES: usize = 1_000;
const BYTES: usize = 1 << 20;
/// How many changes are read at once.
const PAGE: usize = 32;
/// How many devices are told at once.
const TOGETHER: usize = 8;
/// How long it may take to say what one device is told.
const NOTICE_LIMIT: Duration = Duration::from_secs(10);
/// How long a courier may take for one device.
const BRING_LIMIT: Duration = Duration::from_secs(30);
/// How long it rests after a failure of the storage: the first time, and at most.
const REST: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(10));

/// Why devices were not told.
#[derive(Debug, Error)]
enum NoticeError {
    #[error("{0}")]
    Store(#[from] BackendError),
    #[error("{0}")]
    Database(#[from] DatabaseError),
    #[error("{0}")]
    Failed(#[from] Failure),
}

/// What comes after a round.
enum Next {
    /// Everybody was told everything: something has to change.
    Change(watch::Receiver<u64>),
    /// Nobody wants to be told: a device has to come.
    Device(watch::Receiver<u64>),
    /// Some could not be reached, and are tried again then, or when something has changed. The second word is of those
    /// who come to use the database: if it was closed meanwhile, the first one has ended.
    Try(Instant, [watch::Receiver<u64>; 2]),
    /// Another round.
    Round,
    /// There is no such database.
    Nothing,
}

/// Tells devices of a database as long as somebody uses it, and after that what was not told yet.
pub async fn run(
    notices: Arc<Notices>,
    name: Arc<str>,
    storage: Weak<dyn Storage>,
    shared: Weak<Shared>,
) {
    let mut rest = REST.0;
    let mut teller = Teller { notices, name, tries: Tries::default() };
    loop {
        // Nothing of it is held while there is nothing to do, so that the database can be closed.
        let Some((place, state)) = storage.upgrade().zip(shared.upgrade()) else { return };
        let next = teller.round(&place, &state).await;
        drop(place);
        match next {
            Ok(Next::Round) => rest = REST.0,
            Ok(Next::Try(at, [mut news, mut users])) => {
                // It is held, so that this goes on when nobody uses the database any more.
                tokio::select! {
                    () = sleep_until(at) => {}
                    () = changed(&mut news, &mut users) => {}
                }
            }
            Ok(Next::Change(mut word) | Next::Device(mut word)) => {
                drop(state);
                rest = REST.0;
                if word.changed().await.is_err() {
                    // It was closed. Whoever comes may find it there again.
                    sleep(rest).await;
                }
            }
            Ok(Next::Nothing) | Err(_) => {
                if let Err(error) = next {
                    let database = short(&teller.name);
                    tracing::error!(database, %error, "can't tell devices of changes");
                }
                drop(state);
                sleep(rest).await;
                rest = (rest * 2).min(REST.1);
            }
        }
    }
}

/// Waits until a database has changed, or somebody comes to use it after it was closed.
async fn changed(news: &mut watch::Receiver<u64>, users: &mut watch::Receiver<u64>) {
    if news.changed().await.is_err() && users.changed().await.is_err() {
        // Nobody can come any more.
        std::future::pending::<()>().await;
    }
}

struct Teller {
    notices: Arc<Notices>,
    name: Arc<str>,
    tries: Tries,
}

/// What has become of a device.
enum Outcome {
    Told,
    /// It is forgotten: its grant doesn't hold any more, or nothing can be brought there.
    Gone,
    Later(Duration),
}

impl Teller {
    async fn round(
        &mut self,
        storage: &Arc<dyn Storage>,
        shared: &Shared,
    ) -> Result<Next, NoticeError> {
        let mut users = shared.users.subscribe();
        users.borrow_and_update();
        let mut wanted = shared.wanted.subscribe();
        wanted.borrow_and_update();
        let Some(database) = storage.find(self.name.to_string()).await? else {
            return Ok(Next::Nothing);
        };
        let mut news = database.watch();
        let latest = *news.borrow_and_update();
        let devices = Devices::read(&*database).await?.all;
        if devices.is_empty() {
            return Ok(Next::Device(wanted));
        }
        let behind = || devices.iter().filter(|device| device.told < latest);
        let Some(due) = behind().map(|device| self.tries.due(&device.address)).min() else {
            return Ok(Next::Change(news));
        };
        if due > Instant::now() {
            return Ok(Next::Try(due, [news, users]));
        }
        let timing = self.notices.timing;
        sleep(timing.gather).await;
        {
            // What all databases together take in memory has a limit.
            let _turn = self.notices.turns.clone().acquire_owned().await;
            let known = known(storage, &self.name).await?;
            let Some(known) = known else { return Ok(Next::Nothing) };
            self.tell(&*database, &known, shared).await?;
        }
        sleep(timing.rest).await;
        Ok(Next::Round)
    }

    /// Tells everybody who is due what they don't know yet.
    async fn tell(
        &mut self,
        database: &dyn Backend,
        known: &Known,
        shared: &Shared,
    ) -> Result<(), NoticeError> {
        let latest = *database.watch().borrow();
        let is_due = |device: &Device| {
            device.told < latest && self.tries.due(&device.address) <= Instant::now()
        };
        let mut devices = Devices::read(database).await?.all;
        devices.retain(is_due);
        let Some(since) = devices.iter().map(|device| device.told).min() else { return Ok(()) };
        let (changed, until) = changes(database, since, latest).await?;
        for devices in devices.chunks(TOGETHER) {
            let outcomes = devices.iter().map(async |device| {
                let unknown = changed.partition_point(|record| record.seq <= device.told);
                let told = self.tell_one(database, known, device, &changed[unknown..]).await;
                told.unwrap_or_else(|error| {
                    let database = short(&self.name);
                    tracing::warn!(database, %error, "a device could not be told");
                    Outcome::Later(Duration::ZERO)
                })
            });
            let outcomes = join_all(outcomes).await;
            let outcomes = devices.iter().zip(outcomes).collect();
            self.write_down(database, shared, until, outcomes).await?;
        }
        Ok(())
    }

    async fn tell_one(
        &self,
        database: &dyn Backend,
        known: &Known,
        device: &Device,
        changed: &[Arc<Record>],
    ) -> Result<Outcome, NoticeError> {
        let Notices { notifier, courier, policy, .. } = &*self.notices;
        let (name, grant) = (self.name.to_string(), device.grant.clone());
        let named = Named { database: name, grant, known: known.clone() };
        // An app's code may panic before there is a future.
        if !guarded(NOTICE_LIMIT, async { policy.holds(named).await }).await?? {
            return Ok(Outcome::Gone);
        }
        let to = Reader { database: &self.name, who: device.who.as_deref(), told: device.told };
        let notice = async { notifier.notice(Desk::of(database), to, changed).await };
        let Some(notice) = guarded(NOTICE_LIMIT, notice).await?? else { return Ok(Outcome::Told) };
        let bringing = async { courier.bring(&device.address, &notice).await };
        Ok(match guarded(BRING_LIMIT, bringing).await? {
            Ok(()) => Outcome::Told,
            Err(Undelivered::Gone) => Outcome::Gone,
            Err(Undelivered::Later(pause)) => Outcome::Later(pause.unwrap_or_default()),
            Err(error @ Undelivered::Refused(_)) => {
                tracing::warn!(database = short(&self.name), %error, "a device is forgotten");
                Outcome::Gone
            }
        })
    }

    async fn write_down(
        &mut self,
        database: &dyn Backend,
        shared: &Shared,
        until: u64,
        outcomes: Vec<(&Device, Outcome)>,
    ) -> Result<(), NoticeError> {
        let _turn = shared.devices.lock().await;
        let mut devices = Devices::read(database).await?;
        for (device, outcome) in outcomes {
            let outlasts = match outcome {
                Outcome::Later(pause) => self.tries.failed(&device.address, pause),
                Outcome::Told | Outcome::Gone => {
                    self.tries.forget(&device.address);
                    matches!(outcome, Outcome::Told)
                }
            };
            // It may have said something new of itself meanwhile.
            let is_same = |it: &Device| it.address == device.address && it.grant == device.grant;
            match outcome {
                _ if !outlasts => devices.all.retain(|it| !is_same(it)),
                Outcome::Told => {
                    let told = devices.all.iter_mut().filter(|it| is_same(it));
                    told.for_each(|it| it.told = it.told.max(until));
                }
                _ => {}
            }
        }
        Ok(devices.write(database).await?)
    }
}

/// What has changed after one update sequence, at least up to another; and up to which.
async fn changes(
    database: &dyn Backend,
    mut since: u64,
    latest: u64,
) -> Result<(Vec<Arc<Record>>, u64), BackendError> {
    let (mut changed, mut bytes) = (VecDeque::<Arc<Record>>::new(), 0);
    while since < latest {
        let records = database.changes(since, PAGE).await?;
        let Some(last) = records.last() else { break };
        since = last.seq;
        for record in records {
            // It may have changed again while this was read.
            if let Some(at) = changed.iter().position(|known| known.id == record.id) {
                bytes -= changed.remove(at).map_or(0, |before| size(&before));
            }
            bytes += size(&record);
            changed.push_back(record);
            while changed.len() > CHANGES || bytes > BYTES && changed.len() > 1 {
                bytes -= changed.pop_front().map_or(0, |dropped| size(&dropped));
            }
        }
    }
    Ok((changed.into(), since))
}

/// Bytes of a record's bodies.
fn size(record: &Record) -> usize {
    let bodies = record.tree.nodes().iter().filter_map(|node| node.body.as_ref());
    bodies.map(|body| body.as_str().len()).sum()
}
