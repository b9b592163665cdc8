//! A policy that changes its mind: whoever has lost access gets nothing more.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use settee_store::backend::BoxFuture;
use settee_sync::{Access, Authorize, Denial, DenialCode, Role, message::Message};
use settee_todo::Token;
use tokio::{sync::watch, time::timeout};

use crate::support::{Client, TestServer, todo};

/// The todo app's policy, which somebody can overrule for single credentials.
struct Overruled {
    policy: Arc<dyn Authorize>,
    rulings: Arc<Rulings>,
}

struct Rulings {
    by_credentials: Mutex<HashMap<Vec<u8>, Option<Role>>>,
    changes: watch::Sender<u64>,
}

impl Rulings {
    fn new() -> Arc<Self> {
        let changes = watch::channel(0).0;
        Arc::new(Self { by_credentials: Mutex::default(), changes })
    }

    /// From now on these credentials are for this role, or for none.
    fn rule(&self, token: &Token, role: Option<Role>) {
        self.by_credentials.lock().unwrap().insert(token.as_bytes().to_vec(), role);
        self.changes.send_modify(|count| *count += 1);
    }
}

impl Authorize for Overruled {
    fn authorize(
        &self,
        database: String,
        credentials: Vec<u8>,
    ) -> BoxFuture<'_, Result<Access, Denial>> {
        Box::pin(async move {
            // Taken before the decision, so that no change after it is missed.
            let mut changes = self.rulings.changes.subscribe();
            changes.borrow_and_update();
            let ruling = self.rulings.by_credentials.lock().unwrap().get(&credentials).copied();
            let role = match ruling {
                Some(Some(role)) => role,
                Some(None) => return Err(Denial::new(DenialCode::Denied, "not any more")),
                None => self.policy.authorize(database, credentials).await?.role,
            };
            let until = Box::pin(async move { drop(changes.changed().await) });
            Ok(Access { role, until })
        })
    }
}

async fn server() -> (TestServer, Arc<Rulings>) {
    let rulings = Rulings::new();
    let given = rulings.clone();
    let server =
        TestServer::with_policy(move |policy| Arc::new(Overruled { policy, rulings: given })).await;
    (server, rulings)
}

#[tokio::test]
async fn who_is_revoked_is_told_within_a_second_and_gets_nothing_more() {
    let (server, rulings) = server().await;
    let owner = Token::generate();
    let guest = owner.editor(0);
    let (mut anna, _) = Client::opened(server.address, &owner, &owner, None).await;
    let (mut bert, _) = Client::opened(server.address, &owner, &guest, None).await;
    anna.push(1, 0, vec![todo("before")]).await;
    anna.acknowledged().await;
    assert_eq!(bert.changes().await, [todo("before")]);

    rulings.rule(&guest, None);
    let told = timeout(Duration::from_secs(1), bert.receive()).await.expect("he is told at once");
    let Message::Closed(closed) = told else { panic!("not closed: {told:?}") };
    assert_eq!((closed.channel, closed.code), (1, DenialCode::Revoked));

    anna.push(1, 1, vec![todo("after")]).await;
    anna.acknowledged().await;
    bert.hears_nothing().await;
    // What he sends is ignored, and his connection isn't to blame.
    bert.push(1, 0, vec![todo("too late")]).await;
    bert.hears_nothing().await;
    bert.ask(2, owner.list_id().as_str(), guest.as_bytes(), None).await;
    let Message::Closed(closed) = bert.receive().await else { panic!("not closed") };
    assert_eq!((closed.channel, closed.code), (2, DenialCode::Denied));
}

#[tokio::test]
async fn who_may_do_something_else_now_opens_the_channel_anew() {
    let (server, rulings) = server().await;
    let owner = Token::generate();
    let guest = owner.editor(0);
    let (_anna, _) = Client::opened(server.address, &owner, &owner, None).await;
    let (mut bert, opened) = Client::opened(server.address, &owner, &guest, None).await;
    assert_eq!(opened.role, Role::Editor);
    for (channel, role) in [(2, Role::Viewer), (3, Role::Editor)] {
        rulings.rule(&guest, Some(role));
        let Message::Closed(closed) = bert.receive().await else { panic!("not closed") };
        assert_eq!((closed.channel, closed.code), (channel - 1, DenialCode::Downgraded));
        bert.ask(channel, owner.list_id().as_str(), guest.as_bytes(), None).await;
        let Message::Opened(opened) = bert.receive().await else { panic!("not opened") };
        assert_eq!((opened.channel, opened.role), (channel, role));
    }
}

#[tokio::test]
async fn a_change_that_is_about_others_closes_nothing() {
    let (server, rulings) = server().await;
    let owner = Token::generate();
    let (mut anna, _) = Client::opened(server.address, &owner, &owner, None).await;
    rulings.rule(&Token::generate(), None);
    rulings.rule(&Token::generate(), None);
    anna.push(1, 0, vec![todo("still here")]).await;
    assert_eq!(anna.acknowledged().await.refused, []);
}
