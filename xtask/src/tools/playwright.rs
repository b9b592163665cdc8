//! The end-to-end tests' npm packages.

use super::Toolbox;
use crate::error::{Error, Result};
use crate::process::Program;
use crate::workspace;

/// Installs the packages of the lock file, unless they are installed already.
pub fn prepare(toolbox: &Toolbox) -> Result<()> {
    let dir = workspace::end2end();
    let lock = workspace::read(&dir.join("package-lock.json"))?;
    let stamp = dir.join("node_modules/.installed-from");
    if workspace::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    npm(toolbox)?
        .args(["ci", "--no-fund", "--no-audit"])
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
        .dir(&dir)
        .shown_as("npm ci, in end2end")
        .run()?;
    workspace::write(&stamp, &lock)
}

pub fn npm(toolbox: &Toolbox) -> Result<Program> {
    match toolbox.find("npm") {
        Some(npm) => Ok(toolbox.program(npm)),
        None => Err(Error::advice(
            "npm is missing: install Node.js 20 or later (on Debian: apt-get install nodejs npm)",
        )),
    }
}
