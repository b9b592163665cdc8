//! The command: runs the chosen parts and prints one report.
//!
//! # Layout
//!
//! - [`sync`]: native clients and a server process. [`memory`]: memory use of the server.
//!   [`rounds`] measures both several times, alternating with the [`peers`].
//! - [`fairness`]: a small list and a large one on one connection. [`load`]: one list with many
//!   readers. [`hostile`]: the same beside clients that mean ill. [`trials`]: what these could do with
//!   much patience.
//! - [`sqlite`]: the server's store alone. [`compaction`]: disk use of deleted documents.
//!   [`browser`]: the store in Chromium, compared with its peers. [`ui`]: the app in Chromium.
//! - [`start`]: the server's start with many databases.
//! - [`server`] starts the process, [`usage`] says what one uses, [`cores`] which cores it has. [`device`] is a client with a database, [`reader`] one without,
//!   [`stranger`] one without a machine. [`attack`]: strangers on a thread of their own.
//! - [`traffic`] counts the frames and bytes of a client. [`open_files`]: the limit on sockets.
//! - [`sightings`], [`ledger`]: which documents arrive, and how long after they were written.
//! - [`figure`]: a measured value. [`goals`]: its goal. [`report`]: the table.

mod attack;
mod browser;
mod compaction;
mod cores;
mod device;
mod fairness;
mod figure;
mod goals;
mod hostile;
mod ledger;
mod load;
mod memory;
mod open_files;
mod peers;
mod reader;
mod report;
mod rounds;
mod server;
mod sightings;
mod sqlite;
mod start;
mod stranger;
mod sync;
mod trials;
mod ui;
mod usage;

use std::{error::Error, path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;

use figure::Figure;
use report::Report;
use rounds::Cases;
use trials::Trial;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The limit of every wait. A case that works takes less than a third of this.
const PATIENCE: Duration = Duration::from_mins(3);

/// Measures Settee, and prints one table.
#[derive(Debug, Parser)]
#[command(name = "settee-bench", version)]
struct Options {
    /// Measure one part only
    #[arg(value_enum)]
    part: Option<Part>,
    /// Write the figures to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Compare with other systems' figures, from a file written with `--json`
    #[arg(long, value_name = "FILE")]
    peers: Option<PathBuf>,
    /// Don't measure other systems that sync
    #[arg(long)]
    no_peers: bool,
    /// How often to measure sync; the median of each figure is reported
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    rounds: usize,
    /// Number of clients of the `load` part
    #[arg(long, value_name = "COUNT", default_value_t = load::CLIENTS)]
    clients: u16,
    /// Run one trial of the `hostile` part only
    #[arg(long, value_enum)]
    trial: Option<Trial>,
    /// For how many minutes the `log` trial reads
    #[arg(long, value_name = "COUNT", default_value_t = 2)]
    minutes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The store alone, on a disk and in a browser
    Store,
    /// Native clients and a server, and the server's memory use
    Sync,
    /// The server's memory use, and its start with many databases
    Server,
    /// A small list and a large one on one connection; `sync` includes this
    Fair,
    /// One list with many clients; measured only if it is named
    Load,
    /// A list with many clients beside clients that mean ill; measured only if it is named
    Hostile,
    /// The app in Chromium; measured only if it is named
    Ui,
}

pub fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("settee-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures and prints the report. Returns whether everything could be measured, and all bounds are kept.
#[tokio::main]
async fn run(options: &Options) -> Result<bool> {
    let mut report = Report::default();
    if let Some(peers) = &options.peers {
        report.add("peers", figure::read(peers));
    }
    let chosen = |parts: &[Part]| options.part.is_none_or(|part| parts.contains(&part));
    if chosen(&[Part::Sync]) {
        let peers = if options.no_peers { &[] } else { peers::SYNCED };
        rounds::measure(Cases::All, peers, options.rounds, &mut report).await;
    }
    if options.part == Some(Part::Server) {
        rounds::measure(Cases::Memory, &[], options.rounds, &mut report).await;
        report.add("the start", limited(start::figures()).await);
    }
    if chosen(&[Part::Sync, Part::Fair]) {
        report.add("fairness", limited(fairness::figures()).await);
    }
    if chosen(&[Part::Sync, Part::Server]) {
        report.add("idle connections", limited(memory::idle_connections()).await);
    }
    if options.part == Some(Part::Load) {
        report.add("load", limited(load::figures(options.clients)).await);
        if !options.no_peers {
            let measured = match peers::install(load::PEER) {
                Ok(()) => limited(load::peers_figures(options.clients)).await,
                Err(error) => Err(error),
            };
            report.add("load of Hocuspocus", measured);
        }
    }
    if options.part == Some(Part::Hostile) {
        hostile_clients(options, &mut report).await;
    }
    if options.part == Some(Part::Ui) {
        report.add("the app", ui::measure());
    }
    if chosen(&[Part::Store]) {
        report.add("SQLite", limited(sqlite::figures()).await);
        report.add("compaction", limited(compaction::figures()).await);
        if let Err(error) = peers::install(peers::BROWSER) {
            report.trouble("the browser's peers", &error);
        }
        match browser::measure() {
            Ok(told) => {
                report.add("the browser", Ok(told.figures));
                for trouble in &told.troubles {
                    report.trouble("the browser", trouble);
                }
            }
            Err(error) => report.trouble("the browser", &error),
        }
    }
    print!("{}", report.table());
    if let Some(file) = &options.json {
        figure::write(file, report.figures())?;
    }
    Ok(report.is_complete() && report.keeps_bounds())
}

async fn hostile_clients(options: &Options, report: &mut Report) {
    if options.trial.is_none() {
        report.add("hostile clients", hostile::figures().await);
    }
    let reading = Duration::from_mins(options.minutes);
    for trial in Trial::ALL {
        if options.trial.is_none_or(|only| only == trial) {
            eprintln!("» trial {trial:?}");
            report.add(&format!("trial {trial:?}"), trial.figures(reading).await);
        }
    }
}

async fn limited(case: impl Future<Output = Result<Vec<Figure>>>) -> Result<Vec<Figure>> {
    tokio::time::timeout(PATIENCE, case).await?
}
