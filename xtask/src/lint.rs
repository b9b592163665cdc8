//! `cargo xtask lint`: the format, the walls between the crates, and clippy for both sides of the app.

use crate::error::Result;
use crate::packages::{BROWSER, FRONTEND, Group, NATIVE, WASM_TARGET};
use crate::process::{Program, say};
use crate::tools::{Tool, Toolbox, Ways};
use crate::{walls, workspace};

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Where missing tools may come from
    #[arg(long, value_enum, default_value_t)]
    ways: Ways,
}

/// Runs every check, even after a failure, and returns whether all of them succeeded.
pub fn run(options: &Options) -> Result<bool> {
    let mut failed = Vec::new();
    say("walls");
    let violations = walls::check(&workspace::root())?;
    if !violations.is_empty() {
        failed.push("walls");
    }
    for violation in violations {
        eprintln!("{violation}");
    }

    let mut toolbox = Toolbox::new(options.ways);
    toolbox.prepare(&[Tool::WasmTarget])?;
    let format = toolbox.program("cargo").args(["fmt", "--all", "--check"]);
    let mut checks = vec![("format", format)];
    for group in NATIVE {
        checks.push((group.name, clippy(&toolbox, group, &["--all-targets"])));
    }
    let wasm = ["--target", WASM_TARGET];
    for group in BROWSER {
        // The native tests of the same package don't compile for WebAssembly.
        let only = [&wasm[..], &["--lib", "--test", "browser*"]].concat();
        checks.push((group.name, clippy(&toolbox, group, &only)));
    }
    checks.push((FRONTEND.name, clippy(&toolbox, &FRONTEND, &wasm)));

    for (name, check) in checks {
        if let Err(error) = check.run() {
            say(format!("{name}: {error}"));
            failed.push(name);
        }
    }
    if failed.is_empty() {
        println!("lint: no problems");
    } else {
        println!("lint: failed: {}", failed.join(", "));
    }
    Ok(failed.is_empty())
}

fn clippy(toolbox: &Toolbox, group: &Group, arguments: &[&str]) -> Program {
    let cargo = toolbox.program("cargo").arg("clippy").args(group.arguments());
    cargo.args(arguments).args(["--", "-D", "warnings"])
}
