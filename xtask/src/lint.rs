//! `cargo xtask lint`: the format, and clippy's word on both sides of the app.

use crate::error::Result;
use crate::packages::{BROWSER, FRONTEND, Group, NATIVE, WASM_TARGET};
use crate::process::{Program, say};
use crate::tools::{Tool, Toolbox, Ways};

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Where missing tools may come from
    #[arg(long, value_enum, default_value_t)]
    ways: Ways,
}

/// Runs every check, though one has failed, and says whether all went well.
pub fn run(options: &Options) -> Result<bool> {
    let mut toolbox = Toolbox::new(options.ways);
    toolbox.prepare(&[Tool::WasmTarget])?;
    let format = toolbox.program("cargo").args(["fmt", "--all", "--check"]);
    let mut checks = vec![("format", format)];
    for group in NATIVE {
        checks.push((group.name, clippy(&toolbox, group, &["--all-targets"])));
    }
    let wasm = ["--target", WASM_TARGET];
    for group in BROWSER {
        // Native tests beside the browser's need what WebAssembly doesn't have.
        let only = [&wasm[..], &["--lib", "--test", "browser*"]].concat();
        checks.push((group.name, clippy(&toolbox, group, &only)));
    }
    checks.push((FRONTEND.name, clippy(&toolbox, &FRONTEND, &wasm)));

    let mut failed = Vec::new();
    for (name, check) in checks {
        if let Err(error) = check.run() {
            say(format!("{name}: {error}"));
            failed.push(name);
        }
    }
    if failed.is_empty() {
        println!("lint: all is well");
    } else {
        println!("lint: to be mended: {}", failed.join(", "));
    }
    Ok(failed.is_empty())
}

fn clippy(toolbox: &Toolbox, group: &Group, arguments: &[&str]) -> Program {
    let cargo = toolbox.program("cargo").arg("clippy").args(group.arguments());
    cargo.args(arguments).args(["--", "-D", "warnings"])
}
