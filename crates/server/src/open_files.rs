//! How many files and sockets the process may have open.

/// Files besides the clients' connections: the databases, the log, the app's own.
const OTHERS: u64 = 64;

/// Raises the process's limit for so many connections, as far as the system lets it. Tells in the log
/// if that falls short: then connections are refused by the system before the kit's own limits count.
#[cfg(unix)]
pub fn provide_for(connections: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let wanted = connections.saturating_add(OTHERS);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // No limit at all is `None`.
    let Some(now) = current.filter(|now| *now < wanted) else { return };
    let most = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let raised = Rlimit { current: Some(most), maximum };
    let is_raised = setrlimit(Resource::Nofile, raised).is_ok();
    let have = if is_raised { most } else { now };
    if have < wanted {
        tracing::warn!(have, wanted, "the system allows fewer open files than connections need");
    }
}

/// Elsewhere there is no such limit to be raised.
#[cfg(not(unix))]
pub fn provide_for(_connections: u64) {}
