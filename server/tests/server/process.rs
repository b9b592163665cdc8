//! The binary, as it is started, asked to stop, and killed.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use settee_store::DocumentId;
use settee_sync::message::{GoodbyeCode, Message};
use settee_todo::Token;
use tokio::time::timeout;

use crate::support::{Client, SOON, get, todo};

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

#[tokio::test]
async fn asked_to_stop_it_says_goodbye_and_exits_well() {
    let data = tempfile::tempdir().unwrap();
    for signal in ["TERM", "INT"] {
        let mut server = Process::start(data.path());
        assert_eq!(get(server.address, "/health", &[]).await.status(), 200);
        let token = Token::generate();
        let (mut client, _) = Client::opened(server.address, &token, &token, None).await;
        server.signal(signal);
        assert_eq!(client.ended().await, Some(GoodbyeCode::Stopping.close_code()));
        assert_eq!(server.ended().await.code(), Some(0), "{signal}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let data = tempfile::tempdir().unwrap();
    let token = Token::generate();
    let mut acknowledged: HashSet<DocumentId> = HashSet::new();
    for life in 0..4 {
        let mut server = Process::start(data.path());
        let (mut client, _) = Client::opened(server.address, &token, &token, None).await;
        let mut documents: HashSet<DocumentId> = HashSet::new();
        while !acknowledged.is_subset(&documents) {
            documents.extend(client.changes().await.into_iter().map(|document| document.id));
        }
        // Killed with some acknowledged and the rest under way.
        let batches: Vec<Vec<_>> = (0..40)
            .map(|batch| (0..20).map(|n| todo(&format!("{life} {batch} {n}"))).collect())
            .collect();
        for (number, batch) in (0..).zip(&batches) {
            client.push(1, number, batch.clone()).await;
        }
        let mut wanted = 5 * life + 1;
        while wanted > 0 {
            if let Message::Acknowledge(landed) = client.receive().await {
                assert_eq!(landed.refused, []);
                let batch = &batches[landed.batch as usize];
                acknowledged.extend(batch.iter().map(|document| document.id.clone()));
                wanted -= 1;
            }
        }
        server.signal("KILL");
        server.ended().await;
    }
    assert!(acknowledged.len() >= 20 * (1 + 6 + 11 + 16), "{}", acknowledged.len());
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
