//! The peers that run in the browser's page, as npm has them.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use super::Result;

/// Installs what the lock file says, if that isn't what is there.
pub fn install() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let lock = fs::read(folder.join("package-lock.json"))?;
    let stamp = folder.join("node_modules/.installed-from");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    eprintln!("» npm ci, in bench/peers");
    let status = Command::new("npm")
        .args(["ci", "--no-fund", "--no-audit"])
        .current_dir(&folder)
        .stdin(Stdio::null())
        // Standard output is the table's.
        .stdout(Stdio::null())
        .status()
        .map_err(|error| format!("npm: {error}"))?;
    if !status.success() {
        return Err(format!("npm ci in bench/peers failed ({status})").into());
    }
    Ok(fs::write(&stamp, lock)?)
}
