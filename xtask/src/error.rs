//! What can go wrong when this program runs others.

use std::io;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot run `{command}`: {source}")]
    Spawn { command: String, source: io::Error },

    #[error("`{command}` failed ({status}){detail}")]
    Failed {
        command: String,
        status: ExitStatus,
        /// The end of the program's output, if it was not shown.
        detail: String,
    },

    #[error("`{command}` was stopped after {} s", limit.as_secs())]
    Expired { command: String, limit: Duration },

    #[error("{path}: {source}")]
    File { path: String, source: io::Error },

    /// Something is missing that this program can't get. The text says what the user can do.
    #[error("{0}")]
    Advice(String),
}

impl Error {
    pub fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::File { path, source }
    }

    pub fn advice(text: impl Into<String>) -> Self {
        Self::Advice(text.into())
    }
}

pub type Result<T> = std::result::Result<T, Error>;
