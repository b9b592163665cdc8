//! The log. It never holds titles, tokens, or anything that was in a frame.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, filter::LevelFilter, fmt};

use crate::config::LogFormat;

/// Sets up the log of this process. What is set up already stays.
pub fn init(format: LogFormat) {
    let filter =
        EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    let log = fmt().with_env_filter(filter).with_writer(io::stderr);
    let log = log.with_ansi(io::stderr().is_terminal());
    let set = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().try_init(),
    };
    if let Err(error) = set {
        tracing::debug!(%error, "the log was set up before");
    }
}

/// Enough of a database's name to tell it from others in a log.
pub(crate) fn short(database: &str) -> &str {
    let end = database.char_indices().nth(8).map_or(database.len(), |(at, _)| at);
    &database[..end]
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn names_are_shortened_between_characters() {
        assert_eq!(short("d8nky0yt022fvwnfrc45a38jg4"), "d8nky0yt");
        assert_eq!(short("ääääääääää"), "ääääääää");
        assert_eq!(short("abc"), "abc");
    }
}
