//! Every routine task of a developer is one command. `cargo xtask --help` lists them.
//!
//! This program depends on none of the project's crates: it prepares tools and runs programs. The
//! machine has to have cargo with rustc, and Node.js for the tests and for release builds.

mod bench;
mod dist;
mod error;
mod example_server;
mod functions;
mod fuzz;
mod link;
mod lint;
mod packages;
mod process;
mod screenshots;
mod simulate;
mod site;
mod size;
mod start;
mod tally;
mod test;
mod tools;
mod trim;
mod walls;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use error::Result;
use tools::{Toolbox, Ways};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Every routine task of a developer as one command"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Prepare, build and run the app on this machine
    Start(start::Options),
    /// Run every test, and end with a line that counts them
    Test(test::Options),
    /// Check the format, the walls between the crates, and run clippy on both sides of the app
    Lint(lint::Options),
    /// Measure, in a release build
    Bench(bench::Options),
    /// Print how large the app is that a browser downloads
    Size(size::Options),
    /// Run the deterministic simulator
    Simulate(simulate::Options),
    /// Look for bytes that break the store or the protocol
    Fuzz(fuzz::Options),
    /// Take the screenshots for the documentation
    Screenshots(screenshots::Options),
    /// Make target/dist, a folder to copy to a server
    Dist(dist::Options),
    /// Only get the tools that the other commands need
    Prepare(Prepare),
    /// Link a program for browsers, as the compiler asks for it in release builds
    #[command(hide = true)]
    Link(link::Options),
}

#[derive(clap::Args)]
struct Prepare {
    /// Where missing tools may come from
    #[arg(long, value_enum, default_value_t)]
    ways: Ways,
    /// Build the private standard library for WebAssembly again, even if it isn't needed
    #[arg(long)]
    renew_target: bool,
}

fn prepare(options: &Prepare) -> Result<()> {
    let mut toolbox = Toolbox::new(options.ways);
    if options.renew_target {
        toolbox.renew_wasm_target()?;
    }
    for tools in [tools::BUILD, tools::RELEASE, tools::END_TO_END, tools::ENGINES] {
        toolbox.prepare(tools)?;
    }
    process::say("all tools are ready");
    if let Some(flags) = toolbox.rustflags() {
        process::say(
            "the toolchain has no standard library for WebAssembly; outside of xtask, set",
        );
        println!("{flags}");
    }
    Ok(())
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Start(options) => start::run(&options).map(|()| true),
        Command::Test(options) => Ok(test::run(&options)),
        Command::Lint(options) => lint::run(&options),
        Command::Bench(options) => bench::run(&options).map(|()| true),
        Command::Size(options) => size::run(&options).map(|()| true),
        Command::Simulate(options) => simulate::run(&options).map(|()| true),
        Command::Fuzz(options) => fuzz::run(&options).map(|()| true),
        Command::Screenshots(options) => screenshots::run(&options).map(|()| true),
        Command::Dist(options) => dist::run(&options).map(|()| true),
        Command::Prepare(options) => prepare(&options).map(|()| true),
        Command::Link(options) => link::run(&options).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
