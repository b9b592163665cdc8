//! `cargo xtask simulate`: the deterministic simulator with many seeds, or with one.

use crate::error::Result;
use crate::process::Program;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// How many seeds to try
    #[arg(long, value_name = "N", conflicts_with = "seed")]
    seeds: Option<u64>,
    /// Run one seed again
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Play histories of what owners say of access
    #[arg(long)]
    permissions: bool,
    /// Arguments for the simulator, after `--`
    #[arg(last = true)]
    rest: Vec<String>,
}

pub fn run(options: &Options) -> Result<()> {
    let mut cargo =
        Program::new("cargo").args(["run", "--release", "--package", "settee-simulator"]);
    cargo = cargo.args(["--bin", "simulate", "--"]);
    for (flag, value) in [("--seeds", options.seeds), ("--seed", options.seed)] {
        if let Some(value) = value {
            cargo = cargo.arg(flag).arg(value.to_string());
        }
    }
    if options.permissions {
        cargo = cargo.arg("--permissions");
    }
    cargo.args(&options.rest).run()
}
