//! When those who were invited were last here, as an owner's device hears of it.

use std::{
    net::SocketAddr,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use serde_json::{Map, Value, json};
use settee::{
    Remote,
    client::native::WebSocketConnector,
    keys::{Invitation, Role, Token, access::invitation_id},
    remote::RemoteDatabase,
    server::{KeysPolicy, Kit},
    store::{Document, DocumentId, Sqlite},
};
use settee_todo::{
    access::AccessChange,
    clerk::ListClerk,
    document::KIND,
    seen::{SEEN, last_seen},
    validate::validate,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle, time::timeout};

use crate::support::SOON;

static TODAY: AtomicU64 = AtomicU64::new(20_000);

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start(data: &Path) -> Self {
        let kit = Kit::builder(Sqlite::open_folder(data).unwrap())
            .policy(KeysPolicy::new(KIND))
            .kind(KIND, validate)
            .clerk(KIND, ListClerk { today: || TODAY.load(Ordering::Relaxed) })
            .build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let app = kit.router();
        let task = tokio::spawn(kit.serve(listener, app, async {
            let _ = stopped.await;
        }));
        Self { address, stop, task }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        timeout(SOON, self.task).await.expect("it stops").unwrap().unwrap();
    }
}

/// A list, and two people who are invited to it.
struct Party {
    data: TempDir,
    owner: Token,
    invitations: [Invitation; 2],
}

impl Party {
    fn new() -> Self {
        let invitations = ["Anna", "Bert"].map(|name| Invitation::new(Role::Editor, name));
        Self { data: tempfile::tempdir().unwrap(), owner: Token::generate(), invitations }
    }

    async fn server(&self) -> Server {
        Server::start(self.data.path()).await
    }

    fn token(&self, person: usize) -> Token {
        self.owner.invitation(&self.invitations[person].seed)
    }

    fn id(&self, person: usize) -> DocumentId {
        invitation_id(&self.token(person))
    }

    /// The list of somebody on a connection of their own, once it has all that the server has.
    async fn comes(&self, server: &Server, token: &Token) -> RemoteDatabase {
        let connector = WebSocketConnector::new(format!("ws://{}/sync", server.address));
        let id = self.owner.database_id();
        let list = Remote::connect(connector).open(id.as_str(), token.as_bytes()).await.unwrap();
        timeout(SOON, list.up_to_date()).await.expect("it catches up").unwrap();
        list
    }

    /// Waits until this is all that is known of those who were invited. Returns how often it was written.
    async fn hears(&self, list: &RemoteDatabase, known: [Option<u64>; 2]) -> u32 {
        let is_known = |seen: &Document| {
            let seen: Map<String, Value> = seen.body.fields();
            [0, 1].map(|person| last_seen(&seen, &self.id(person))) == known
                && seen.len() == known.iter().flatten().count()
        };
        until(list, |seen| seen.filter(is_known).map(|seen| seen.winner.generation())).await
    }
}

/// Waits for something that the document says.
async fn until<T>(list: &RemoteDatabase, what: impl Fn(Option<Document>) -> Option<T>) -> T {
    let mut news = list.watch();
    let id = DocumentId::new(SEEN).unwrap();
    loop {
        news.borrow_and_update();
        if let Some(found) = what(list.get(&id).await.unwrap()) {
            return found;
        }
        timeout(SOON, news.changed()).await.expect("it comes").unwrap();
    }
}

#[tokio::test]
async fn an_owner_hears_on_which_day_those_who_were_invited_were_last_here() {
    let party = Party::new();
    let server = party.server().await;
    let owner = party.comes(&server, &party.owner).await;
    for person in [0, 1] {
        let invitation = &party.invitations[person];
        owner.put(party.id(person).as_str(), &invitation.fields()).await.unwrap();
    }
    timeout(SOON, owner.up_to_date()).await.unwrap().unwrap();
    let by_link = party.comes(&server, &party.owner.editor(0)).await;
    let anna = party.comes(&server, &party.token(0)).await;
    assert_eq!(party.hears(&owner, [Some(20_000), None]).await, 1);
    // She comes again, and with her somebody of whom it isn't known yet.
    drop((anna, by_link));
    let anna = party.comes(&server, &party.token(0)).await;
    let bert = party.comes(&server, &party.token(1)).await;
    assert_eq!(party.hears(&owner, [Some(20_000), Some(20_000)]).await, 2);

    // Nobody else says so, not even an owner.
    for list in [&owner, &anna] {
        list.put(SEEN, &json!({(party.id(1).as_str()): 1})).await.unwrap();
        let refused = until(list, |seen| seen?.refused).await;
        list.discard(&DocumentId::new(SEEN).unwrap(), refused.revision).await.unwrap();
        assert_eq!(party.hears(list, [Some(20_000), Some(20_000)]).await, 2);
    }
    drop((owner, anna, bert));
    server.stop().await;

    let server = party.server().await;
    let bert = party.comes(&server, &party.token(1)).await;
    let owner = party.comes(&server, &party.owner).await;
    AccessChange::Revoke(party.id(0)).write(&owner, &party.owner).await.unwrap();
    assert_eq!(party.hears(&owner, [None, Some(20_000)]).await, 3);
    drop((owner, bert));
    server.stop().await;

    TODAY.store(20_001, Ordering::Relaxed);
    let server = party.server().await;
    let bert = party.comes(&server, &party.token(1)).await;
    assert_eq!(party.hears(&bert, [None, Some(20_001)]).await, 4);
    drop(bert);
    server.stop().await;
}
