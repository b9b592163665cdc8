//! A whole replica, kept in sync by the client that the apps use.

use std::time::Duration;

use serde_json::json;
use settee::{
    Remote,
    client::{Client, socket::Connector},
    remote::RemoteDatabase,
};
use settee_keys::Token;
use settee_store::{Body, Change, DocumentId, Edit, Revision};
use settee_sync::Limits;

pub struct Device {
    pub database: RemoteDatabase,
    pub client: Client,
}

impl Device {
    pub async fn with(connector: impl Connector + 'static, owner: &Token, token: &Token) -> Self {
        let limits = Limits {
            backoff: (Duration::from_millis(20), Duration::from_millis(200)),
            ..Limits::default()
        };
        let remote = Remote::connect_within(limits, connector, "test");
        let id = owner.database_id();
        let database = remote.open(id.as_str(), token.as_bytes()).await.unwrap();
        Self { database, client: remote.client().clone() }
    }

    pub async fn put(&self, id: &str, body: serde_json::Value, seen: Vec<Revision>) {
        let change = Change::Put(Body::from_serialize(&body).unwrap());
        let edit = Edit { id: DocumentId::new(id).unwrap(), seen, change };
        self.database.write(vec![edit]).await.unwrap()[0].as_ref().unwrap();
    }

    pub async fn add(&self, name: &str) {
        self.put(&format!("note/{name}"), json!({"title": name, "completed": false}), Vec::new())
            .await;
    }
}
