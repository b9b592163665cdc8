//! A whole replica, kept in sync by the client that the apps use.

use std::time::Duration;

use serde_json::json;
use settee_client::{Client, client::Opening, socket::Connector};
use settee_store::{Body, Change, Database, DocumentId, Edit, Memory, Revision};
use settee_sync::Limits;
use settee_keys::Token;
use tokio::task::JoinHandle;

pub struct Device {
    pub database: Database,
    pub client: Client,
    driver: JoinHandle<()>,
}

impl Drop for Device {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Device {
    pub async fn with(connector: impl Connector + 'static, owner: &Token, token: &Token) -> Self {
        let database = Database::new(Memory::new(settee_keys::random::random()));
        let limits = Limits {
            backoff: (Duration::from_millis(20), Duration::from_millis(200)),
            ..Limits::default()
        };
        let (client, driver) = Client::new(connector, limits, "test", 1);
        let driver = tokio::spawn(driver);
        let opening = Opening {
            database: database.clone(),
            name: owner.database_id().to_string(),
            credentials: token.as_bytes().to_vec(),
            is_lazy: false,
        };
        client.open(opening).await.unwrap();
        Self { database, client, driver }
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
