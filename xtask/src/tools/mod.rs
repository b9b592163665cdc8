//! The tools that the project needs besides cargo, and how they get onto a machine.
//!
//! They are kept in the user's cache, in folders named by version. So nothing on the machine is
//! replaced, and a second run finds everything there.

mod binaryen;
mod browser;
mod cargo_tools;
mod debian;
mod engines;
mod linker;
mod playwright;
mod rustflags;
mod wasm_target;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use browser::Browser;
use rustflags::Rustflags;

use crate::error::{Error, Result};
use crate::process::{Program, find_on_path};

/// Where tools that aren't on crates.io or npm may come from: their makers' servers, or Debian.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Ways {
    /// rustup's and Playwright's own servers only
    Usual,
    /// Only the package registries: crates.io, npm and Debian
    Registries,
    /// First the makers' servers, with a short time limit, then the registries
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
    Engines,
}

/// For a debug build of the whole app.
pub const BUILD: &[Tool] = &[Tool::WasmTarget, Tool::WasmBindgen, Tool::CargoLeptos];
/// What a release build needs in addition to [`BUILD`].
pub const RELEASE: &[Tool] = &[Tool::Binaryen];
/// For tests of crates in a headless browser.
pub const BROWSER_TESTS: &[Tool] =
    &[Tool::WasmTarget, Tool::WasmBindgen, Tool::Playwright, Tool::Browser];
/// For driving the built app.
pub const END_TO_END: &[Tool] = &[Tool::Playwright, Tool::Browser];
/// For driving the built app in the engines besides Chromium.
pub const ENGINES: &[Tool] = &[Tool::Playwright, Tool::Engines];

/// The tools that are ready, and the environment in which programs find them.
pub struct Toolbox {
    ways: Ways,
    path: OsString,
    browser: Option<Browser>,
    /// Needed if the toolchain has no standard library for WebAssembly.
    rustflags: Option<Rustflags>,
}

impl Toolbox {
    pub fn new(ways: Ways) -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self { ways, path, browser: None, rustflags: None }
    }

    /// Gets the tools that are missing, and says so. It leaves the others alone.
    pub fn prepare(&mut self, tools: &[Tool]) -> Result<()> {
        for tool in tools {
            match tool {
                Tool::WasmTarget => self.rustflags = wasm_target::prepare(self)?,
                Tool::WasmBindgen => cargo_tools::wasm_bindgen()?.prepare(self)?,
                Tool::CargoLeptos => cargo_tools::cargo_leptos().prepare(self)?,
                Tool::Binaryen => binaryen::prepare(self)?,
                Tool::Playwright => playwright::prepare(self)?,
                Tool::Browser if self.browser.is_some() => {}
                Tool::Browser => self.browser = Some(browser::prepare(self)?),
                Tool::Engines => engines::prepare(self)?,
            }
        }
        Ok(())
    }

    /// Builds the private standard library for WebAssembly again, and uses it.
    pub fn renew_wasm_target(&mut self) -> Result<()> {
        self.rustflags = Some(wasm_target::build_private(self)?);
        Ok(())
    }

    /// The flags that a cargo started by hand needs, too, to compile for WebAssembly.
    pub fn rustflags(&self) -> Option<&Rustflags> {
        self.rustflags.as_ref()
    }

    /// A program that finds the prepared tools.
    pub fn program(&self, name: impl AsRef<std::ffi::OsStr>) -> Program {
        let program = Program::new(name).env("PATH", &self.path);
        match &self.rustflags {
            Some(flags) => program.env(flags.variable, &flags.value),
            None => program,
        }
    }

    /// A program that builds a release for browsers: without what no run needs, and with functions' whole
    /// names, by which that is found.
    pub fn releasing(&self, name: impl AsRef<std::ffi::OsStr>) -> Result<Program> {
        let flags = self.rustflags.clone().unwrap_or_else(|| Rustflags::of_environment(self));
        let flags = flags.with(&["-Csymbol-mangling-version=v0"]);
        let program = self.program(name).env(flags.variable, &flags.value);
        Ok(program.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker::script()?))
    }

    pub fn browser(&self) -> Result<&Browser> {
        let missing = || Error::advice("no browser has been prepared");
        self.browser.as_ref().ok_or_else(missing)
    }

    fn find(&self, name: &str) -> Option<PathBuf> {
        find_on_path(name, &self.path)
    }

    /// Puts that folder before all others on the programs' path.
    fn put_first(&mut self, dir: &Path) {
        let mut path = dir.as_os_str().to_owned();
        if !self.path.is_empty() {
            path.push(":");
            path.push(&self.path);
        }
        self.path = path;
    }

    /// Whether that program runs and reports that version.
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
    let cache = cache
        .ok_or_else(|| Error::advice("the tools need a folder: set HOME or XDG_CACHE_HOME"))?;
    Ok(cache.join("settee-tools").join(format!("{name}-{version}")))
}

/// Writes a script that can be run, unless it is there.
fn executable(path: &Path, text: &str) -> Result<()> {
    if std::fs::read_to_string(path).is_ok_and(|is| is == text) {
        return Ok(());
    }
    crate::workspace::write(path, text)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let permissions = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(path, permissions).map_err(Error::file(path))?;
    }
    Ok(())
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
