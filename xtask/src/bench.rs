//! `cargo xtask bench`: the measurements, in a release build.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::site::{self, Profile};
use crate::tools::{self, Toolbox, Ways};
use crate::workspace;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Measure one part only
    #[arg(value_enum)]
    part: Option<Part>,
    /// Write the figures to this file, one JSON object per line
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Show other systems' figures beside ours, from a file that `--json` wrote
    #[arg(long, value_name = "FILE")]
    peers: Option<PathBuf>,
    /// Don't measure other sync systems
    #[arg(long)]
    no_peers: bool,
    /// How often to repeat the sync measurements, of which the medians count
    #[arg(long, value_name = "COUNT")]
    rounds: Option<usize>,
    /// How many clients the load test has
    #[arg(long, value_name = "COUNT")]
    clients: Option<u16>,
    /// Run one trial of `hostile` only, such as `log`
    #[arg(long, value_name = "NAME")]
    trial: Option<String>,
    /// For how many minutes the trial `log` reads
    #[arg(long, value_name = "COUNT")]
    minutes: Option<u64>,
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
    /// A small list beside a large one on one connection (part of `sync`)
    Fair,
    /// One list with many clients (only when it is named)
    Load,
    /// A list with many clients beside clients that mean ill, and trials of these, whose bounds have to be
    /// kept (only when it is named)
    Hostile,
    /// The app in a browser (only when it is named)
    Ui,
}

/// Builds the server and the benchmarks in one call, so that they share their dependencies.
pub fn run(options: &Options) -> Result<()> {
    let mut toolbox = Toolbox::new(options.ways);
    let needs_browser = options.part.is_none_or(|part| part == Part::Store);
    let needs_app = options.part == Some(Part::Ui);
    if needs_browser {
        toolbox.prepare(tools::BROWSER_TESTS)?;
    }
    if needs_app {
        toolbox.prepare(tools::END_TO_END)?;
        site::build(&mut toolbox, Profile::Release)?;
    }
    let mut build =
        toolbox.program("cargo").args(["build", "--release", "--package", "settee-bench"]);
    if !needs_app && options.part != Some(Part::Store) {
        build = build.args(["--package", "settee-server"]);
    }
    build.run()?;

    let mut bench = toolbox.program(workspace::target().join("release/settee-bench"));
    if needs_browser {
        let browser = toolbox.browser()?;
        bench = bench.env("CHROMEDRIVER", &browser.chromedriver);
        bench = bench.env("SETTEE_CHROMIUM", &browser.chromium);
    }
    if needs_app {
        bench = site::told(bench, Profile::Release)
            .env("SETTEE_CHROMIUM", &toolbox.browser()?.chromium);
    }
    if let Some(part) = options.part {
        bench = bench.arg(match part {
            Part::Store => "store",
            Part::Sync => "sync",
            Part::Server => "server",
            Part::Fair => "fair",
            Part::Load => "load",
            Part::Hostile => "hostile",
            Part::Ui => "ui",
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
    if let Some(trial) = &options.trial {
        bench = bench.arg("--trial").arg(trial);
    }
    if let Some(minutes) = options.minutes {
        bench = bench.arg("--minutes").arg(minutes.to_string());
    }
    for (flag, file) in [("--json", &options.json), ("--peers", &options.peers)] {
        if let Some(file) = file {
            // The benchmarks run in the workspace's root, but the path is relative to this folder.
            bench = bench.arg(flag).arg(std::path::absolute(file).map_err(Error::file(file))?);
        }
    }
    bench.run()
}
