//! A policy, a validator or a storage that panics or hangs: its channel is told, the others go on.

use settee_axum::{
    Access, AnyDocument, Asked, Denial, DenialCode, Kit, NewDatabase, Role, Validator, Verdicts,
};
use settee_store::{
    MemoryStorage, Storage,
    backend::{BoxFuture, memory::Call},
    replication::ReplicatedDocument,
};
use settee_sync::message::{Closed, Message, WireDocument};

use crate::support::{Client, TestServer, get, note};

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
    let storage = MemoryStorage::new([1; 16]);
    let server = server(storage.clone()).await;
    let mut client = Client::greeted(server.address).await;
    open(&mut client, 1, "plain/1").await;
    open(&mut client, 2, "plain/2").await;
    storage.memory("plain/2").unwrap().hold_calls(|call| match call {
        Call::Commit => Box::pin(std::future::pending()),
        Call::Read | Call::Local => Box::pin(std::future::ready(())),
    });
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

#[tokio::test]
async fn a_storage_that_is_closed_is_not_ready() {
    let storage = MemoryStorage::new([1; 16]);
    let server = server(storage.clone()).await;
    assert_eq!(get(server.address, "/ready", &[]).await, 200);
    storage.close().await;
    assert_eq!(get(server.address, "/ready", &[]).await, 503);
    assert_eq!(get(server.address, "/health", &[]).await, 200);
}
