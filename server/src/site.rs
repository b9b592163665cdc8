//! Where the built site is, and what it consists of.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use leptos::config::{LeptosOptions, get_configuration};

use crate::error::Error;

/// What cargo-leptos and `cargo xtask dist` call the parts of the app.
const OUTPUT_NAME: &str = "settee";
const PKG_DIR: &str = "pkg";

/// The built site.
#[derive(Debug, Clone)]
pub struct Site {
    pub(crate) options: LeptosOptions,
    pub(crate) root: PathBuf,
    /// The hash in the name of each built file, under the name's ending. Empty in a build
    /// without hashes.
    hashes: BTreeMap<String, String>,
    /// cargo-leptos builds the site anew whenever something changes.
    pub(crate) is_watched: bool,
}

impl Site {
    /// Where cargo-leptos says, or else in the folder `site` beside this program.
    pub fn find() -> Result<Self, Error> {
        let program = env::current_exe()?;
        if env::var_os("LEPTOS_SITE_ROOT").is_some()
            && let Ok(configuration) = get_configuration(None)
        {
            let options = configuration.leptos_options;
            let hashes = program.with_file_name(&*options.hash_file);
            return Self::with_options(options, &hashes);
        }
        Self::at(&program.with_file_name("site"), &program.with_file_name("hash.txt"))
    }

    /// In this folder, with the hashes that this file lists, if it is there.
    pub fn at(root: &Path, hashes: &Path) -> Result<Self, Error> {
        let options = LeptosOptions::builder()
            .output_name(OUTPUT_NAME)
            .site_root(root.to_string_lossy())
            .site_pkg_dir(PKG_DIR)
            .build();
        Self::with_options(options, hashes)
    }

    fn with_options(mut options: LeptosOptions, hash_file: &Path) -> Result<Self, Error> {
        let root = PathBuf::from(&*options.site_root);
        if !root.is_dir() {
            return Err(Error::NoSite { folder: root });
        }
        let hashes = if hash_file.is_file() { read_hashes(hash_file)? } else { BTreeMap::new() };
        // Leptos joins this with the folder of the program, which a full path overrides; and it
        // doesn't survive a file that isn't there.
        options.hash_file = hash_file.to_string_lossy().into();
        options.hash_files = !hashes.is_empty();
        let is_watched = env::var_os("LEPTOS_WATCH").is_some();
        Ok(Self { options, root, hashes, is_watched })
    }

    /// Whether a name is never used again for something else.
    pub(crate) fn is_immutable(&self, path: &str) -> bool {
        self.built_files().any(|file| file == path)
    }

    /// The addresses of the files whose names have a hash.
    pub(crate) fn built_files(&self) -> impl Iterator<Item = String> {
        let LeptosOptions { output_name, site_pkg_dir, .. } = &self.options;
        self.hashes
            .iter()
            .map(move |(ending, hash)| format!("/{site_pkg_dir}/{output_name}.{hash}.{ending}"))
    }

    /// The addresses of the files beside them, whose names stay: icons, the manifest.
    pub(crate) fn public_files(&self) -> Result<Vec<String>, Error> {
        let failed = |source| Error::Site { file: self.root.clone(), source };
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.root).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_compressed = [".br", ".gz"].iter().any(|ending| name.ends_with(ending));
            if entry.path().is_file() && !is_compressed {
                names.push(format!("/{name}"));
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}

/// Lines of `js: hash`, as cargo-leptos writes them.
fn read_hashes(file: &Path) -> Result<BTreeMap<String, String>, Error> {
    let text =
        fs::read_to_string(file).map_err(|source| Error::Site { file: file.to_owned(), source })?;
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    let pairs = pairs.map(|(ending, hash)| (ending.trim().to_owned(), hash.trim().to_owned()));
    Ok(pairs.filter(|(ending, _)| ["css", "js", "wasm"].contains(&ending.as_str())).collect())
}
