//! A policy, a validator or a storage that panics or hangs: its channel is told, the others go on.

use std::sync::Arc;

use settee_axum::Validator;
use settee_axum::{
    Access, AnyDocument, Asked, Denial, DenialCode, Kit, NewDatabase, Role, Verdicts,
};
use settee_store::{
    Backend, BackendError, Commit, Counts, DocumentId, Hosted, MemoryStorage, Operation, Record,
    Storage, Unreadable,
    backend::{BoxFuture, Incarnation, Run},
    replication::ReplicatedDocument,
};
use settee_sync::message::{Closed, Message, WireDocument};
use tokio::sync::watch;

use crate::support::{Client, TestServer, note};

/// Everybody may do everything with databases whose kind is the beginning of their name.
async fn by_name(asked: Asked) -> Result<Access, Denial> {
    let kind = asked.database.split('/').next().unwrap_or_default().to_owned();
    match kind.as_str() {
        "panics" => panic!("the policy panics on purpose"),
        "hangs" => std::future::pending().await,
        "denied" => Err(Denial::new(DenialCode::Denied, "not this one")),
        "absent" => Ok(Access::lasting(Role::Editor)),
        _ => Ok(Access::lasting(Role::Editor).creating(NewDatabase::of_kind(kind))),
    }
}

async fn server(storage: impl Storage + 'static) -> TestServer {
    let kit = Kit::builder(storage)
        .policy(by_name)
        .kind("plain", AnyDocument)
        .kind("panicking", |_: &ReplicatedDocument| -> Result<(), String> {
            panic!("the validator panics on purpose")
        })
        .kind("hanging", Misbehaving(|_| Box::pin(std::future::pending())))
        .kind("forgetful", Misbehaving(|_| Box::pin(std::future::ready(Vec::new()))))
        .build();
    TestServer::of(tempfile::tempdir().unwrap(), kit).await
}

struct Misbehaving(fn(&[ReplicatedDocument]) -> BoxFuture<'_, Verdicts>);

impl Validator for Misbehaving {
    fn validate<'a>(
        &'a self,
        _role: Role,
        documents: &'a [ReplicatedDocument],
    ) -> BoxFuture<'a, Verdicts> {
        (self.0)(documents)
    }
}

async fn open(client: &mut Client, channel: u32, name: &str) {
    client.ask(channel, name, b"", None).await;
    let Message::Opened(opened) = client.receive().await else { panic!("not opened") };
    assert_eq!(opened.channel, channel);
}

async fn closed(client: &mut Client) -> (u32, DenialCode) {
    loop {
        match client.receive().await {
            Message::Closed(Closed { channel, code, .. }) => return (channel, code),
            Message::Changes(changes) => client.land(&changes).await,
            other => panic!("not closed: {other:?}"),
        }
    }
}

/// A live edit on channel 1.
async fn write(client: &mut Client, batch: u32, documents: Vec<WireDocument>) {
    client.push(1, batch, documents).await;
    let acknowledged = client.acknowledged().await;
    assert_eq!((acknowledged.channel, acknowledged.refused.len()), (1, 0));
}

#[tokio::test]
async fn a_policy_that_panics_hangs_or_denies_concerns_its_own_channel() {
    let server = server(MemoryStorage::new([1; 16])).await;
    let mut client = Client::greeted(server.address).await;
    open(&mut client, 1, "plain/1").await;
    client.ask(2, "hangs", b"", None).await;
    let expected = [
        ("panics", DenialCode::Unavailable),
        ("denied", DenialCode::Denied),
        ("absent", DenialCode::Unknown),
        ("a kind without a validator", DenialCode::Unavailable),
    ];
    for ((name, code), channel) in expected.into_iter().zip(3..) {
        client.ask(channel, name, b"", None).await;
        assert_eq!(closed(&mut client).await, (channel, code), "{name}");
        write(&mut client, channel - 3, vec![note(name)]).await;
    }
    assert_eq!(closed(&mut client).await, (2, DenialCode::Unavailable));
    write(&mut client, 4, vec![note("last")]).await;
}

#[tokio::test]
async fn a_validator_that_panics_hangs_or_miscounts_concerns_its_own_channel() {
    let server = server(MemoryStorage::new([1; 16])).await;
    let mut client = Client::greeted(server.address).await;
    open(&mut client, 1, "plain/1").await;
    open(&mut client, 2, "hanging/1").await;
    client.push(2, 0, vec![note("lost")]).await;
    for (channel, kind) in [(3, "panicking"), (4, "forgetful")] {
        open(&mut client, channel, kind).await;
        client.push(channel, 0, vec![note("lost")]).await;
        assert_eq!(closed(&mut client).await, (channel, DenialCode::Unavailable), "{kind}");
        write(&mut client, channel - 3, vec![note(kind)]).await;
    }
    assert_eq!(closed(&mut client).await, (2, DenialCode::Unavailable));
    write(&mut client, 2, vec![note("last")]).await;
}

#[tokio::test]
async fn a_store_that_hangs_holds_up_its_own_channel_alone() {
    let server = server(Hanging(MemoryStorage::new([1; 16]))).await;
    let mut client = Client::greeted(server.address).await;
    open(&mut client, 1, "plain/1").await;
    open(&mut client, 2, "plain/hangs").await;
    // More batches than a connection's jobs that may wait.
    for batch in 0..40 {
        client.push(2, batch, vec![note(&format!("{batch}"))]).await;
    }
    // These are acknowledged while the other channel is still open, or this would panic.
    write(&mut client, 0, vec![note("first")]).await;
    write(&mut client, 1, vec![note("second")]).await;
    assert_eq!(closed(&mut client).await, (2, DenialCode::Unavailable));
    write(&mut client, 2, vec![note("last")]).await;
}

#[tokio::test]
async fn channels_of_a_deleted_database_are_closed() {
    let kit = Kit::builder(MemoryStorage::new([1; 16]))
        .policy(by_name)
        .kind("plain", AnyDocument)
        .build();
    let databases = kit.databases();
    let server = TestServer::of(tempfile::tempdir().unwrap(), kit).await;
    let mut client = Client::greeted(server.address).await;
    open(&mut client, 1, "plain/1").await;
    open(&mut client, 2, "plain/2").await;
    assert_eq!(databases.names(None, 10).await.unwrap(), ["plain/1", "plain/2"]);
    assert!(databases.delete("plain/2").await.unwrap());
    assert_eq!(closed(&mut client).await, (2, DenialCode::Unavailable));
    write(&mut client, 0, vec![note("still here")]).await;
    // It can be made anew, as a database that has nothing to do with the other one.
    open(&mut client, 3, "plain/2").await;
}

/// Databases in memory; the commits of those that are called so never end.
struct Hanging(MemoryStorage);

struct HangingDatabase {
    inner: Arc<dyn Hosted>,
    hangs: bool,
}

impl Hanging {
    fn wrap(name: &str, inner: Arc<dyn Hosted>) -> Arc<dyn Hosted> {
        Arc::new(HangingDatabase { inner, hangs: name.ends_with("hangs") })
    }
}

impl Storage for Hanging {
    fn find(&self, name: String) -> BoxFuture<'_, Result<Option<Arc<dyn Hosted>>, BackendError>> {
        Box::pin(async move {
            let found = self.0.find(name.clone()).await?;
            Ok(found.map(|inner| Self::wrap(&name, inner)))
        })
    }

    fn create(
        &self,
        name: String,
        incarnation: Incarnation,
        meta: Vec<u8>,
    ) -> BoxFuture<'_, Result<Arc<dyn Hosted>, BackendError>> {
        Box::pin(async move {
            let inner = self.0.create(name.clone(), incarnation, meta).await?;
            Ok(Self::wrap(&name, inner))
        })
    }

    fn names(
        &self,
        after: Option<String>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<String>, BackendError>> {
        self.0.names(after, limit)
    }

    fn delete(&self, name: String) -> BoxFuture<'_, Result<bool, BackendError>> {
        self.0.delete(name)
    }

    fn meta(&self, name: String) -> BoxFuture<'_, Result<Option<Vec<u8>>, BackendError>> {
        self.0.meta(name)
    }

    fn set_meta(&self, name: String, meta: Vec<u8>) -> BoxFuture<'_, Result<bool, BackendError>> {
        self.0.set_meta(name, meta)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.0.close()
    }

    fn check(&self) -> BoxFuture<'_, Result<(), BackendError>> {
        self.0.check()
    }
}

impl Hosted for HangingDatabase {
    fn run(&self) -> Run {
        self.inner.run()
    }

    fn knows(
        &self,
        incarnation: Incarnation,
        run: Run,
        seq: u64,
    ) -> BoxFuture<'_, Result<bool, BackendError>> {
        self.inner.knows(incarnation, run, seq)
    }
}

impl Backend for HangingDatabase {
    fn commit(&self, operations: Vec<Operation>) -> BoxFuture<'_, Result<Commit, BackendError>> {
        if self.hangs { Box::pin(std::future::pending()) } else { self.inner.commit(operations) }
    }

    fn read(
        &self,
        ids: Vec<DocumentId>,
    ) -> BoxFuture<'_, Result<Vec<Option<Arc<Record>>>, BackendError>> {
        self.inner.read(ids)
    }

    fn changes(
        &self,
        since: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        self.inner.changes(since, limit)
    }

    fn pending(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Arc<Record>>, BackendError>> {
        self.inner.pending(limit)
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts, BackendError>> {
        self.inner.counts()
    }

    fn local(&self, key: String) -> BoxFuture<'_, Result<Option<Vec<u8>>, BackendError>> {
        self.inner.local(key)
    }

    fn unreadable(&self) -> BoxFuture<'_, Result<Vec<Unreadable>, BackendError>> {
        self.inner.unreadable()
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.inner.watch()
    }

    fn incarnation(&self) -> Incarnation {
        self.inner.incarnation()
    }
}
