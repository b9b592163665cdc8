//! The standard library for WebAssembly: the toolchain's own, or one in our cache.
//!
//! A toolchain only ever changes by `rustup target add`. What is built from source goes to a sysroot in
//! the cache, and programs find that through the flags that [`Rustflags`] adds.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::rustflags::Rustflags;
use super::{Toolbox, cache_dir};
use crate::error::{Error, Result};
use crate::packages::WASM_TARGET;
use crate::process::say;
use crate::workspace;

/// Builds the standard library from Debian's source package.
const BUILD_STD: &str = include_str!("../../wasm-std.sh");

/// How long rustup may take where there is another way.
const SHORT: Duration = Duration::from_secs(30);
/// How long rustup may take where there is no other way.
const LONG: Duration = Duration::from_mins(10);
/// How long rustc may take to answer.
const ANSWER: Duration = Duration::from_mins(1);

/// Makes sure that there is a standard library. The flags are those that programs need to find it, or
/// none if the toolchain has its own.
pub fn prepare(toolbox: &Toolbox) -> Result<Option<Rustflags>> {
    if toolbox.rustflags.is_some() || compiles(toolbox, None).is_ok() {
        return Ok(toolbox.rustflags.clone());
    }
    let sysroot = private_sysroot(toolbox)?;
    if compiles(toolbox, Some(&sysroot)).is_ok() {
        return Rustflags::for_sysroot(toolbox, &sysroot).map(Some);
    }
    let from_debian = toolbox.ways.registries() && toolbox.find("apt-get").is_some();
    if toolbox.ways.usual() {
        let limit = if from_debian { SHORT } else { LONG };
        match from_rustup(toolbox, limit) {
            Ok(()) => return Ok(None),
            Err(_) if from_debian => {
                say("  rustup can't get it now; building it from Debian's source package instead");
            }
            Err(error) => return Err(advice(&error)),
        }
    }
    build_private(toolbox).map(Some)
}

/// Builds the library in the cache, even if there is one already.
pub fn build_private(toolbox: &Toolbox) -> Result<Rustflags> {
    let sysroot = private_sysroot(toolbox)?;
    from_source(toolbox, &sysroot).map_err(|error| advice(&error))?;
    Rustflags::for_sysroot(toolbox, &sysroot)
}

/// Compiles and links a small program for the target. Nothing less shows that the library is complete,
/// that it is of this compiler, and that there is a linker.
fn compiles(toolbox: &Toolbox, sysroot: Option<&Path>) -> Result<()> {
    let source = workspace::target().join("xtask/wasm_target_check.rs");
    workspace::write(&source, "pub fn check() -> String { 1.to_string() }\n")?;
    let mut rustc = toolbox
        .program("rustc")
        .arg(&source)
        .args(["--target", WASM_TARGET, "--crate-type=cdylib", "--out-dir"])
        .arg(source.with_extension(""));
    if let Some(sysroot) = sysroot {
        rustc = rustc.arg("--sysroot").arg(sysroot);
    }
    rustc.quietly(ANSWER).map(drop)
}

fn from_rustup(toolbox: &Toolbox, limit: Duration) -> Result<()> {
    let seconds = limit.as_secs();
    say(format!("rustup target add {WASM_TARGET} (for at most {seconds} s)"));
    let rustup = toolbox.program("rustup").args(["target", "add", WASM_TARGET]);
    rustup.env("RUST_BACKTRACE", "0").quietly(limit)?;
    compiles(toolbox, None)
}

fn from_source(toolbox: &Toolbox, sysroot: &Path) -> Result<()> {
    let shown = format!(
        "build the standard library for {WASM_TARGET} from Debian's rust-src (about half a minute)"
    );
    let script = toolbox.program("bash").args(["-c", BUILD_STD, "wasm-std"]).arg(sysroot);
    script.shown_as(&shown).run()?;
    compiles(toolbox, Some(sysroot))
}

/// Where the active compiler's library is kept.
fn private_sysroot(toolbox: &Toolbox) -> Result<PathBuf> {
    let details = toolbox.program("rustc").arg("-vV").quietly(ANSWER)?;
    let version = compiler_version(&details)
        .ok_or_else(|| Error::advice(format!("`rustc -vV` names no version: {details}")))?;
    cache_dir("wasm-std", &version)
}

/// The release and the commit, since nightly compilers of one release differ.
fn compiler_version(details: &str) -> Option<String> {
    let field = |name| details.lines().find_map(|line| line.strip_prefix(name));
    let commit: String = field("commit-hash: ")?.chars().take(9).collect();
    Some(format!("{}-{commit}", field("release: ")?))
}

fn advice(error: &Error) -> Error {
    Error::advice(format!(
        "{error}\n\nThe Rust compiler has no usable {WASM_TARGET} target. Either run `rustup target add {WASM_TARGET}` \
         where rustup reaches its server, or set RUST_SRC_DEB to the path of Debian's package rust-src of your \
         rustc's version, and try again with `--ways registries`."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_named_by_release_and_commit() {
        let details = "rustc 1.95.0 (59807616e 2026-04-14)\nbinary: rustc\n\
            commit-hash: 59807616e1fa2540724bfbac14d7976d7e4a3860\nrelease: 1.95.0\n";
        assert_eq!(compiler_version(details).as_deref(), Some("1.95.0-59807616e"));
        let packaged = "commit-hash: unknown\nrelease: 1.95.0\n";
        assert_eq!(compiler_version(packaged).as_deref(), Some("1.95.0-unknown"));
        assert_eq!(compiler_version("no compiler"), None);
    }
}
