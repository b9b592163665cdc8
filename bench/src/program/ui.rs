//! The app in Chromium: runs the measurements in `end2end/bench`, and reads their output.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{Result, figure::Figure, peers};

/// Builds the peers' pages, and measures. The paths of the app's build are in the environment, where
/// `cargo xtask bench` puts them.
pub fn measure() -> Result<Vec<Figure>> {
    peers::install(peers::TODOMVC)?;
    peers::build(peers::TODOMVC)?;
    let mut playwright = Command::new("npx")
        .args(["playwright", "test", "--config", "bench.config.ts"])
        .current_dir(folder())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("npx: {error}"))?;
    let output = playwright.stdout.take().ok_or("its output is a pipe")?;
    let mut figures = Vec::new();
    for line in BufReader::new(output).lines() {
        let line = line?;
        // It takes minutes, and somebody may be waiting.
        eprintln!("{line}");
        figures.extend(Figure::in_line(&line));
    }
    let status = playwright.wait()?;
    if !status.success() {
        return Err(format!("the measurements failed ({status})").into());
    }
    Ok(figures)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../end2end")
}
