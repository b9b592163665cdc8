//! The folders of the workspace, and reading and writing their files.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The workspace's root, whatever the current folder is.
pub fn root() -> PathBuf {
    // `cargo run` sets the variable. The path from compile time is for a binary that is run by hand.
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or(package.clone(), Path::to_path_buf)
}

/// Cargo's target folder. A relative path starts at the root, where we run cargo.
pub fn target() -> PathBuf {
    let set = std::env::var_os("CARGO_TARGET_DIR");
    root().join(set.unwrap_or_else(|| "target".into()))
}

/// The folder for the files that browsers fetch, as set for cargo-leptos in the workspace's manifest.
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
