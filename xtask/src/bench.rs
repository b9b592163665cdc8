//! `cargo xtask bench`: the measurements, in a release build.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::process::Program;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Measure one part only
    #[arg(value_enum)]
    part: Option<Part>,
    /// Write one JSON object a line to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Handed on to the benchmarks, after `--`
    #[arg(last = true)]
    rest: Vec<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Part {
    Store,
    Sync,
    Server,
}

pub fn run(options: &Options) -> Result<()> {
    let mut cargo =
        Program::new("cargo").args(["run", "--release", "--package", "settee-bench", "--"]);
    if let Some(part) = options.part {
        cargo = cargo.arg(match part {
            Part::Store => "store",
            Part::Sync => "sync",
            Part::Server => "server",
        });
    }
    if let Some(file) = &options.json {
        // The benchmarks run in the workspace's root; the path was meant from here.
        let file = std::path::absolute(file).map_err(Error::file(file))?;
        cargo = cargo.arg("--json").arg(file);
    }
    cargo.args(&options.rest).run()
}
