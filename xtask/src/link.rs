//! The linker of release builds for browsers: the compiler's own, and then the [trimming](crate::trim).

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use crate::error::{Error, Result};
use crate::trim;

/// The linker that comes with the compiler, which puts it on the path of what it runs.
const LINKER: &str = "rust-lld";

#[derive(Debug, clap::Args)]
pub struct Options {
    /// What the compiler says to a linker
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

pub fn run(options: &Options) -> Result<()> {
    let command = || LINKER.to_owned();
    let linked = Command::new(LINKER).args(&options.arguments).status();
    let status = linked.map_err(|source| Error::Spawn { command: command(), source })?;
    if !status.success() {
        return Err(Error::Failed { command: command(), status, detail: String::new() });
    }
    let output = output(&options.arguments);
    let output =
        output.ok_or_else(|| Error::advice("the linker was told no place for its file"))?;
    trim::trim_file(Path::new(output))
}

fn output(arguments: &[OsString]) -> Option<&OsString> {
    let flag = arguments.iter().position(|argument| argument == "-o")?;
    arguments.get(flag + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_stands_behind_its_flag() {
        let arguments = ["--no-entry", "-o", "app.wasm", "--gc-sections"].map(OsString::from);
        assert_eq!(output(&arguments), Some(&OsString::from("app.wasm")));
        assert_eq!(output(&arguments[..2]), None);
    }
}
