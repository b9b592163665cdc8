//! `cargo xtask bench`: the measurements, in a release build.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::tools::{self, Toolbox, Ways};
use crate::workspace;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Measure one part only
    #[arg(value_enum)]
    part: Option<Part>,
    /// Write one JSON object a line to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Show other systems' figures beside ours, from a file of such lines
    #[arg(long, value_name = "FILE")]
    peers: Option<PathBuf>,
    /// Measure no other systems that sync
    #[arg(long)]
    no_peers: bool,
    /// How often to measure what syncs; of each figure the median counts
    #[arg(long, value_name = "COUNT")]
    rounds: Option<usize>,
    /// How many clients there are under load
    #[arg(long, value_name = "COUNT")]
    clients: Option<u16>,
    /// Where missing tools may come from
    #[arg(long, value_enum, default_value_t)]
    ways: Ways,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The store alone, on a disk and in a browser
    Store,
    /// Native clients and a server, with the server's memory
    Sync,
    /// The server's memory
    Server,
    /// A small list beside a large one on one connection, which is also in `sync`
    Fair,
    /// One list with many clients, which is measured only if it is named
    Load,
}

/// Builds the server and the benchmarks in one call, so that they share what they depend on.
pub fn run(options: &Options) -> Result<()> {
    let mut toolbox = Toolbox::new(options.ways);
    let needs_browser = options.part.is_none_or(|part| part == Part::Store);
    if needs_browser {
        toolbox.prepare(tools::BROWSER_TESTS)?;
    }
    let mut build =
        toolbox.program("cargo").args(["build", "--release", "--package", "settee-bench"]);
    if options.part != Some(Part::Store) {
        build = build.args(["--package", "settee-server"]);
    }
    build.run()?;

    let mut bench = toolbox.program(workspace::target().join("release/settee-bench"));
    if needs_browser {
        let browser = toolbox.browser()?;
        bench = bench.env("CHROMEDRIVER", &browser.chromedriver);
        bench = bench.env("SETTEE_CHROMIUM", &browser.chromium);
    }
    if let Some(part) = options.part {
        bench = bench.arg(match part {
            Part::Store => "store",
            Part::Sync => "sync",
            Part::Server => "server",
            Part::Fair => "fair",
            Part::Load => "load",
        });
    }
    if options.no_peers {
        bench = bench.arg("--no-peers");
    }
    if let Some(rounds) = options.rounds {
        bench = bench.arg("--rounds").arg(rounds.to_string());
    }
    if let Some(clients) = options.clients {
        bench = bench.arg("--clients").arg(clients.to_string());
    }
    for (flag, file) in [("--json", &options.json), ("--peers", &options.peers)] {
        if let Some(file) = file {
            // The benchmarks run in the workspace's root; the path was meant from here.
            bench = bench.arg(flag).arg(std::path::absolute(file).map_err(Error::file(file))?);
        }
    }
    bench.run()
}
