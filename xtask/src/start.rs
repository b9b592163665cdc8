//! `cargo xtask start`: from a fresh clone to a running app.

use crate::error::Result;
use crate::process::Program;
use crate::site::{self, Profile};
use crate::tools::{Toolbox, Ways};

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Make a release build, as for deployment
    #[arg(long)]
    release: bool,
    /// Rebuild and reload the page whenever a file changes
    #[arg(long)]
    watch: bool,
    /// Where missing tools may come from
    #[arg(long, value_enum, default_value_t)]
    ways: Ways,
    /// Arguments for settee-server, after `--`
    #[arg(last = true, conflicts_with = "watch")]
    server: Vec<String>,
}

pub fn run(options: &Options) -> Result<()> {
    let profile = Profile::from_flag(options.release);
    let mut toolbox = Toolbox::new(options.ways);
    if options.watch {
        site::prepare(&mut toolbox, profile)?;
        return replace_with(site::leptos(&toolbox, profile, "watch")?);
    }
    site::build(&mut toolbox, profile)?;
    replace_with(site::server(profile).args(&options.server))
}

/// The program replaces this one, so that Ctrl-C and a service manager's signals reach it.
fn replace_with(program: Program) -> Result<()> {
    #[cfg(unix)]
    return Err(program.replace());
    #[cfg(not(unix))]
    return program.run();
}
