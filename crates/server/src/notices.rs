//! Notices: what devices are told of changes while no page is open there.
//!
//! A device that may read a database says where it can be reached. This is kept beside the database with the name of
//! the grant, and goes with it. When something has changed, and nothing more has come for a moment, an app's
//! [`Notifier`] says what each device is told, and a [`Courier`] brings it there. Each device is told of each change
//! at least once: how far it has been told is saved after that.

mod devices;
mod round;
mod route;
mod tries;

use std::{sync::Arc, time::Duration};

use settee_store::{BackendError, Record, backend::BoxFuture, clerk::Desk};
use thiserror::Error;
use tokio::sync::Semaphore;

use crate::policy::Policy;

pub(crate) use round::run;
pub(crate) use route::routes;

/// Says what devices are told of the changes of a kind of database.
pub trait Notifier: Send + Sync {
    /// What to tell a device of records that have changed, deleted ones included: bytes that its service worker
    /// understands; `None` if there is nothing to tell. Of very many or long ones, these are the latest. A notifier
    /// that panics, fails or takes longer than 10 seconds is asked again after a while.
    fn notice<'a>(
        &'a self,
        desk: Desk<'a>,
        to: Reader<'a>,
        changed: &'a [Arc<Record>],
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, BackendError>>;
}

/// Who is told of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader<'a> {
    /// The database's name.
    pub database: &'a str,
    /// What the person at the device is called, if they have said.
    pub who: Option<&'a str>,
    /// What came after this update sequence is new to them: see [`Record::is_new_since`] and
    /// [`Record::bodies_since`].
    pub told: u64,
}

/// Brings notices to devices. With the feature `push`, `settee_push::Sender` is one.
pub trait Courier: Send + Sync {
    /// What a page has to know before its device can be reached, as a text.
    fn key(&self) -> String;

    /// The form in which an address is kept, so that a device has one; or why no device can be reached there.
    fn check(&self, address: &str) -> Result<String, String>;

    /// Brings a notice there.
    fn bring<'a>(
        &'a self,
        address: &'a str,
        notice: &'a [u8],
    ) -> BoxFuture<'a, Result<(), Undelivered>>;
}

/// Why a notice was not brought.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Undelivered {
    /// There is nobody any more, and will not be.
    #[error("there is nobody any more")]
    Gone,
    /// It may be tried again, perhaps not before that time has passed.
    #[error("not now")]
    Later(Option<Duration>),
    /// It was refused. The device is forgotten, until it says again where it can be reached.
    #[error("refused: {0}")]
    Refused(String),
}

/// When notices are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long after a change, so that those that follow are told with it.
    pub gather: Duration,
    /// How long nothing more is sent of a database after that.
    pub rest: Duration,
}

impl Default for Timing {
    /// After 15 seconds, and at most one a minute.
    fn default() -> Self {
        Self { gather: Duration::from_secs(15), rest: Duration::from_mins(1) }
    }
}

/// How many databases are read at once, to tell of their changes.
pub(crate) const TURNS: usize = 64;

/// All that the notices of a kind of database need.
#[derive(Clone)]
pub(crate) struct Notices {
    pub notifier: Arc<dyn Notifier>,
    pub courier: Arc<dyn Courier>,
    pub timing: Timing,
    pub policy: Arc<dyn Policy>,
    /// Whoever reads what has changed, and tells of it, holds one.
    pub turns: Arc<Semaphore>,
}
