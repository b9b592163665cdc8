//! Telling the devices of one database what has changed.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use settee_store::{Backend, BackendError, Document, Storage, clerk::Desk};
use thiserror::Error;
use tokio::{sync::watch, time::sleep};

use super::{
    Notices, Undelivered,
    devices::{Device, Devices},
};
use crate::{
    databases::{DatabaseError, known, short},
    guard::{Failure, guarded},
    policy::{Known, Named},
    shared::Shared,
};

/// Most changes that devices are told of at once. Of more, they hear the latest.
const CHANGES: u64 = 1_000;
/// How many changes are read at once.
const PAGE: usize = 256;
/// How long a notifier may take for one device.
const NOTICE_LIMIT: Duration = Duration::from_secs(10);
/// How long a courier may take for one device.
const BRING_LIMIT: Duration = Duration::from_secs(30);
/// How long it rests after a failure, or when a device can't be reached now: the first time, and at most.
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

/// How a round has ended.
enum Round {
    /// Everybody was told everything. There is word of the next change.
    Done(watch::Receiver<u64>),
    /// Nobody wants to be told. There is word of the next device.
    Idle(watch::Receiver<u64>),
    /// Some could not be reached; not before that time, at least.
    Again(Duration),
    /// There is no such database.
    Gone,
}

/// Tells devices of a database as long as somebody uses it, and then what was not told yet.
pub async fn run(
    notices: Arc<Notices>,
    name: Arc<str>,
    storage: Weak<dyn Storage>,
    shared: Weak<Shared>,
) {
    let mut rest = REST.0;
    loop {
        // Nothing of it is held while there is nothing to do, so that the database can be closed.
        let Some((place, state)) = storage.upgrade().zip(shared.upgrade()) else { return };
        let round = round(&notices, &name, &place, &state).await;
        drop((place, state));
        let pause = match round {
            Ok(Round::Done(mut word) | Round::Idle(mut word)) => {
                rest = REST.0;
                if word.changed().await.is_ok() {
                    continue;
                }
                // It was closed. Whoever comes may find it there again.
                Duration::ZERO
            }
            Ok(Round::Again(pause)) => pause,
            Ok(Round::Gone) => Duration::ZERO,
            Err(error) => {
                tracing::error!(database = short(&name), %error, "can't tell devices of changes");
                Duration::ZERO
            }
        };
        sleep(rest.max(pause)).await;
        rest = (rest * 2).min(REST.1);
    }
}

async fn round(
    notices: &Notices,
    name: &str,
    storage: &Arc<dyn Storage>,
    shared: &Shared,
) -> Result<Round, NoticeError> {
    let mut wanted = shared.wanted.subscribe();
    wanted.borrow_and_update();
    let Some(database) = storage.find(name.to_owned()).await? else { return Ok(Round::Gone) };
    let mut news = database.watch();
    let latest = *news.borrow_and_update();
    let devices = Devices::read(&*database).await?.all;
    if devices.is_empty() {
        return Ok(Round::Idle(wanted));
    }
    if devices.iter().all(|device| device.told >= latest) {
        return Ok(Round::Done(news));
    }
    // Those who come and go meanwhile are seen when they are told.
    sleep(notices.timing.gather).await;
    let Some(known) = known(storage, name).await? else { return Ok(Round::Gone) };
    let telling = Telling { notices, name, known, database: &*database };
    let again = telling.tell(shared).await?;
    sleep(notices.timing.rest).await;
    Ok(again.map_or(Round::Done(news), Round::Again))
}

/// All that it takes to tell devices.
struct Telling<'a> {
    notices: &'a Notices,
    name: &'a str,
    known: Known,
    database: &'a dyn Backend,
}

/// What has become of a device.
enum Outcome {
    Told,
    /// It is forgotten: its grant doesn't hold any more, or there is nobody.
    Gone,
    Later(Duration),
}

impl Telling<'_> {
    /// Tells everybody what they don't know yet. If some could not be reached, says for how long at least.
    async fn tell(&self, shared: &Shared) -> Result<Option<Duration>, NoticeError> {
        let devices = Devices::read(self.database).await?.all;
        let until = *self.database.watch().borrow();
        let since = devices.iter().map(|device| device.told).min().unwrap_or(until);
        let changed = self.changed(since.max(until.saturating_sub(CHANGES)), until).await?;
        let mut outcomes = Vec::new();
        for device in devices.into_iter().filter(|device| device.told < until) {
            let new = changed.partition_point(|document| document.seq <= device.told);
            outcomes.push((self.tell_one(&device, &changed[new..]).await?, device.address));
        }
        self.write_down(shared, until, outcomes).await
    }

    async fn changed(&self, mut since: u64, until: u64) -> Result<Vec<Document>, BackendError> {
        let mut changed = Vec::new();
        while since < until {
            let records = self.database.changes(since, PAGE).await?;
            let Some(last) = records.last() else { break };
            since = last.seq;
            changed.extend(records.iter().filter_map(|record| record.document()));
        }
        changed.retain(|document| document.seq <= until);
        Ok(changed)
    }

    async fn tell_one(&self, device: &Device, new: &[Document]) -> Result<Outcome, NoticeError> {
        let Notices { notifier, courier, policy, .. } = self.notices;
        let database = self.name.to_owned();
        let named = Named { database, grant: device.grant.clone(), known: self.known.clone() };
        if !guarded(NOTICE_LIMIT, policy.holds(named)).await?? {
            return Ok(Outcome::Gone);
        }
        let desk = Desk::of(self.database);
        let notice = notifier.notice(desk, self.name, device.who.as_deref(), new);
        let Some(notice) = guarded(NOTICE_LIMIT, notice).await?? else { return Ok(Outcome::Told) };
        let brought = guarded(BRING_LIMIT, courier.bring(&device.address, &notice)).await;
        Ok(match brought {
            Ok(Ok(())) => Outcome::Told,
            Ok(Err(Undelivered::Gone)) => Outcome::Gone,
            Ok(Err(Undelivered::Later(pause))) => Outcome::Later(pause.unwrap_or_default()),
            Ok(Err(error @ Undelivered::Refused(_))) => {
                tracing::warn!(database = short(self.name), %error, "a notice was not taken");
                Outcome::Told
            }
            Err(failure) => {
                tracing::warn!(database = short(self.name), %failure, "a notice was not brought");
                Outcome::Later(Duration::ZERO)
            }
        })
    }

    async fn write_down(
        &self,
        shared: &Shared,
        until: u64,
        outcomes: Vec<(Outcome, String)>,
    ) -> Result<Option<Duration>, NoticeError> {
        let _turn = shared.devices.lock().await;
        let mut devices = Devices::read(self.database).await?;
        let mut again = None;
        for (outcome, address) in outcomes {
            match outcome {
                Outcome::Gone => drop(devices.remove(&address)),
                Outcome::Later(pause) => again = again.max(Some(pause)),
                Outcome::Told => {
                    let told = devices.all.iter_mut().filter(|device| device.address == address);
                    told.for_each(|device| device.told = until);
                }
            }
        }
        devices.write(self.database).await?;
        Ok(again)
    }
}
