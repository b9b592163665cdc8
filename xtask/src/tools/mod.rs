//! What the project needs beside cargo, and how it comes to be on a machine.
//!
//! Everything is kept in a cache of the user's, named by version, so that nothing on the machine is
//! replaced and a second run finds all of it there.

mod binaryen;
mod browser;
mod cargo_tools;
mod playwright;
mod wasm_target;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use browser::Browser;

use crate::error::{Error, Result};
use crate::process::{Program, find_on_path};

/// From where to take what isn't on crates.io or npm: its makers' own servers, or Debian.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Ways {
    /// rustup's and Playwright's own servers only
    Usual,
    /// Only the package registries: crates.io, npm and Debian
    Registries,
    /// The usual way, for a short while; then the registries
    #[default]
    Auto,
}

impl Ways {
    fn usual(self) -> bool {
        self != Self::Registries
    }

    fn registries(self) -> bool {
        self != Self::Usual
    }
}

/// One thing that can be prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    WasmTarget,
    WasmBindgen,
    CargoLeptos,
    Binaryen,
    Playwright,
    Browser,
}

/// For a debug build of the whole app.
pub const BUILD: &[Tool] = &[Tool::WasmTarget, Tool::WasmBindgen, Tool::CargoLeptos];
/// What a release build needs beside [`BUILD`].
pub const RELEASE: &[Tool] = &[Tool::Binaryen];
/// For tests of crates in a headless browser.
pub const BROWSER_TESTS: &[Tool] =
    &[Tool::WasmTarget, Tool::WasmBindgen, Tool::Playwright, Tool::Browser];
/// For driving the built app.
pub const END_TO_END: &[Tool] = &[Tool::Playwright, Tool::Browser];

/// The tools that are ready, for the programs that need them.
pub struct Toolbox {
    ways: Ways,
    path: OsString,
    browser: Option<Browser>,
}

impl Toolbox {
    pub fn new(ways: Ways) -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self { ways, path, browser: None }
    }

    /// Gets what is missing, and says so; what is there is left alone.
    pub fn prepare(&mut self, tools: &[Tool]) -> Result<()> {
        for tool in tools {
            match tool {
                Tool::WasmTarget => wasm_target::prepare(self)?,
                Tool::WasmBindgen => cargo_tools::wasm_bindgen()?.prepare(self)?,
                Tool::CargoLeptos => cargo_tools::cargo_leptos().prepare(self)?,
                Tool::Binaryen => binaryen::prepare(self)?,
                Tool::Playwright => playwright::prepare(self)?,
                Tool::Browser if self.browser.is_some() => {}
                Tool::Browser => self.browser = Some(browser::prepare(self)?),
            }
        }
        Ok(())
    }

    /// Installs the wasm target anew, though one may be there.
    pub fn renew_wasm_target(&self) -> Result<()> {
        wasm_target::install(self)
    }

    /// A program that finds the prepared tools.
    pub fn program(&self, name: impl AsRef<std::ffi::OsStr>) -> Program {
        Program::new(name).env("PATH", &self.path)
    }

    pub fn browser(&self) -> Result<&Browser> {
        let missing = || Error::advice("no browser has been prepared");
        self.browser.as_ref().ok_or_else(missing)
    }

    fn find(&self, name: &str) -> Option<PathBuf> {
        find_on_path(name, &self.path)
    }

    /// Lets programs find what is in that folder, before all others.
    fn put_first(&mut self, dir: &Path) {
        let mut path = dir.as_os_str().to_owned();
        if !self.path.is_empty() {
            path.push(":");
            path.push(&self.path);
        }
        self.path = path;
    }

    /// Whether that program runs and says that it has that version.
    fn has_version(&self, program: &Path, version: &str) -> bool {
        let asked = self.program(program).arg("--version");
        let answer = asked.quietly(Duration::from_secs(20));
        answer.is_ok_and(|answer| mentions_version(&answer, version))
    }
}

/// The folder for one version of one tool.
fn cache_dir(name: &str, version: &str) -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = set("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| Path::new(&home).join(".cache")));
    let cache = cache.ok_or_else(|| {
        Error::advice("set HOME or XDG_CACHE_HOME, for the tools to have a place")
    })?;
    Ok(cache.join("settee-tools").join(format!("{name}-{version}")))
}

fn mentions_version(answer: &str, version: &str) -> bool {
    answer.split_whitespace().any(|word| word == version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_whole_words() {
        assert!(mentions_version("wasm-bindgen 0.2.130\n", "0.2.130"));
        assert!(!mentions_version("wasm-bindgen 0.2.13\n", "0.2.130"));
        assert!(!mentions_version("wasm-bindgen 0.2.130\n", "0.2.13"));
        assert!(mentions_version("wasm-opt version 132 (version_132)", "132"));
    }

    #[test]
    fn both_ways_are_open_unless_one_is_forced() {
        assert!(Ways::Auto.usual() && Ways::Auto.registries());
        assert!(Ways::Usual.usual() && !Ways::Usual.registries());
        assert!(!Ways::Registries.usual() && Ways::Registries.registries());
    }
}
