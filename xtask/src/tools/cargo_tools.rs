//! Tools that `cargo install` gets from crates.io.

use std::fs;

use super::{Toolbox, cache_dir};
use crate::error::{Error, Result};
use crate::process::say;
use crate::workspace;

/// A program that is installed in exactly this version.
pub struct CargoTool {
    package: &'static str,
    /// The program that reports the version.
    binary: &'static str,
    /// The folder's name in the cache, without the version.
    folder: &'static str,
    version: String,
    arguments: &'static [&'static str],
    patience: &'static str,
}

/// Builds both sides of the app and watches for changes.
pub fn cargo_leptos() -> CargoTool {
    CargoTool {
        package: "cargo-leptos",
        binary: "cargo-leptos",
        folder: "cargo-leptos",
        version: "0.3.11".to_owned(),
        // A crate in its lock file declares a newer rustc than it needs. With `no_downloads` it uses
        // the tools that we prepare.
        arguments: &["--locked", "--ignore-rust-version", "--features", "no_downloads"],
        patience: "about seven minutes on two cores, once",
    }
}

/// It has to be of the same version as the library that the app is built with.
pub fn wasm_bindgen() -> Result<CargoTool> {
    let path = workspace::root().join("Cargo.lock");
    let lock = workspace::read(&path)?;
    let version = locked_version(&lock, "wasm-bindgen").ok_or_else(|| {
        Error::advice("Cargo.lock names no wasm-bindgen: run `cargo update --workspace`")
    })?;
    Ok(CargoTool {
        package: "wasm-bindgen-cli",
        binary: "wasm-bindgen",
        folder: "wasm-bindgen",
        version: version.to_owned(),
        arguments: &[],
        patience: "about a minute, once",
    })
}

/// Drives Firefox.
pub fn geckodriver() -> CargoTool {
    CargoTool {
        package: "geckodriver",
        binary: "geckodriver",
        folder: "geckodriver",
        version: "0.37.1".to_owned(),
        arguments: &["--locked"],
        patience: "about a minute and a half, once",
    }
}

impl CargoTool {
    pub fn prepare(&self, toolbox: &mut Toolbox) -> Result<()> {
        if let Some(found) = toolbox.find(self.binary)
            && toolbox.has_version(&found, &self.version)
        {
            return Ok(());
        }
        let root = cache_dir(self.folder, &self.version)?;
        let binary = root.join("bin").join(self.binary);
        if !toolbox.has_version(&binary, &self.version) {
            self.install(toolbox, &root)?;
        }
        if !toolbox.has_version(&binary, &self.version) {
            return Err(Error::advice(format!(
                "{} is not {} {}: remove {} and try again",
                binary.display(),
                self.binary,
                self.version,
                root.display()
            )));
        }
        toolbox.put_first(&root.join("bin"));
        Ok(())
    }

    fn install(&self, toolbox: &Toolbox, root: &std::path::Path) -> Result<()> {
        let Self { package, version, .. } = self;
        say(format!("{package} {version} is missing: {}", self.patience));
        // Kept until the end, so that an interrupted build can continue.
        let build = root.join("build");
        let cargo = toolbox
            .program("cargo")
            .args(["install", package, "--version", version])
            .args(self.arguments)
            .arg("--root")
            .arg(root)
            .arg("--target-dir")
            .arg(&build)
            // Unoptimized tools take a third of the time to build, and run for seconds only.
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
            .shown_as(&format!("cargo install {package} --version {version}"));
        cargo.run().map_err(|error| {
            Error::advice(format!(
                "{error}\n\nInstall {package} {version} in another way, so that `{} --version` works.",
                self.binary
            ))
        })?;
        if build.exists() {
            fs::remove_dir_all(&build).map_err(Error::file(&build))?;
        }
        Ok(())
    }
}

/// The version that a lock file gives a package.
fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
[[package]]
name = "wasm-bindgen"
version = "0.2.130"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "wasm-bindgen-futures"
version = "0.4.80"
"#;

    #[test]
    fn a_locked_version_is_found_by_the_whole_name() {
        assert_eq!(locked_version(LOCK, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked_version(LOCK, "wasm-bindgen-futures"), Some("0.4.80"));
        assert_eq!(locked_version(LOCK, "wasm"), None);
        assert_eq!(locked_version("name = \"wasm-bindgen\"", "wasm-bindgen"), None);
    }
}
