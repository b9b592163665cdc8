//! The systems that ours is measured beside, as npm has them.

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

/// What is measured in the browser's page.
pub const BROWSER: &str = "browser";

/// One that syncs: the script in its folder measures it as we measure ours.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    pub name: &'static str,
    /// What it is, and what has become of a document that its server has acknowledged.
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
    /// One round: a new server, and clients in processes of their own.
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

/// Installs what a peer's lock file says, if that isn't what is there.
pub fn install(name: &str) -> Result<()> {
    let folder = folder(name);
    let lock = fs::read(folder.join("package-lock.json"))?;
    let stamp = folder.join("node_modules/.installed-from");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    eprintln!("» npm ci, in bench/peers/{name}");
    let status = Command::new("npm")
        .args(["ci", "--no-fund", "--no-audit"])
        .current_dir(&folder)
        .stdin(Stdio::null())
        // Standard output is the table's.
        .stdout(Stdio::null())
        .status()
        .map_err(|error| format!("npm: {error}"))?;
    if !status.success() {
        return Err(format!("npm ci in bench/peers/{name} failed ({status})").into());
    }
    Ok(fs::write(&stamp, lock)?)
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name)
}
