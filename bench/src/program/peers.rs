//! The systems to compare with, as npm packages.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    Result,
    figure::{self, Figure},
    server::data_folder,
};

/// The folder of packages that are measured in the browser.
pub const BROWSER: &str = "browser";
/// The folder of todo lists in other frameworks, which are built as pages.
pub const TODOMVC: &str = "todomvc";

/// A system that syncs. A script in its folder measures the same cases as for Settee.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    pub name: &'static str,
    /// What the system is, and how durable a document is that its server has acknowledged.
    pub note: &'static str,
}

pub const SYNCED: &[Peer] = &[
    Peer { name: "yjs", note: "Yjs 13.6 and Hocuspocus 3.4, in memory" },
    Peer {
        name: "pouchdb-http",
        note: "PouchDB 9 and express-pouchdb 4.2, in memory; bytes with the heads of HTTP",
    },
    Peer {
        name: "pouch-websocket-sync",
        note: "PouchDB 5.4 and pouch-websocket-sync 0.3, in memory",
    },
    Peer { name: "socket-pouch", note: "PouchDB 6.4 and socket-pouch 2.0, in memory" },
    Peer {
        name: "automerge",
        note: "Automerge 3.5 and automerge-repo 2.5, in files that are written after the fact",
    },
];

impl Peer {
    /// Measures one round, with a new server, and clients in separate processes.
    pub fn measure(self) -> Result<Vec<Figure>> {
        let data = data_folder()?;
        let output = Command::new("node")
            .arg(folder(self.name).join("peer.mjs"))
            .current_dir(data.path())
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("node: {error}"))?;
        if !output.status.success() {
            return Err(format!("its script failed ({})", output.status).into());
        }
        figure::parse(&String::from_utf8(output.stdout)?)
    }
}

/// Installs the packages of the lock file, unless they are installed.
pub fn install(name: &str) -> Result<()> {
    let folder = folder(name);
    let lock = fs::read(folder.join("package-lock.json"))?;
    let stamp = folder.join("node_modules/.installed-from");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    npm(&folder, &["ci", "--no-fund", "--no-audit"])?;
    Ok(fs::write(&stamp, lock)?)
}

/// Builds the pages of a folder whose packages are installed.
pub fn build(name: &str) -> Result<()> {
    npm(&folder(name), &["run", "build"])
}

fn npm(folder: &Path, arguments: &[&str]) -> Result<()> {
    let command = format!("npm {}, in {}", arguments.join(" "), folder.display());
    eprintln!("» {command}");
    let status = Command::new("npm")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        // Standard output is for the table.
        .stdout(Stdio::null())
        .status()
        .map_err(|error| format!("npm: {error}"))?;
    if !status.success() {
        return Err(format!("{command} failed ({status})").into());
    }
    Ok(())
}

/// The folder of a system's packages and scripts.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name)
}
