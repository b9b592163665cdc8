//! `wasm-opt`, which reduces the size of release builds.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Toolbox, cache_dir, executable};
use crate::error::{Error, Result};

const VERSION: &str = "132";

/// The program that cargo-leptos finds. cargo-leptos asks for `-Oz` and can't be told otherwise. That
/// puts functions into others, which are less alike then, and so takes 10 % more after brotli than this.
/// Functions of the same name are alike, too: side by side they take 1 % less.
const LEVEL: &str = r#"for argument; do
    shift
    [ "$argument" = -Oz ] && argument=-Os
    set -- "$@" "$argument"
done
exec "$program" "$@" -aimfs 0 -fimfs 0 -ocimfs 0 --reorder-functions-by-name
"#;

pub fn prepare(toolbox: &mut Toolbox) -> Result<()> {
    let binary = match toolbox.find("wasm-opt") {
        Some(found) if toolbox.has_version(&found, VERSION) => found,
        _ => install(toolbox)?,
    };
    let folder = wrap(&binary)?;
    toolbox.put_first(&folder);
    Ok(())
}

/// Writes a script that calls the program with another level. Returns its folder.
fn wrap(binary: &Path) -> Result<PathBuf> {
    let folder = cache_dir("wasm-opt-level", VERSION)?;
    let script = folder.join("wasm-opt");
    let program = binary.to_string_lossy().replace('\'', r"'\''");
    let text = format!("#!/bin/sh\nprogram='{program}'\n{LEVEL}");
    if binary != script {
        executable(&script, &text)?;
    }
    Ok(folder)
}

fn install(toolbox: &mut Toolbox) -> Result<PathBuf> {
    let root = cache_dir("binaryen", VERSION)?;
    let binary = root.join("node_modules/.bin/wasm-opt");
    if !toolbox.has_version(&binary, VERSION) {
        fs::create_dir_all(&root).map_err(Error::file(&root))?;
        let npm = super::playwright::npm(toolbox)?
            .args(["install", "--no-fund", "--no-audit", "--prefix"])
            .arg(&root)
            .arg(format!("binaryen@{VERSION}"))
            .dir(&root)
            .shown_as(&format!("npm install binaryen@{VERSION} (for wasm-opt)"));
        npm.run()?;
    }
    if !toolbox.has_version(&binary, VERSION) {
        return Err(Error::advice(format!(
            "wasm-opt {VERSION} does not run: remove {} and try again, or put Binaryen {VERSION} on PATH",
            root.display()
        )));
    }
    Ok(binary)
}
