//! How many files a process may have open, of which each connection is one on either side.

/// What a process has open besides the connections that are counted.
#[cfg(unix)]
const OTHERS: u64 = 256;

/// Lets this process have as many as the system allows, and every server that it starts afterwards.
/// Tells how many connections there is room for.
#[cfg(unix)]
pub fn room() -> u16 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    // Where that fails, it is as many as before.
    let is_raised = setrlimit(Resource::Nofile, raised).is_ok();
    let files = if is_raised { raised.current } else { limit.current };
    let room = files.map_or(u64::MAX, |files| files.saturating_sub(OTHERS));
    u16::try_from(room).unwrap_or(u16::MAX)
}

/// Elsewhere nobody counts them.
#[cfg(not(unix))]
pub fn room() -> u16 {
    u16::MAX
}
