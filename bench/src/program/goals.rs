//! The goals of the figures, for an idle machine with two cores.

use std::fmt;

/// IndexedDB used directly with one record a document, which shows the speed of the browser itself.
pub const RAW_INDEXEDDB: &str = "raw-indexeddb";
/// PouchDB with the adapter that is its default in browsers.
pub const POUCHDB: &str = "pouchdb-idb";

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// At most this: whatever is beyond it is a fault.
    Bound(f64),
    /// At most this many times the figure of another system in the same run.
    TimesPeer(f64, &'static str),
    /// At least this many times faster than another system in the same run.
    TimesFaster(f64, &'static str),
}

const GOALS: &[(&str, Goal)] = &[
    ("push_docs_per_s", Goal::AtLeast(30_000.0)),
    ("pull_docs_per_s", Goal::AtLeast(75_000.0)),
    ("live_p50_ms", Goal::AtMost(0.9)),
    ("live_p95_ms", Goal::AtMost(2.5)),
    ("fanout4_p50_ms", Goal::AtMost(1.5)),
    ("fair_p99_ms", Goal::AtMost(50.0)),
    ("live_frames", Goal::AtMost(2.0)),
    ("live_bytes", Goal::AtMost(300.0)),
    ("push_bytes_per_doc", Goal::AtMost(45.0)),
    ("pull_bytes_per_doc", Goal::AtMost(45.0)),
    ("server_rss_mb", Goal::AtMost(25.0)),
    ("idle_connections", Goal::AtLeast(10_000.0)),
    ("idle_connection_kb", Goal::AtMost(15.0)),
    ("open10k_ms", Goal::AtMost(30.0)),
    ("open10k_ms", Goal::TimesFaster(20.0, POUCHDB)),
    ("batch10k_ms", Goal::AtMost(45.0)),
    ("batch10k_ms", Goal::TimesFaster(40.0, POUCHDB)),
    ("single_write_ms", Goal::TimesPeer(1.2, RAW_INDEXEDDB)),
    ("first_100_answered_ms", Goal::AtMost(150.0)),
    ("first_10000_answered_ms", Goal::AtMost(500.0)),
    ("first_50000_answered_ms", Goal::AtMost(1_000.0)),
    ("first_0_shift", Goal::AtMost(0.0)),
    ("first_100_shift", Goal::AtMost(0.0)),
    ("first_1000_shift", Goal::AtMost(0.0)),
    ("first_10000_shift", Goal::AtMost(0.0)),
    ("first_50000_shift", Goal::AtMost(0.0)),
    ("first_100_empty_frames", Goal::AtMost(0.0)),
    ("first_1000_empty_frames", Goal::AtMost(0.0)),
    ("first_10000_empty_frames", Goal::AtMost(0.0)),
    ("first_50000_empty_frames", Goal::AtMost(0.0)),
    ("add_complete_delete100_ms", Goal::TimesPeer(1.0, "preact")),
    ("add_complete_delete100_ms", Goal::TimesPeer(1.0, "react")),
    ("add_complete_delete100_ms", Goal::TimesPeer(1.0, "svelte")),
    ("add_complete_delete100_ms", Goal::TimesPeer(1.0, "vue")),
    ("typing_p99_ms", Goal::AtMost(50.0)),
    ("typing_longest_frame_ms", Goal::AtMost(50.0)),
    ("history_others_p99_ms", Goal::Bound(500.0)),
    ("history_rss_mb", Goal::Bound(300.0)),
    ("history_record_mib", Goal::Bound(4.0)),
    ("unacknowledged_growth_mb", Goal::Bound(64.0)),
    ("unread_rss_mb", Goal::Bound(1000.0)),
    ("downloads_health_ms", Goal::Bound(5000.0)),
    ("comparisons_longest_ms", Goal::Bound(5000.0)),
    ("log_mb", Goal::Bound(256.0)),
];

/// The goals of a bench, all of which have to be met.
pub fn of(bench: &str) -> impl Iterator<Item = Goal> {
    GOALS.iter().filter(move |(name, _)| *name == bench).map(|(_, goal)| *goal)
}

impl Goal {
    /// Whether a value meets the goal; `None` if the system to compare with was not measured.
    pub fn is_met(self, value: f64, of_peer: impl Fn(&str) -> Option<f64>) -> Option<bool> {
        match self {
            Self::AtLeast(limit) => Some(value >= limit),
            Self::AtMost(limit) | Self::Bound(limit) => Some(value <= limit),
            Self::TimesPeer(factor, peer) => of_peer(peer).map(|other| value <= factor * other),
            Self::TimesFaster(factor, peer) => of_peer(peer).map(|other| factor * value <= other),
        }
    }

    /// Whether a value isn't beyond a bound.
    pub fn permits(self, value: f64) -> bool {
        !matches!(self, Self::Bound(limit) if value > limit)
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(limit) => write!(f, "≥ {limit}"),
            Self::AtMost(limit) => write!(f, "≤ {limit}"),
            Self::Bound(limit) => write!(f, "≤ {limit}, or it fails"),
            Self::TimesPeer(factor, peer) => write!(f, "≤ {factor} × {peer}"),
            Self::TimesFaster(factor, peer) => write!(f, "≤ {peer} / {factor}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_limits() {
        let nobody = |_: &str| None;
        let first = |bench: &str| of(bench).next();
        assert_eq!(first("push_docs_per_s").and_then(|goal| goal.is_met(3e4, nobody)), Some(true));
        assert_eq!(first("live_p50_ms").and_then(|goal| goal.is_met(0.91, nobody)), Some(false));
        assert_eq!(first("sqlite_read10k_ms"), None);
        assert_eq!(of("open10k_ms").count(), 2);
        let single = Goal::TimesPeer(1.2, RAW_INDEXEDDB);
        assert_eq!(single.is_met(1.2, nobody), None);
        assert_eq!(single.is_met(1.2, |_| Some(1.0)), Some(true));
        assert_eq!(single.is_met(1.3, |_| Some(1.0)), Some(false));
        let open = Goal::TimesFaster(20.0, POUCHDB);
        assert_eq!(open.is_met(5.0, |_| Some(100.0)), Some(true));
        assert_eq!(open.is_met(5.1, |_| Some(100.0)), Some(false));
    }
}
