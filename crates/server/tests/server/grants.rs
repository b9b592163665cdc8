//! A policy that changes its mind: whoever has lost access gets nothing more.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use settee_axum::{Access, Asked, Denial, DenialCode, KeysPolicy, Policy, Role};
use settee_keys::Token;
use settee_store::{backend::BoxFuture, replication::ReplicatedDocument};
use settee_sync::message::Message;
use tokio::{sync::watch, time::timeout};

use crate::support::{Client, TestServer, note};

/// A policy by tokens, which somebody can overrule for single credentials.
pub struct Overruled {
    pub policy: KeysPolicy,
    pub rulings: Arc<Rulings>,
}

pub struct Rulings {
    by_credentials: Mutex<HashMap<Vec<u8>, Option<Role>>>,
    changes: watch::Sender<u64>,
}

impl Rulings {
    pub fn new() -> Arc<Self> {
        let changes = watch::channel(0).0;
        Arc::new(Self { by_credentials: Mutex::default(), changes })
    }

    /// From now on these credentials are for this role, or for none.
    pub fn rule(&self, token: &Token, role: Option<Role>) {
        self.by_credentials.lock().unwrap().insert(token.as_bytes().to_vec(), role);
        self.changes.send_modify(|count| *count += 1);
    }
}

impl Policy for Overruled {
    fn authorize(&self, asked: Asked) -> BoxFuture<'_, Result<Access, Denial>> {
        Box::pin(async move {
            // Taken before the decision, so that no change after it is missed.
            let mut changes = self.rulings.changes.subscribe();
            changes.borrow_and_update();
            let until = async move { drop(changes.changed().await) };
            let rulings = &self.rulings.by_credentials;
            let ruling = rulings.lock().unwrap().get(&asked.credentials).copied();
            match ruling {
                Some(Some(role)) => Ok(Access::until(role, until)),
                Some(None) => Err(Denial::new(DenialCode::Denied, "not any more")),
                None => {
                    let access = self.policy.authorize(asked).await?;
                    Ok(Access { until: Box::pin(until), ..access })
                }
            }
        })
    }

    fn check(&self, document: &ReplicatedDocument) -> Result<(), String> {
        self.policy.check(document)
    }
}

async fn server() -> (TestServer, Arc<Rulings>) {
    let rulings = Rulings::new();
    let policy = Overruled { policy: KeysPolicy::new("notes"), rulings: rulings.clone() };
    (TestServer::with_policy(policy).await, rulings)
}

#[tokio::test]
async fn who_is_revoked_is_told_within_a_second_and_gets_nothing_more() {
    let (server, rulings) = server().await;
    let owner = Token::generate();
    let guest = owner.editor(0);
    let (mut anna, _) = Client::opened(server.address, &owner, &owner, None).await;
    let (mut bert, _) = Client::opened(server.address, &owner, &guest, None).await;
    anna.push(1, 0, vec![note("before")]).await;
    anna.acknowledged().await;
    assert_eq!(bert.changes().await, [note("before")]);

    rulings.rule(&guest, None);
    let told = timeout(Duration::from_secs(1), bert.receive()).await.expect("he is told at once");
    let Message::Closed(closed) = told else { panic!("not closed: {told:?}") };
    assert_eq!((closed.channel, closed.code), (1, DenialCode::Revoked));

    anna.push(1, 1, vec![note("after")]).await;
    anna.acknowledged().await;
    bert.hears_nothing().await;
    // What he sends is ignored, and his connection isn't to blame.
    bert.push(1, 0, vec![note("too late")]).await;
    bert.hears_nothing().await;
    bert.ask(2, owner.database_id().as_str(), guest.as_bytes(), None).await;
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
        bert.ask(channel, owner.database_id().as_str(), guest.as_bytes(), None).await;
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
    anna.push(1, 0, vec![note("still here")]).await;
    assert_eq!(anna.acknowledged().await.refused, []);
}
