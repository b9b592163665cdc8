//! `cargo xtask size`: how much a browser downloads to open the app for the first time.

use std::fs;
use std::path::Path;

use crate::error::{Error, Result};
use crate::site::{self, Profile};
use crate::tools::{Toolbox, Ways};
use crate::workspace;

/// For WebAssembly and JavaScript together, compressed by brotli.
const GOAL: u64 = 250_000;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Measure the site as it is, without building it first
    #[arg(long)]
    no_build: bool,
    /// Where missing tools may come from
    #[arg(long, value_enum, default_value_t)]
    ways: Ways,
}

pub fn run(options: &Options) -> Result<()> {
    if !options.no_build {
        site::build(&mut Toolbox::new(options.ways), Profile::Release)?;
    }
    let mut sizes = Sizes::default();
    sizes.add(&workspace::site().join("pkg"))?;
    if sizes.wasm == 0 {
        return Err(Error::advice(
            "target/site/pkg has no compressed WebAssembly: run `cargo xtask size` without --no-build",
        ));
    }
    let total = sizes.wasm + sizes.javascript;
    println!("WebAssembly  {}", kilobytes(sizes.wasm));
    println!("JavaScript   {}", kilobytes(sizes.javascript));
    println!("together     {}, by brotli; the goal is {}", kilobytes(total), kilobytes(GOAL));
    Ok(())
}

/// Bytes of the files that the release build has compressed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sizes {
    wasm: u64,
    javascript: u64,
}

impl Sizes {
    /// Adds all files below a folder.
    fn add(&mut self, folder: &Path) -> Result<()> {
        for entry in fs::read_dir(folder).map_err(Error::file(folder))? {
            let entry = entry.map_err(Error::file(folder))?;
            let path = entry.path();
            let about = entry.metadata().map_err(Error::file(&path))?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if about.is_dir() {
                self.add(&path)?;
            } else if name.ends_with(".wasm.br") {
                self.wasm += about.len();
            } else if name.ends_with(".js.br") {
                self.javascript += about.len();
            }
        }
        Ok(())
    }
}

fn kilobytes(bytes: u64) -> String {
    format!("{}.{} kB", bytes / 1000, bytes % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_files_are_added_up_by_kind() -> Result<()> {
        let pkg = std::env::temp_dir().join(format!("settee-size-{}", std::process::id()));
        workspace::write(&pkg.join("settee.a1.wasm"), "uncompressed")?;
        workspace::write(&pkg.join("settee.a1.wasm.br"), "12345")?;
        workspace::write(&pkg.join("settee.a1.js.br"), "123")?;
        workspace::write(&pkg.join("settee.a1.css.br"), "1234567")?;
        workspace::write(&pkg.join("snippets/app/inline.js.br"), "12")?;
        let mut sizes = Sizes::default();
        let added = sizes.add(&pkg);
        fs::remove_dir_all(&pkg).map_err(Error::file(&pkg))?;
        added?;
        assert_eq!(sizes, Sizes { wasm: 5, javascript: 5 });
        Ok(())
    }

    #[test]
    fn kilobytes_are_cut_to_one_digit() {
        assert_eq!(kilobytes(434_168), "434.1 kB");
        assert_eq!(kilobytes(99), "0.0 kB");
    }
}
