//! Whole replicas, kept in sync by the client that the apps use.

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use serde_json::json;
use settee_client::native::WebSocketConnector;
use settee_keys::Token;
use settee_store::{Change, DocumentId, Edit};
use tokio::time::timeout;

use crate::{
    device::Device,
    support::{SOON, TestServer},
};

impl Device {
    async fn new(address: SocketAddr, owner: &Token, token: &Token) -> Self {
        let connector = WebSocketConnector::new(format!("ws://{address}/sync"));
        Self::with(connector, owner, token).await
    }

    async fn edit(&self, id: &str, body: serde_json::Value) {
        let known = self.database.get(&DocumentId::new(id).unwrap()).await.unwrap().unwrap();
        self.put(id, body, known.leaves).await;
    }

    async fn delete(&self, id: &str) {
        let id = DocumentId::new(id).unwrap();
        let seen = self.database.get(&id).await.unwrap().unwrap().leaves;
        let edit = Edit { id, seen, change: Change::Delete };
        self.database.write(vec![edit]).await.unwrap()[0].as_ref().unwrap();
    }

    /// What is not deleted.
    async fn live(&self) -> Vec<(String, String, bool)> {
        let mut documents = self.documents().await;
        documents.retain(|(_, body, _)| body != "{}");
        documents
    }

    /// Every document, with whether it waits for the server.
    async fn documents(&self) -> Vec<(String, String, bool)> {
        let mut documents: Vec<_> = self
            .database
            .changes(0, 10_000)
            .await
            .unwrap()
            .iter()
            .filter_map(|record| record.document())
            .map(|d| (d.id.to_string(), d.body.as_str().to_owned(), d.pending))
            .collect();
        documents.sort_unstable();
        documents
    }
}

/// Waits until both devices have the same of this many documents, all acknowledged.
async fn agree(one: &Device, other: &Device, count: usize) {
    let agreement = async {
        loop {
            let documents = one.documents().await;
            let is_settled = documents.iter().all(|(_, _, pending)| !pending);
            if documents.len() == count && is_settled && documents == other.documents().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if timeout(SOON, agreement).await.is_err() {
        let status = one.client.status().borrow().clone();
        panic!("{status:?}\n{:?}\n{:?}", one.documents().await, other.documents().await);
    }
}

#[tokio::test]
async fn devices_agree_through_a_restart() {
    let server = TestServer::start().await;
    let address = server.address;
    let token = Token::generate();
    let anna = Device::new(address, &token, &token).await;
    let ben = Device::new(address, &token, &token.editor(0)).await;
    for n in 0..100 {
        anna.add(&format!("anna {n}")).await;
        ben.add(&format!("ben {n}")).await;
    }
    agree(&anna, &ben, 200).await;

    let folder = server.stop().await;
    anna.add("without a server").await;
    ben.add("just as alone").await;
    let _server = TestServer::again(folder, address).await;
    agree(&anna, &ben, 202).await;

    // Edits of different fields at the same time are merged.
    let id = DocumentId::new("note/anna 0").unwrap();
    let seen = anna.database.get(&id).await.unwrap().unwrap().leaves;
    tokio::join!(
        anna.put("note/anna 0", json!({"title": "tea", "completed": false}), seen.clone()),
        ben.put("note/anna 0", json!({"title": "anna 0", "completed": true}), seen),
    );
    let merged = async {
        loop {
            let body = ben.database.get(&id).await.unwrap().unwrap().body;
            if body.as_str() == r#"{"completed":true,"title":"tea"}"# {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, merged).await.unwrap();
    agree(&anna, &ben, 202).await;
}

/// Copies what the server keeps, as somebody does who makes backups by hand.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[tokio::test]
async fn what_a_server_has_lost_comes_back_and_nothing_else_is_sent() {
    let server = TestServer::start().await;
    let address = server.address;
    let token = Token::generate();
    let anna = Device::new(address, &token, &token).await;
    let ben = Device::new(address, &token, &token.editor(0)).await;
    for n in 0..300 {
        anna.add(&n.to_string()).await;
    }
    agree(&anna, &ben, 300).await;
    let folder = server.stop().await;
    let backup = tempfile::tempdir().unwrap();
    copy(&folder.path().join("data"), &backup.path().join("data"));

    let server = TestServer::again(folder, address).await;
    anna.add("since").await;
    anna.delete("note/1").await;
    ben.delete("note/2").await;
    ben.edit("note/3", json!({"title": "changed", "completed": true})).await;
    agree(&anna, &ben, 301).await;
    let expected = anna.documents().await;
    // Nobody tells the server that it isn't what it was.
    drop(server.stop().await);
    anna.database.compact().await.unwrap();
    let before = anna.database.seq();
    let _server = TestServer::again(backup, address).await;
    anna.add("when it was back").await;
    agree(&anna, &ben, 302).await;
    let kept = anna.documents().await.into_iter().filter(|d| d.0 != "note/when it was back");
    assert_eq!(kept.collect::<Vec<_>>(), expected);
    let late = Device::new(address, &token, &token).await;
    let live = anna.live().await;
    let agreed = async {
        while late.live().await != live {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, agreed).await.unwrap();
    let touched = anna.database.changes(before, 10_000).await.unwrap();
    let mut touched: Vec<&str> = touched.iter().map(|record| record.id.as_str()).collect();
    touched.sort_unstable();
    assert!(touched.len() < 40, "only what differs is marked and sent: {touched:?}");
}

#[tokio::test]
async fn a_refused_edit_is_shown_and_holds_up_nothing() {
    let server = TestServer::start().await;
    let token = Token::generate();
    let anna = Device::new(server.address, &token, &token).await;
    let ben = Device::new(server.address, &token, &token.editor(0)).await;
    anna.put("note/odd", json!({"title": 7}), Vec::new()).await;
    anna.add("fine").await;
    agree(&ben, &ben, 1).await;
    let refused = async {
        while anna.database.counts().await.unwrap().refused == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, refused).await.unwrap();
    assert_eq!(anna.database.counts().await.unwrap().pending, 0);
}
