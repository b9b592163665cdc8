//! Everything that was measured, as one table: ours, the goal, and a column for each other system.

use std::fmt::Write as _;

use super::{
    Result,
    figure::{Figure, SETTEE},
    goals::{self, Goal},
};

#[derive(Debug, Default)]
pub struct Report {
    figures: Vec<Figure>,
    /// What could not be measured, and why.
    troubles: Vec<String>,
}

impl Report {
    pub fn add(&mut self, part: &str, figures: Result<Vec<Figure>>) {
        match figures {
            Ok(figures) => self.figures.extend(figures),
            Err(error) => self.troubles.push(format!("{part}: {error}")),
        }
    }

    pub fn figures(&self) -> &[Figure] {
        &self.figures
    }

    pub fn is_complete(&self) -> bool {
        self.troubles.is_empty()
    }

    pub fn table(&self) -> String {
        let peers = self.peers();
        let head = ["", SETTEE, "unit", "goal", ""];
        let head = head.into_iter().chain(peers.iter().copied()).map(str::to_owned).collect();
        let mut rows: Vec<Vec<String>> = vec![head];
        rows.extend(self.benches().map(|bench| self.row(bench, &peers)));
        let mut text = lines(&rows);
        for trouble in &self.troubles {
            // Writing to memory doesn't fail.
            let _ = writeln!(text, "not measured: {trouble}");
        }
        text
    }

    fn row(&self, bench: &Figure, peers: &[&str]) -> Vec<String> {
        let value_of = |peer: &str| self.value(&bench.bench, peer);
        let goal = goals::of(&bench.bench);
        let is_met = value_of(SETTEE)
            .zip(goal)
            .and_then(|(value, goal): (f64, Goal)| goal.is_met(value, value_of));
        let verdict = match is_met {
            Some(true) => "met",
            Some(false) => "missed",
            None => "",
        };
        let goal = goal.map_or_else(String::new, |goal| goal.to_string());
        let mut row = vec![bench.bench.clone(), shown(value_of(SETTEE)), bench.unit.clone(), goal];
        row.push(verdict.to_owned());
        row.extend(peers.iter().map(|peer| shown(value_of(peer))));
        row
    }

    fn value(&self, bench: &str, peer: &str) -> Option<f64> {
        let of_both = |figure: &&Figure| figure.bench == bench && figure.peer == peer;
        self.figures.iter().find(of_both).map(|figure| figure.value)
    }

    /// The first figure of each name. Ours are in the order of measuring; what only others have
    /// is not shown.
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

/// With as many digits as mean something.
fn shown(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) if value >= 100.0 => format!("{value:.0}"),
        Some(value) if value >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}

/// Columns as wide as their widest cell. Numbers stand to the right, words to the left.
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
        report.add("the browser", Err("no chromedriver".into()));
        let expected = "             settee  unit  goal           pouchdb\n\
                        live_p50_ms    0.50  ms    ≤ 0.9  met        19.0\n\
                        live_p95_ms    3.00  ms    ≤ 2.5  missed        –\n\
                        not measured: the browser: no chromedriver\n";
        assert_eq!(report.table(), expected);
        assert!(!report.is_complete());
    }
}
