//! Where things are.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The workspace's root, from any folder that the command is given in.
pub fn root() -> PathBuf {
    // `cargo run` says where the package is now; the built-in path is for a binary run by hand.
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or(package.clone(), Path::to_path_buf)
}

/// Cargo's target folder; a relative one is meant from the root, where we run cargo.
pub fn target() -> PathBuf {
    let set = std::env::var_os("CARGO_TARGET_DIR");
    root().join(set.unwrap_or_else(|| "target".into()))
}

/// Where cargo-leptos puts what browsers fetch; it is named in the workspace's manifest.
pub fn site() -> PathBuf {
    root().join("target/site")
}

pub fn end2end() -> PathBuf {
    root().join("end2end")
}

pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(Error::file(path))
}

pub fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(Error::file(parent))?;
    }
    fs::write(path, text).map_err(Error::file(path))
}
