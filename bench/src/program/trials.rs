//! What a stranger could do with much patience: each trial has a bound that the server has to keep.
//!
//! - [`history`]: a document with as much history as it can have.
//! - [`unacknowledged`]: a client that writes and acknowledges nothing. [`unread`]: many that
//!   read nothing of the answers. [`downloads`]: the same with files of the site.
//! - [`comparisons`]: many that have a long list compared. [`log`]: long reads beside a writer.

mod comparisons;
mod downloads;
mod history;
mod log;
mod unacknowledged;
mod unread;

use std::time::Duration;

use super::{Result, figure::Figure};

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Trial {
    /// A document with as much history as it can have
    History,
    /// A client that writes and acknowledges nothing
    Unacknowledged,
    /// Clients that write and read no answers
    Unread,
    /// Clients that ask for files and read nothing, with few open files
    Downloads,
    /// Clients that have a long list compared again and again
    Comparisons,
    /// Long reads beside a writer, and SQLite's log
    Log,
}

impl Trial {
    pub const ALL: [Self; 6] = [
        Self::History,
        Self::Unacknowledged,
        Self::Unread,
        Self::Downloads,
        Self::Comparisons,
        Self::Log,
    ];

    /// Runs the trial with a server of its own; `reading` is how long [`Trial::Log`] takes.
    pub async fn figures(self, reading: Duration) -> Result<Vec<Figure>> {
        match self {
            Self::History => history::figures().await,
            Self::Unacknowledged => unacknowledged::figures().await,
            Self::Unread => unread::figures().await,
            Self::Downloads => downloads::figures().await,
            Self::Comparisons => comparisons::figures().await,
            Self::Log => log::figures(reading).await,
        }
    }
}
