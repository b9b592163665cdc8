//! The binary, as it is started, asked to stop, and killed.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use serde_json::json;
use settee::{
    Remote,
    client::{ConnectionStatus, OfflineReason, native::WebSocketConnector},
    keys::Token,
    remote::RemoteDatabase,
    store::{Body, Change, DocumentId, Edit},
};
use tokio::time::timeout;

use crate::support::{SOON, get};

const ANY_PORT: &str = "127.0.0.1:0";

struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(data: &Path) -> Self {
        let mut child = command(data, ANY_PORT).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").expect(&line);
        Self { address: address.parse().unwrap(), child }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    async fn ended(&mut self) -> ExitStatus {
        let end = async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(SOON, end).await.expect("the server doesn't end")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(data: &Path, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_settee-server"));
    command.args(["--sync-only", "--listen", listen, "--data"]).arg(data).stderr(Stdio::null());
    command
}

/// The owner's list, on a connection of its own.
async fn list(server: &Process, owner: &Token) -> RemoteDatabase {
    let connector = WebSocketConnector::new(format!("ws://{}/sync", server.address));
    let id = owner.database_id();
    Remote::connect(connector).open(id.as_str(), owner.as_bytes()).await.unwrap()
}

async fn add(list: &RemoteDatabase, titles: impl Iterator<Item = String>) {
    let edits = titles.map(|title| Edit {
        id: DocumentId::new(&format!("todo/{title}")).unwrap(),
        seen: Vec::new(),
        change: Change::Put(
            Body::from_serialize(&json!({"title": title, "completed": false})).unwrap(),
        ),
    });
    for outcome in list.write(edits.collect()).await.unwrap() {
        outcome.unwrap();
    }
}

/// The documents of the list that don't wait for the server.
async fn acknowledged(list: &RemoteDatabase) -> HashSet<DocumentId> {
    let records = list.changes(0, usize::MAX).await.unwrap();
    let sent = records.iter().filter(|record| !record.tree.is_pending());
    sent.map(|record| record.id.clone()).collect()
}

#[tokio::test]
async fn asked_to_stop_it_says_goodbye_and_exits_well() {
    let data = tempfile::tempdir().unwrap();
    for signal in ["TERM", "INT"] {
        let mut server = Process::start(data.path());
        assert_eq!(get(server.address, "/health", &[]).await.status(), 200);
        let list = list(&server, &Token::generate()).await;
        list.opened().await.unwrap();
        let mut status = list.client().status();
        server.signal(signal);
        let is_told = |status: &settee::client::Status| {
            let reason = OfflineReason::ServerStopped;
            matches!(status.connection, ConnectionStatus::Offline { reason: told, .. } if told == reason)
        };
        timeout(SOON, status.wait_for(is_told)).await.expect("it says goodbye").unwrap();
        assert_eq!(server.ended().await.code(), Some(0), "{signal}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let data = tempfile::tempdir().unwrap();
    let owner = Token::generate();
    let mut known: HashSet<DocumentId> = HashSet::new();
    for life in 0..4 {
        let mut server = Process::start(data.path());
        let list = list(&server, &owner).await;
        timeout(SOON, list.up_to_date()).await.expect("it catches up").unwrap();
        let there = acknowledged(&list).await;
        assert!(known.is_subset(&there), "{} are lost", known.difference(&there).count());
        // Killed with some acknowledged and the rest under way.
        let mut news = list.watch();
        let before = there.len();
        for batch in 0..40 {
            add(&list, (0..20).map(|n| format!("{life} {batch} {n}"))).await;
        }
        let wanted = before + 20 * (5 * life + 1);
        while acknowledged(&list).await.len() < wanted {
            timeout(SOON, news.changed()).await.expect("more is acknowledged").unwrap();
        }
        known = acknowledged(&list).await;
        server.signal("KILL");
        server.ended().await;
    }
    assert!(known.len() >= 20 * (1 + 6 + 11 + 16), "{}", known.len());
}

#[test]
fn what_it_cannot_do_it_says() {
    let says = |data: &Path, listen: &str| {
        let output = command(data, listen).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(says(&file, ANY_PORT).contains("can't use the folder"));

    let server = Process::start(data.path());
    assert!(says(data.path(), ANY_PORT).contains("another server uses the folder"));
    let other = tempfile::tempdir().unwrap();
    assert!(says(other.path(), &server.address.to_string()).contains("can't listen on"));
}

#[test]
fn help_is_complete() {
    let output = Command::new(env!("CARGO_BIN_EXE_settee-server")).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for flag in ["--listen", "--data", "--origin", "--connections", "--sync-only", "--log-format"] {
        assert!(help.contains(flag), "{flag}");
    }
}
