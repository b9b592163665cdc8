//! Plays many lives, or one of them again with a readable trace.

use std::process::ExitCode;

use clap::Parser;
use settee_simulator::{Plot, Tally, Trace, simulate};

#[derive(Parser)]
#[command(name = "simulate", about = "Plays clients, server and network from seeds")]
struct Cli {
    /// How many seeds to play: 1,000, or one where --seed names it
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// The first seed
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Play lives in which owners say who may do what, and others come by links
    #[arg(long)]
    permissions: bool,
    /// Print what happens, also when all is well; best with one seed
    #[arg(long)]
    verbose: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let first = cli.seed.unwrap_or(0);
    let count = cli.seeds.unwrap_or(if cli.seed.is_some() { 1 } else { 1_000 });
    let plot = if cli.permissions { Plot::Permissions } else { Plot::Storm };
    let mut tally = Tally::default();
    for seed in first..first.saturating_add(count) {
        let trace = if cli.verbose { Trace::readable() } else { Trace::silent() };
        let report = simulate(seed, plot, trace);
        tally.add(&report.tally);
        if cli.verbose {
            print!("{}", report.trace);
        }
        if let Err(violation) = report.outcome {
            if !cli.verbose {
                print!("{}", simulate(seed, plot, Trace::readable()).trace);
            }
            println!("seed {seed} failed: {violation}");
            let rest = if cli.permissions { " --permissions" } else { "" };
            println!("play it again with: cargo xtask simulate --seed {seed}{rest}");
            return ExitCode::FAILURE;
        }
    }
    print!("{tally}");
    println!("{count} seeds from {first}: all well");
    ExitCode::SUCCESS
}
