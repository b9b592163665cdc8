//! The walls between the crates: which one may depend on which, and where words of the todo app may
//! occur. `ARCHITECTURE.md` gives the reasons.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// What a crate may depend on, among our own crates.
enum May {
    Use(&'static [&'static str]),
    UseAllBut(&'static [&'static str]),
}

/// Dev-dependencies are free, except those of `xtask`.
const DEPENDENCIES: &[(&str, May)] = &[
    ("settee-store", May::Use(&[])),
    ("settee-shell", May::Use(&[])),
    ("settee-push", May::Use(&[])),
    ("settee-sync", May::Use(&["settee-store"])),
    // Only for the roles.
    ("settee-keys", May::Use(&["settee-store", "settee-sync"])),
    ("settee-leptos", May::Use(&["settee-store"])),
    ("settee-client", May::Use(&["settee-store", "settee-sync"])),
    ("settee-axum", May::Use(&["settee-keys", "settee-push", "settee-store", "settee-sync"])),
    (
        "settee",
        May::Use(&[
            "settee-axum",
            "settee-client",
            "settee-keys",
            "settee-leptos",
            "settee-store",
            "settee-sync",
        ]),
    ),
    ("settee-simulator", May::Use(&["settee-keys", "settee-store", "settee-sync"])),
    ("settee-fuzz", May::Use(&["settee-store", "settee-sync"])),
    ("settee-todo", May::Use(&["settee-keys", "settee-store"])),
    ("settee-app", May::Use(&["settee", "settee-todo"])),
    ("settee-frontend", May::Use(&["settee", "settee-app", "settee-shell", "settee-todo"])),
    (
        "settee-server",
        May::Use(&["settee", "settee-app", "settee-push", "settee-shell", "settee-todo"]),
    ),
    ("settee-bench", May::UseAllBut(&["settee-app", "settee-frontend"])),
    ("xtask", May::Use(&[])),
];

/// For all crates in these folders, whatever their names.
const EXAMPLES: [&str; 2] = ["examples", "template"];
const EXAMPLE: May = May::UseAllBut(&["settee-app", "settee-frontend"]);

/// The kit is for any app. Only stored bytes that tests compare may name a todo.
const KIT_WORDS: Words = Words {
    folder: "crates",
    except: &["crates/todo", "crates/sync/tests/golden.rs"],
    except_folders_named: &["corpus", "fixtures"],
    found: |line| line.to_lowercase().contains("todo").then_some("todo"),
};

/// The server kit serves databases, not the lists of an app.
const SERVER_KIT_WORDS: Words = Words {
    folder: "crates/server/src",
    except: &[],
    except_folders_named: &[],
    found: |line| {
        let lower = line.to_lowercase();
        let mut words = lower.split(|letter: char| !letter.is_alphanumeric());
        words.find_map(|word| ["list", "lists"].into_iter().find(|bad| *bad == word))
    },
};

/// How many lines of Rust and JavaScript the app needs on top of the kit.
/// Half of what the browser has is about its many lists: their order, their counts, what can be done with them.
const SIZES: &[(&str, usize)] = &[("server/src", 650), ("frontend/src", 1500)];

/// Words that must not occur in a folder.
struct Words {
    folder: &'static str,
    except: &'static [&'static str],
    except_folders_named: &'static [&'static str],
    /// The bad word of a line, if it has one.
    found: fn(&str) -> Option<&'static str>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Violation {
    /// Relative to the root.
    file: PathBuf,
    /// From 1, or 0 where the whole file or folder is meant.
    line: usize,
    problem: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// Everything in the tree below `root` that breaks a wall.
pub fn check(root: &Path) -> Result<Vec<Violation>> {
    let files = files(root)?;
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| file.ends_with("Cargo.toml")) {
        if let Some(text) = text(root, file)? {
            check_manifest(file, &text, &mut violations);
        }
    }
    for words in [KIT_WORDS, SERVER_KIT_WORDS] {
        for file in files.iter().filter(|file| words.covers(file)) {
            if let Some(text) = text(root, file)? {
                words.check(file, &text, &mut violations);
            }
        }
    }
    for (folder, limit) in SIZES {
        let mut lines = 0;
        for file in files.iter().filter(|file| file.starts_with(folder) && is_source(file)) {
            lines += text(root, file)?.map_or(0, |text| text.lines().count());
        }
        if lines > *limit {
            let problem = format!("{lines} lines of Rust and JavaScript; the limit is {limit}");
            violations.push(Violation { file: folder.into(), line: 0, problem });
        }
    }
    Ok(violations)
}

fn check_manifest(file: &Path, manifest: &str, violations: &mut Vec<Violation>) {
    let Some(package) = package_name(manifest) else { return };
    let mut add = |line, problem| {
        violations.push(Violation { file: file.to_owned(), line, problem });
    };
    let row = DEPENDENCIES.iter().find(|(name, _)| *name == package).map(|(_, may)| may);
    let is_example = EXAMPLES.iter().any(|folder| file.starts_with(folder));
    let Some(may) = row.or(is_example.then_some(&EXAMPLE)) else {
        let problem = "has no row in the table of dependencies in xtask/src/walls.rs";
        return add(1, format!("{package} {problem}"));
    };
    for dependency in our_dependencies(manifest) {
        let free = dependency.for_tests && package != "xtask";
        let Dependency { name, line, .. } = dependency;
        let allowed = match may {
            May::Use(names) => names.contains(&name),
            May::UseAllBut(names) => !names.contains(&name),
        };
        if !allowed && !free {
            add(line, format!("{package} must not depend on {name}"));
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Dependency<'a> {
    name: &'a str,
    line: usize,
    for_tests: bool,
}

fn package_name(manifest: &str) -> Option<&str> {
    let mut lines = manifest.lines().skip_while(|line| line.trim() != "[package]").skip(1);
    lines.find_map(|line| quoted(line.strip_prefix("name")?.trim_start().strip_prefix('=')?))
}

/// The dependencies of a manifest on our crates, with renamed ones by their real names.
fn our_dependencies(manifest: &str) -> Vec<Dependency<'_>> {
    let mut section = "";
    let mut found = Vec::new();
    for (index, line) in manifest.lines().enumerate() {
        let line = line.trim();
        let key = if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']');
            // A dependency may have a section of its own: `[dependencies.settee-store]`.
            section.rsplit_once("dependencies.").map(|(_, name)| name)
        } else if section.ends_with("dependencies") {
            line.split(['.', '=', ' ']).next()
        } else if section.contains("dependencies.") {
            None
        } else {
            continue;
        };
        let renamed = line
            .split_once("package")
            .and_then(|(_, rest)| quoted(rest.trim_start().strip_prefix('=')?));
        if let Some(name) =
            renamed.or(key.map(|key| key.trim_matches('"'))).filter(|name| is_ours(name))
        {
            let for_tests = section.contains("dev-dependencies");
            found.push(Dependency { name, line: index + 1, for_tests });
        }
    }
    found
}

fn is_ours(package: &str) -> bool {
    package == "settee" || package == "xtask" || package.starts_with("settee-")
}

/// The text between the first quotation marks.
fn quoted(text: &str) -> Option<&str> {
    text.trim_start().strip_prefix('"')?.split('"').next()
}

impl Words {
    fn covers(&self, file: &Path) -> bool {
        file.starts_with(self.folder)
            && !self.except.iter().any(|except| file.starts_with(except))
            && !file.iter().any(|part| self.except_folders_named.iter().any(|name| part == *name))
    }

    fn check(&self, file: &Path, text: &str, violations: &mut Vec<Violation>) {
        for (index, line) in text.lines().enumerate() {
            if let Some(word) = (self.found)(line) {
                let folder = self.folder;
                let problem = format!("nothing in {folder} may say \"{word}\": {}", line.trim());
                violations.push(Violation { file: file.to_owned(), line: index + 1, problem });
            }
        }
    }
}

fn is_source(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "rs" || extension == "js")
}

/// The text of a file, or nothing if it holds other bytes.
fn text(root: &Path, file: &Path) -> Result<Option<String>> {
    let path = root.join(file);
    let bytes = fs::read(&path).map_err(Error::file(&path))?;
    Ok(String::from_utf8(bytes).ok())
}

/// All files that people write, in order, relative to the root.
fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(Error::file(&folder))? {
            let entry = entry.map_err(Error::file(&folder))?;
            let (path, name) = (entry.path(), entry.file_name());
            let kind = entry.file_type().map_err(Error::file(&path))?;
            let generated = name == "target" || name == "node_modules";
            if kind.is_dir() && !generated && !name.to_string_lossy().starts_with('.') {
                folders.push(path);
            } else if kind.is_file() {
                found.extend(path.strip_prefix(root).map(Path::to_owned));
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests;
