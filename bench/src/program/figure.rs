//! A measured value, and files of values with one JSON object a line.

use std::{fmt::Write as _, fs, path::Path};

use serde::{Deserialize, Serialize};

use super::Result;

/// The name of our own system.
pub const SETTEE: &str = "settee";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    pub bench: String,
    pub value: f64,
    pub unit: String,
    /// The name of the measured system.
    pub peer: String,
}

impl Figure {
    /// A figure of Settee.
    pub fn new(bench: &str, value: f64, unit: &str) -> Self {
        Self {
            bench: bench.into(),
            value: rounded(value, 3),
            unit: unit.into(),
            peer: SETTEE.into(),
        }
    }

    /// Parses `FIGURE bench value unit peer`, which may be preceded by other output of the browser.
    pub fn in_line(line: &str) -> Option<Self> {
        let (_, words) = line.split_once("FIGURE ")?;
        let mut words = words.split_whitespace();
        let (bench, value, unit) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
        let peer = words.next()?.to_owned();
        Some(Self { peer, ..Self::new(bench, value, unit) })
    }
}

/// Formats a value with this many decimal places.
pub fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

/// Reads one JSON object a line.
pub fn parse(text: &str) -> Result<Vec<Figure>> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    Ok(lines.map(serde_json::from_str).collect::<std::result::Result<_, _>>()?)
}

pub fn read(file: &Path) -> Result<Vec<Figure>> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let text = fs::read_to_string(file).map_err(|error| named(&error))?;
    Ok(parse(&text).map_err(|error| named(&error))?)
}

pub fn write(file: &Path, figures: &[Figure]) -> Result<()> {
    let mut text = String::new();
    for figure in figures {
        writeln!(text, "{}", serde_json::to_string(figure)?)?;
    }
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browsers_line_is_a_figure() {
        let figure = Figure { peer: "raw".into(), ..Figure::new("open10k_ms", 12.5, "ms") };
        assert_eq!(Figure::in_line("log: FIGURE open10k_ms 12.5 ms raw"), Some(figure));
        assert_eq!(Figure::in_line("FIGURE open10k_ms fast ms raw"), None);
        assert_eq!(Figure::in_line("test result: ok"), None);
    }

    #[test]
    fn figures_survive_a_file() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("figures.json");
        let figures = [Figure::new("live_p50_ms", 0.8764, "ms"), Figure::new("x", 2.0, "frames")];
        write(&file, &figures)?;
        assert_eq!(read(&file)?, figures);
        let text = fs::read_to_string(&file)?;
        let first = r#"{"bench":"live_p50_ms","value":0.876,"unit":"ms","peer":"settee"}"#;
        assert_eq!(text.lines().next(), Some(first));
        Ok(())
    }
}
