//! The limit on open files of a process. Each connection takes one on either side.

/// Open files of a process besides the measured connections.
#[cfg(unix)]
const OTHERS: u64 = 256;

/// Raises the limit of this process, and of servers that it starts later, to the system's maximum.
/// Returns how many connections are possible.
#[cfg(unix)]
pub fn room() -> u16 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    // If this fails, the limit stays as it was.
    let is_raised = setrlimit(Resource::Nofile, raised).is_ok();
    let files = if is_raised { raised.current } else { limit.current };
    let room = files.map_or(u64::MAX, |files| files.saturating_sub(OTHERS));
    u16::try_from(room).unwrap_or(u16::MAX)
}

/// Other systems have no such limit.
#[cfg(not(unix))]
pub fn room() -> u16 {
    u16::MAX
}
