//! The table of all figures: Settee's, the goal, and for each other system its figure and how many
//! times better Settee's is.

use std::fmt::{self, Write as _};

use super::{
    Result,
    figure::{Figure, SETTEE},
    goals::{self, Goal},
};

/// The heading of the columns with ratios.
const TIMES: &str = "×";

#[derive(Debug, Default)]
pub struct Report {
    figures: Vec<Figure>,
    /// Descriptions of the systems.
    notes: Vec<String>,
    /// Names of what could not be measured, with the reasons.
    troubles: Vec<String>,
}

impl Report {
    pub fn add(&mut self, part: &str, figures: Result<Vec<Figure>>) {
        match figures {
            Ok(figures) => self.figures.extend(figures),
            Err(error) => self.trouble(part, &error),
        }
    }

    /// Adds the description of a system, for the legend of the table.
    pub fn note(&mut self, system: &str, text: &str) {
        self.notes.push(format!("{system}: {text}"));
    }

    /// Adds something that could not be measured. Other figures of the same part may exist.
    pub fn trouble(&mut self, part: &str, reason: &impl fmt::Display) {
        self.troubles.push(format!("{part}: {reason}"));
    }

    pub fn figures(&self) -> &[Figure] {
        &self.figures
    }

    pub fn is_complete(&self) -> bool {
        self.troubles.is_empty()
    }

    /// Whether no figure is beyond its bound.
    pub fn keeps_bounds(&self) -> bool {
        self.benches().all(|figure| goals::of(&figure.bench).all(|goal| goal.permits(figure.value)))
    }

    pub fn table(&self) -> String {
        let peers = self.peers();
        let head = ["", SETTEE, "unit", "goal", ""];
        let head = head.into_iter().chain(peers.iter().flat_map(|peer| [*peer, TIMES]));
        let head = head.map(str::to_owned).collect();
        let mut rows: Vec<Vec<String>> = vec![head];
        rows.extend(self.benches().map(|bench| self.row(bench, &peers)));
        let mut text = lines(&rows);
        // Writing to a `String` doesn't fail.
        if !peers.is_empty() {
            let _ = writeln!(text, "{TIMES}: how many times better {SETTEE} is");
        }
        for note in &self.notes {
            let _ = writeln!(text, "{note}");
        }
        for trouble in &self.troubles {
            let _ = writeln!(text, "not measured: {trouble}");
        }
        text
    }

    fn row(&self, bench: &Figure, peers: &[&str]) -> Vec<String> {
        let value_of = |peer: &str| self.value(&bench.bench, peer);
        let goals: Vec<Goal> = goals::of(&bench.bench).collect();
        let is_met: Vec<_> = goals.iter().map(|goal| goal.is_met(bench.value, value_of)).collect();
        let shown_goals: Vec<_> = goals.iter().map(Goal::to_string).collect();
        let mut row = vec![bench.bench.clone(), shown(Some(bench.value)), bench.unit.clone()];
        row.extend([shown_goals.join(", "), verdict(&is_met).to_owned()]);
        for peer in peers {
            let value = value_of(peer);
            let times = value.map(|value| times_better(bench.value, value, &bench.unit));
            row.extend([shown(value), shown(times)]);
        }
        row
    }

    fn value(&self, bench: &str, peer: &str) -> Option<f64> {
        let of_both = |figure: &&Figure| figure.bench == bench && figure.peer == peer;
        self.figures.iter().find(of_both).map(|figure| figure.value)
    }

    /// Settee's figures, in the order in which they were measured. A bench that only other systems
    /// have is not shown.
    fn benches(&self) -> impl Iterator<Item = &Figure> {
        self.figures.iter().filter(|figure| figure.peer == SETTEE)
    }

    fn peers(&self) -> Vec<&str> {
        let mut peers = Vec::new();
        for figure in self.figures.iter().filter(|figure| figure.peer != SETTEE) {
            if !peers.contains(&figure.peer.as_str()) {
                peers.push(&figure.peer);
            }
        }
        peers
    }
}

/// The verdict on all goals of a bench: missed if one is missed, otherwise empty if one is unknown.
fn verdict(is_met: &[Option<bool>]) -> &'static str {
    if is_met.contains(&Some(false)) {
        "missed"
    } else if is_met.is_empty() || is_met.contains(&None) {
        ""
    } else {
        "met"
    }
}

/// For rates more is better, for all other units less.
fn times_better(ours: f64, theirs: f64, unit: &str) -> f64 {
    if unit.ends_with("/s") { ours / theirs } else { theirs / ours }
}

/// Formats a value with its significant digits.
fn shown(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) if value >= 100.0 => format!("{value:.0}"),
        Some(value) if value >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}

/// Aligns columns to their widest cell: numbers to the right, words to the left.
fn lines(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..count).filter_map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let is_number = column == 1 || column > 4;
            let _ = if is_number {
                write!(line, "{cell:>width$}  ")
            } else {
                write!(line, "{cell:<width$}  ")
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_goals_verdicts_and_peers() {
        let mut report = Report::default();
        let peer = Figure { peer: "pouchdb".into(), ..Figure::new("live_p50_ms", 19.0, "ms") };
        report.add("peers", Ok(vec![peer]));
        let live = [Figure::new("live_p50_ms", 0.5, "ms"), Figure::new("live_p95_ms", 3.0, "ms")];
        report.add("live", Ok(live.to_vec()));
        report.note("pouchdb", "in memory");
        report.add("the browser", Err("no chromedriver".into()));
        let expected = "             settee  unit  goal           pouchdb     ×\n\
                        live_p50_ms    0.50  ms    ≤ 0.9  met        19.0  38.0\n\
                        live_p95_ms    3.00  ms    ≤ 2.5  missed        –     –\n\
                        ×: how many times better settee is\n\
                        pouchdb: in memory\n\
                        not measured: the browser: no chromedriver\n";
        assert_eq!(report.table(), expected);
        assert!(!report.is_complete());
        assert!(report.keeps_bounds(), "goals aren't bounds");
    }

    #[test]
    fn a_bound_is_kept_or_not() {
        let mut report = Report::default();
        report.add("log", Ok(vec![Figure::new("log_mb", 256.0, "MB")]));
        assert!(report.keeps_bounds());
        report.add("unread", Ok(vec![Figure::new("unread_rss_mb", 1000.1, "MB")]));
        assert!(!report.keeps_bounds());
        assert!(report.table().contains("≤ 1000, or it fails  missed"));
    }

    #[test]
    fn a_verdict_is_of_all_goals() {
        assert_eq!(verdict(&[]), "");
        assert_eq!(verdict(&[Some(true), None]), "");
        assert_eq!(verdict(&[Some(true), Some(true)]), "met");
        assert_eq!(verdict(&[Some(false), None]), "missed");
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "the values are small powers of two")]
    fn better_is_more_of_a_rate_and_less_of_a_time() {
        assert_eq!(times_better(2.0, 8.0, "ms"), 4.0);
        assert_eq!(times_better(8.0, 2.0, "docs/s"), 4.0);
    }
}
