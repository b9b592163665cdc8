//! One of the clients, with a database that it keeps in memory.

use settee_client::{
    ChannelStatus, Client, ConnectionStatus, Replica, ReplicaStatus, Status, client::Opening,
    native::WebSocketConnector,
};
use settee_store::{Database, Memory};
use settee_sync::Limits;
use settee_todo::token::random;

use super::{Result, invitation::Invitation, todos::todo};

/// How many documents are read at once.
const PAGE: usize = 10_000;

/// The connection ends with this value.
pub struct Member {
    pub database: Database,
    client: Client,
    replica: Replica,
}

impl Member {
    pub async fn join(url: &str, invitation: &Invitation) -> Result<Self> {
        let connector = WebSocketConnector::new(url);
        let chance = u64::from_ne_bytes(random());
        let (client, run) = Client::new(connector, Limits::default(), "settee-crowd", chance);
        tokio::spawn(run);
        let database = Database::new(Memory::new(random()));
        let opening = Opening {
            database: database.clone(),
            name: invitation.list.to_string(),
            credentials: invitation.token.as_bytes().to_vec(),
            is_lazy: false,
        };
        let replica = client.open(opening).await?;
        Ok(Self { database, client, replica })
    }

    /// Waits until the list is open. Fails if it never will be.
    pub async fn opened(&self) -> Result<()> {
        let is_decided = |status: &Status| match self.channel(status) {
            Some(ChannelStatus::Open) => true,
            Some(ChannelStatus::Denied(denial)) => !denial.code.is_passing(),
            _ => false,
        };
        let mut status = self.client.status();
        let decided = status.wait_for(is_decided).await?;
        match self.channel(&decided) {
            Some(ChannelStatus::Denied(denial)) => Err(denial.message.clone().into()),
            _ => Ok(()),
        }
    }

    /// Has it look for the server at once: the weather is better.
    pub fn wake(&self) {
        self.client.wake();
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
        let receiver = self.client.status();
        let status = receiver.borrow();
        let replica = status.replicas.get(&self.replica);
        status.connection == ConnectionStatus::Online
            && replica.is_some_and(ReplicaStatus::is_up_to_date)
    }

    fn channel<'a>(&self, status: &'a Status) -> Option<&'a ChannelStatus> {
        status.replicas.get(&self.replica).map(|replica| &replica.channel)
    }
}
