//! Where the built site is, and what it consists of.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
};

use leptos::config::{LeptosOptions, get_configuration};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::error::ShellError;

/// What browsers encode in a path. URL Standard: the path percent-encode set, and `%` itself.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// The endings of the files that cargo-leptos builds and names by their hash.
const BUILT: [&str; 3] = ["css", "js", "wasm"];
/// How the names of further files begin that it builds with `--split`: the script that loads the parts of
/// the program, a list of them for the server, and the parts.
const LOADER: &str = "__wasm_split.";
const SPLIT: [&str; 4] = [LOADER, "__wasm_split_manifest.", "split_", "chunk_"];

/// A site that cargo-leptos has built: a folder of files, and the hashes in their names.
#[derive(Debug, Clone)]
pub struct Site {
    options: LeptosOptions,
    root: PathBuf,
    /// The addresses of the built files, if their names have a hash.
    built: Vec<String>,
    /// cargo-leptos builds the site anew whenever something changes.
    pub(super) is_watched: bool,
}

impl Site {
    /// Finds the site where cargo-leptos says in the environment (`LEPTOS_SITE_ROOT` and others), or
    /// else in the folder `site` beside this program, with `hash.txt` beside it.
    ///
    /// `name` is the app's `output-name`; what cargo-leptos says in `LEPTOS_OUTPUT_NAME` comes first.
    pub fn find(name: &str) -> Result<Self, ShellError> {
        let program = env::current_exe().map_err(ShellError::Program)?;
        if env::var_os("LEPTOS_SITE_ROOT").is_none() {
            let root = program.with_file_name("site");
            return Self::at(&root, &program.with_file_name("hash.txt"), name);
        }
        let mut options = get_configuration(None)?.leptos_options;
        if options.output_name.is_empty() {
            options.output_name = name.into();
        }
        let hashes = program.with_file_name(&*options.hash_file);
        Self::with_options(options, &hashes)
    }

    /// The site in the folder `root`. `hashes` is the file in which cargo-leptos lists the hashes; it
    /// is missing in a build without them. `name` is the app's `output-name`.
    pub fn at(root: &Path, hashes: &Path, name: &str) -> Result<Self, ShellError> {
        let options =
            LeptosOptions::builder().output_name(name).site_root(root.to_string_lossy()).build();
        Self::with_options(options, hashes)
    }

    fn with_options(mut options: LeptosOptions, hash_file: &Path) -> Result<Self, ShellError> {
        let root = PathBuf::from(&*options.site_root);
        if !root.is_dir() {
            return Err(ShellError::NoSite { folder: root });
        }
        let hashes = if hash_file.is_file() { read_hashes(hash_file)? } else { BTreeMap::new() };
        // Leptos joins this with the program's folder, which a full path overrides. It panics if
        // hashes are expected and the file isn't there.
        options.hash_file = hash_file.to_string_lossy().into();
        options.hash_files = !hashes.is_empty();
        let stem = format!("{}{}", options.site_pkg_dir_route_base(), options.output_name);
        let whole = hashes.iter().filter(|(kind, _)| BUILT.contains(&kind.as_str()));
        let mut built: Vec<_> =
            whole.map(|(ending, hash)| format!("{stem}.{hash}.{ending}")).collect();
        if let Some(hash) = hashes.get("split") {
            let package = root.join(&*options.site_pkg_dir);
            let base = options.site_pkg_dir_route_base();
            let loader = format!("{LOADER}{hash}.js");
            let mut names = parts(&package.join(&loader))?;
            names.push(loader);
            built.extend(names.into_iter().map(|name| format!("{base}{name}")));
        }
        let is_watched = env::var_os("LEPTOS_WATCH").is_some();
        Ok(Self { options, root, built, is_watched })
    }

    /// What Leptos has to know of the site, for routes that the app renders itself.
    pub fn options(&self) -> &LeptosOptions {
        &self.options
    }

    /// The addresses of the files whose names have a hash. They never change.
    pub(super) fn built_files(&self) -> &[String] {
        &self.built
    }

    /// The address of the script that loads the parts of the program, if it is in parts.
    pub(super) fn part_loader(&self) -> Option<&str> {
        let start = format!("{}{LOADER}", self.package());
        self.built.iter().find(|address| address.starts_with(&start)).map(String::as_str)
    }

    /// The address that the built files' addresses begin with, such as `/pkg/`.
    pub(super) fn package(&self) -> String {
        self.options.site_pkg_dir_route_base()
    }

    /// Whether browsers keep the site for when the server is away. They keep no build that is being
    /// worked on, nor one whose names have no hashes.
    pub(super) fn is_kept(&self) -> bool {
        !self.is_watched && !self.built.is_empty()
    }

    /// The addresses of all that the build consists of: the built files, and icons, the manifest,
    /// fonts, and what the built files load. Folders behind symbolic links are left out.
    pub(super) fn files(&self) -> Result<Vec<String>, ShellError> {
        let mut files = self.built.clone();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            let failed = |source: io::Error| ShellError::Site { file: folder.clone(), source };
            for entry in fs::read_dir(&folder).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let path = entry.path();
                if entry.file_type().map_err(failed)?.is_dir() {
                    folders.push(path);
                } else if path.is_file() {
                    files.extend(self.public_address(&path));
                }
            }
        }
        files.sort_unstable();
        Ok(files)
    }

    /// None for a compressed copy, for a built file of this or an earlier build, and for the types
    /// of a script, which no browser loads.
    fn public_address(&self, path: &Path) -> Option<String> {
        let mut address = String::new();
        for part in path.strip_prefix(&self.root).ok()? {
            address.push('/');
            address.extend(utf8_percent_encode(&part.to_string_lossy(), PATH));
        }
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        let built = format!("{}{}.", self.package(), self.options.output_name);
        let is_built = BUILT.contains(&&*ending) && address.starts_with(&built);
        let name = address.strip_prefix(&self.package());
        let is_part = name.is_some_and(|name| SPLIT.iter().any(|start| name.starts_with(start)));
        let is_types = ending == "ts" && name.is_some();
        (!is_built && !is_part && !is_types && ending != "br" && ending != "gz").then_some(address)
    }
}

/// Reads lines of `js: hash`, as cargo-leptos writes them.
fn read_hashes(file: &Path) -> Result<BTreeMap<String, String>, ShellError> {
    let text = fs::read_to_string(file)
        .map_err(|source| ShellError::Site { file: file.to_owned(), source })?;
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    Ok(pairs.map(|(kind, hash)| (kind.trim().to_owned(), hash.trim().to_owned())).collect())
}

/// The names of the parts that this script loads, which are beside it.
fn parts(loader: &Path) -> Result<Vec<String>, ShellError> {
    let script = fs::read_to_string(loader)
        .map_err(|source| ShellError::Site { file: loader.to_owned(), source })?;
    let quoted = script.split('"').filter_map(|text| text.strip_prefix("./"));
    Ok(quoted
        .filter(|name| Path::new(name).extension() == Some("wasm".as_ref()))
        .map(str::to_owned)
        .collect())
}
