//! `wasm-opt`, which reduces the size of release builds.

use super::{Toolbox, cache_dir};
use crate::error::{Error, Result};

const VERSION: &str = "132";

pub fn prepare(toolbox: &mut Toolbox) -> Result<()> {
    if let Some(found) = toolbox.find("wasm-opt")
        && toolbox.has_version(&found, VERSION)
    {
        return Ok(());
    }
    let root = cache_dir("binaryen", VERSION)?;
    let binaries = root.join("node_modules/.bin");
    let binary = binaries.join("wasm-opt");
    if !toolbox.has_version(&binary, VERSION) {
        std::fs::create_dir_all(&root).map_err(Error::file(&root))?;
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
    toolbox.put_first(&binaries);
    Ok(())
}
