//! `cargo xtask screenshots`: takes the documentation's screenshots of the running app.

use crate::error::Result;
use crate::site::{self, Profile};
use crate::tools::{self, Toolbox, Ways};
use crate::workspace;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Use a release build
    #[arg(long)]
    release: bool,
    /// Where missing tools may come from
    #[arg(long, value_enum, default_value_t)]
    ways: Ways,
}

pub fn run(options: &Options) -> Result<()> {
    let profile = Profile::from_flag(options.release);
    let mut toolbox = Toolbox::new(options.ways);
    toolbox.prepare(tools::END_TO_END)?;
    site::build(&mut toolbox, profile)?;
    crate::test::playwright(&toolbox, profile)?
        .args(["--config", "screenshots.config.ts"])
        .env("SETTEE_SCREENSHOTS", workspace::root().join("docs/screenshots"))
        .run()
}
