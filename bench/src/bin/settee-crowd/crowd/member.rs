//! One of the clients, with a database that it keeps in memory.

use settee::{
    Remote,
    client::{ConnectionStatus, ReplicaStatus, native::WebSocketConnector},
    remote::RemoteDatabase,
    sync::Limits,
};

use super::{Result, invitation::Invitation, todos::todo};

/// How many documents are read at once.
const PAGE: usize = 10_000;

/// The connection ends with this value.
pub struct Member {
    pub database: RemoteDatabase,
}

impl Member {
    pub async fn join(url: &str, invitation: &Invitation) -> Result<Self> {
        let connector = WebSocketConnector::new(url);
        let remote = Remote::connect_within(Limits::default(), connector, "settee-crowd");
        let (list, token) = (&invitation.list, &invitation.token);
        Ok(Self { database: remote.open(list.as_str(), token.as_bytes()).await? })
    }

    /// Waits until the list is open. Fails if it never will be.
    pub async fn opened(&self) -> Result<()> {
        Ok(self.database.opened().await?)
    }

    /// Makes it look for the server at once: the weather is better.
    pub fn wake(&self) {
        self.database.client().wake();
    }

    /// Whether the server has all of what is here, and nothing that isn't, as far as both know.
    pub async fn is_at_rest(&self) -> Result<bool> {
        Ok(self.is_in_sync() && self.database.counts().await?.pending == 0)
    }

    /// The titles of all live todos in the list, sorted.
    pub async fn titles(&self) -> Result<Vec<String>> {
        let (mut titles, mut since) = (Vec::new(), 0);
        loop {
            let records = self.database.changes(since, PAGE).await?;
            let Some(last) = records.last() else { break };
            since = last.seq;
            let todos = records.iter().filter_map(|record| todo(record));
            titles.extend(todos.map(|todo| todo.title));
        }
        titles.sort_unstable();
        Ok(titles)
    }

    fn is_in_sync(&self) -> bool {
        let is_online =
            self.database.client().status().borrow().connection == ConnectionStatus::Online;
        is_online && self.database.status().as_ref().is_some_and(ReplicaStatus::is_up_to_date)
    }
}
