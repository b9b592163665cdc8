//! How many tests passed and failed, according to the output of the test runners.

use std::fmt;
use std::ops::AddAssign;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
}

impl Tally {
    /// The summary line of one test binary: `test result: ok. 3 passed; 0 failed; …`.
    /// libtest and wasm-bindgen's runner print the same.
    pub fn from_line(line: &str) -> Option<Self> {
        let (_, counts) = line.trim().strip_prefix("test result: ")?.split_once(". ")?;
        let mut counts = counts.split("; ");
        Some(Self {
            passed: counts.next()?.strip_suffix(" passed")?.parse().ok()?,
            failed: counts.next()?.strip_suffix(" failed")?.parse().ok()?,
        })
    }

    /// Playwright's JSON report. A test that passed only when it was retried has passed. `expected`
    /// includes tests that are marked to fail, and did.
    pub fn from_playwright(report: &str) -> Option<Self> {
        let report: serde_json::Value = serde_json::from_str(report).ok()?;
        let stats = report.get("stats")?;
        let count = |name: &str| stats.get(name)?.as_u64();
        let errors = report.get("errors").and_then(|errors| errors.as_array());
        Some(Self {
            passed: count("expected")? + count("flaky")?,
            // Errors outside of tests: a file that doesn't load, or a server that doesn't start.
            failed: count("unexpected")? + errors.map_or(0, |errors| errors.len() as u64),
        })
    }

    /// Adds a failure if the suite was interrupted or ran no test, which the counts don't show. The
    /// text gives the reason.
    pub fn judged(mut self, succeeded: bool) -> (Self, Option<&'static str>) {
        let reason = match (succeeded, self.passed, self.failed) {
            (false, _, 0) => "did not build, or was interrupted; this counts as one failure",
            (true, 0, 0) => "ran no test; this counts as one failure",
            _ => return (self, None),
        };
        self.failed += 1;
        (self, Some(reason))
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(passed: u64, failed: u64) -> Tally {
        Tally { passed, failed }
    }

    #[test]
    fn only_summary_lines_are_counted() {
        let ok = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(Tally::from_line(ok), Some(tally(12, 0)));
        let bad = "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 filtered out";
        assert_eq!(Tally::from_line(bad), Some(tally(3, 2)));
        for other in
            ["", "running 3 tests", "test result: ok", "test result: ok. many passed; 0 failed"]
        {
            assert_eq!(Tally::from_line(other), None, "{other}");
        }
    }

    #[test]
    fn playwrights_report_is_counted() {
        let report = r#"{"errors":[],"stats":{"expected":7,"unexpected":1,"flaky":2,"skipped":4}}"#;
        assert_eq!(Tally::from_playwright(report), Some(tally(9, 1)));
        let broken = r#"{"errors":[{"message":"no"}],"stats":{"expected":0,"unexpected":0,"flaky":0,"skipped":0}}"#;
        assert_eq!(Tally::from_playwright(broken), Some(tally(0, 1)));
        assert_eq!(Tally::from_playwright("{}"), None);
        assert_eq!(Tally::from_playwright("not JSON"), None);
    }

    #[test]
    fn an_interrupted_or_empty_run_is_a_failure() {
        assert_eq!(tally(3, 0).judged(true).0, tally(3, 0));
        assert_eq!(tally(3, 1).judged(false).0, tally(3, 1));
        assert_eq!(tally(3, 0).judged(false).0, tally(3, 1));
        assert_eq!(tally(0, 0).judged(true).0, tally(0, 1));
        assert_eq!(tally(0, 0).judged(false).0, tally(0, 1));
    }

    #[test]
    fn the_closing_line() {
        assert_eq!(tally(3, 1).to_string(), "3 passed, 1 failed");
    }
}
