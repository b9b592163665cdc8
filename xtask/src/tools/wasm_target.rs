//! The standard library for WebAssembly.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::Toolbox;
use crate::error::{Error, Result};
use crate::packages::WASM_TARGET;
use crate::process::say;
use crate::workspace;

/// Builds the standard library from Debian's source package.
const BUILD_STD: &str = include_str!("../../wasm-std.sh");
/// The script leaves this file beside what it has installed.
const OUR_STAMP: &str = ".built-from-source";

/// How long rustup may take where there is another way.
const SHORT: Duration = Duration::from_secs(30);
/// How long it may take where there is none.
const LONG: Duration = Duration::from_mins(10);

pub fn prepare(toolbox: &Toolbox) -> Result<()> {
    if compiles(toolbox).is_ok() {
        return Ok(());
    }
    install(toolbox)
}

pub fn install(toolbox: &Toolbox) -> Result<()> {
    let ways = toolbox.ways;
    let from_debian = ways.registries() && toolbox.find("apt-get").is_some();
    if ways.usual() {
        let limit = if from_debian { SHORT } else { LONG };
        match from_rustup(toolbox, limit) {
            Ok(()) => return Ok(()),
            Err(_) if from_debian => {
                say("  not to be had from rustup now; Debian's source package instead");
            }
            Err(error) => return Err(advice(&error)),
        }
    }
    from_source(toolbox).map_err(|error| advice(&error))
}

/// Compiles a small program for the target: the only proof that covers a missing library, one of
/// another compiler's, and two that stand in each other's way.
fn compiles(toolbox: &Toolbox) -> Result<()> {
    let source = workspace::target().join("xtask/wasm_target_check.rs");
    workspace::write(&source, "pub fn check() -> String { 1.to_string() }\n")?;
    let rustc = toolbox.program("rustc").arg(&source).args([
        "--target",
        WASM_TARGET,
        "--crate-type=cdylib",
        "--emit=metadata",
    ]);
    let rustc = rustc.arg("--out-dir").arg(source.with_extension(""));
    rustc.quietly(Duration::from_mins(1)).map(drop)
}

fn from_rustup(toolbox: &Toolbox, limit: Duration) -> Result<()> {
    let seconds = limit.as_secs();
    say(format!("rustup target add {WASM_TARGET} (for at most {seconds} s)"));
    // rustup would put its files beside ours, and rustc refuses to choose between two.
    let ours = library_dir(toolbox)?;
    let aside = ours.with_extension("aside");
    let stepped_aside = ours.join(OUR_STAMP).exists();
    if stepped_aside {
        fs::rename(&ours, &aside).map_err(Error::file(&ours))?;
    }
    let rustup =
        toolbox.program("rustup").args(["target", "add", WASM_TARGET]).env("RUST_BACKTRACE", "0");
    let added = rustup.quietly(limit).and_then(|_| compiles(toolbox));
    if stepped_aside {
        let settled = if added.is_ok() || ours.exists() {
            fs::remove_dir_all(&aside)
        } else {
            fs::rename(&aside, &ours)
        };
        settled.map_err(Error::file(&aside))?;
    }
    added
}

fn from_source(toolbox: &Toolbox) -> Result<()> {
    let script = toolbox.program("bash").args(["-c", BUILD_STD, "wasm-std"]);
    let shown = format!(
        "build the standard library for {WASM_TARGET} from Debian's rust-src (about half a minute)"
    );
    script.shown_as(&shown).run()?;
    compiles(toolbox)
}

fn library_dir(toolbox: &Toolbox) -> Result<PathBuf> {
    let rustc = toolbox.program("rustc").args(["--print", "sysroot"]);
    let sysroot = rustc.quietly(Duration::from_mins(1))?;
    Ok(PathBuf::from(sysroot.trim()).join("lib/rustlib").join(WASM_TARGET))
}

fn advice(error: &Error) -> Error {
    Error::advice(format!(
        "{error}\n\nThe Rust compiler has no usable {WASM_TARGET} target. Either run `rustup target add {WASM_TARGET}` \
         where rustup reaches its server, or give the path of Debian's package rust-src, of just your rustc's \
         version, as RUST_SRC_DEB, and try again with `--ways registries`."
    ))
}
