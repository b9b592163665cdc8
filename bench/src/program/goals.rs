//! What the figures ought to be, on a quiet machine with two cores.

use std::fmt;

/// IndexedDB used directly, one record a document: what the browser's own speed is.
pub const RAW_INDEXEDDB: &str = "raw-indexeddb";

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// At most so many times what another system takes in the same run.
    TimesPeer(f64, &'static str),
}

const GOALS: &[(&str, Goal)] = &[
    ("push_docs_per_s", Goal::AtLeast(30_000.0)),
    ("pull_docs_per_s", Goal::AtLeast(75_000.0)),
    ("live_p50_ms", Goal::AtMost(0.9)),
    ("live_p95_ms", Goal::AtMost(2.5)),
    ("fanout4_p50_ms", Goal::AtMost(1.5)),
    ("live_frames", Goal::AtMost(2.0)),
    ("live_bytes", Goal::AtMost(300.0)),
    ("push_bytes_per_doc", Goal::AtMost(150.0)),
    ("pull_bytes_per_doc", Goal::AtMost(150.0)),
    ("server_rss_mb", Goal::AtMost(25.0)),
    ("idle_connection_kb", Goal::AtMost(15.0)),
    ("open10k_ms", Goal::AtMost(30.0)),
    ("batch10k_ms", Goal::AtMost(45.0)),
    ("single_write_ms", Goal::TimesPeer(1.2, RAW_INDEXEDDB)),
];

/// The goal of a bench, if it has one.
pub fn of(bench: &str) -> Option<Goal> {
    GOALS.iter().find(|(name, _)| *name == bench).map(|(_, goal)| *goal)
}

impl Goal {
    /// Whether a value meets it; `None` if what it is compared with was not measured.
    pub fn is_met(self, value: f64, of_peer: impl Fn(&str) -> Option<f64>) -> Option<bool> {
        match self {
            Self::AtLeast(limit) => Some(value >= limit),
            Self::AtMost(limit) => Some(value <= limit),
            Self::TimesPeer(factor, peer) => of_peer(peer).map(|other| value <= factor * other),
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(limit) => write!(f, "≥ {limit}"),
            Self::AtMost(limit) => write!(f, "≤ {limit}"),
            Self::TimesPeer(factor, peer) => write!(f, "≤ {factor} × {peer}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_limits() {
        let nobody = |_: &str| None;
        assert_eq!(of("push_docs_per_s").and_then(|goal| goal.is_met(3e4, nobody)), Some(true));
        assert_eq!(of("live_p50_ms").and_then(|goal| goal.is_met(0.91, nobody)), Some(false));
        assert_eq!(of("sqlite_read10k_ms"), None);
        let single = Goal::TimesPeer(1.2, RAW_INDEXEDDB);
        assert_eq!(single.is_met(1.2, nobody), None);
        assert_eq!(single.is_met(1.2, |_| Some(1.0)), Some(true));
        assert_eq!(single.is_met(1.3, |_| Some(1.0)), Some(false));
    }
}
