//! The linker of release builds for browsers, as a program that the compiler can call.

use std::path::PathBuf;

use super::executable;
use crate::error::{Error, Result};
use crate::workspace;

/// By this name the compiler knows how to speak to a linker.
const NAME: &str = "wasm-ld";

/// Writes a script that calls `cargo xtask link`. It is in the target folder, as the program that it calls.
pub fn script() -> Result<PathBuf> {
    let script = workspace::target().join("xtask").join(NAME);
    let program = std::env::current_exe().map_err(Error::file(&script))?;
    let program = program.to_string_lossy().replace('\'', r"'\''");
    executable(&script, &format!("#!/bin/sh\nexec '{program}' link -- \"$@\"\n"))?;
    Ok(script)
}
