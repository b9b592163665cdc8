//! A device as one file.
#![cfg(all(feature = "native", feature = "server", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use settee::{
    BackupError, Config, Error, Kept, Restored, Settee,
    backup::{HEAD, is_backup},
    keys::{Role, Token, home},
    server::{Helping, KeysPolicy, Kit},
    store::{DocumentId, MemoryStorage, replication::ReplicatedDocument},
};
use support::Server;
use tokio::time::timeout;

/// Longer than anything here takes.
const SOON: Duration = Duration::from_mins(1);
const FIRST: &str = "first";
const HELPING: Helping = Helping { prefix: "note/", fields: &[], settles: &[], by_leave: false };
/// Where nobody answers.
const NOWHERE: &str = "ws://127.0.0.1:1/sync";

async fn server() -> Server {
    let polite = |document: &ReplicatedDocument| {
        let bodies = document.revisions.iter().filter_map(|it| it.body.as_ref());
        let is_rude = bodies.clone().any(|body| body.as_str().contains("rude"));
        if is_rude { Err("mind your words") } else { Ok(()) }
    };
    let kit = Kit::builder(MemoryStorage::new([1; 16]))
        .policy(KeysPolicy::new("notes").homes("home"))
        .kind("notes", polite)
        .helping("notes", HELPING)
        .kind("home", home::check)
        .build();
    Server::of(kit).await
}

async fn device(url: &str) -> Settee {
    let settee = Settee::start(Config::at(url)).await.unwrap();
    settee.keep(FIRST, Kept::of_owner(&Token::generate())).await.unwrap();
    settee
}

/// A device that keeps another database of its own. Returns its name.
async fn with_another(device: &Settee) -> String {
    let owner = Token::generate();
    let name = owner.database_id().to_string();
    device.keep(&name, Kept::of_owner(&owner)).await.unwrap();
    name
}

async fn first(device: &Settee) -> String {
    device.kept().await.unwrap()[FIRST].name.clone()
}

async fn write(device: &Settee, name: &str, id: &str, text: &str) {
    let database = device.database(name).await.unwrap();
    database.put(id, &json!({ "text": text })).await.unwrap();
}

async fn sent(device: &Settee, name: &str) {
    let database = device.database(name).await.unwrap();
    timeout(SOON, database.up_to_date()).await.expect("it is sent").unwrap();
}

async fn read(device: &Settee, name: &str, id: &str) -> Option<Value> {
    device.database(name).await.unwrap().find(id).await.unwrap()
}

async fn file(device: &Settee) -> Vec<u8> {
    let mut file = Vec::new();
    device.back_up(|part| file.extend_from_slice(part)).await.unwrap();
    file
}

/// What a database has: ids, leaves and bodies.
async fn contents(device: &Settee, name: &str) -> Vec<String> {
    let database = device.database(name).await.unwrap();
    let records = database.changes(0, usize::MAX).await.unwrap();
    let documents = records.iter().filter_map(|record| record.document());
    let mut all: Vec<String> =
        documents.map(|it| format!("{} {:?} {:?}", it.id, it.leaves, it.body)).collect();
    all.sort();
    all
}

#[tokio::test]
async fn all_is_there_again_once_and_the_server_has_it_too() {
    let server = server().await;
    let lost = device(&server.url()).await;
    let (first, other) = (first(&lost).await, with_another(&lost).await);
    write(&lost, &first, "a", "milk").await;
    sent(&lost, &first).await;
    write(&lost, &other, "b", "soap").await;
    let database = lost.database(&other).await.unwrap();
    database.remove(&DocumentId::new("b").unwrap()).await.unwrap();
    write(&lost, &other, "c", "tea").await;
    write(&lost, &other, "c", "green tea").await;
    lost.change(FIRST, |kept| kept.app.insert("name".into(), "House".into()).is_none())
        .await
        .unwrap();
    let home = lost.home().await.unwrap();
    let file = file(&lost).await;

    // Offline first.
    let found = device(NOWHERE).await;
    let restored = found.restore(&file).await.unwrap();
    assert!(is_backup(&file) && !is_backup(b"bread"));
    assert_eq!(restored, Restored { databases: 2, documents: 3, failed: 0 });
    let kept = found.kept().await.unwrap();
    assert_eq!((&kept[FIRST].name, &kept[FIRST].app["name"]), (&first, &json!("House")));
    assert!(kept.contains_key(&other) && kept.contains_key(&home.home_name()));
    assert_eq!(read(&found, &first, "a").await, Some(json!({ "text": "milk" })));
    assert_eq!(read(&found, &other, "b").await, None);
    assert_eq!(read(&found, &other, "c").await, Some(json!({ "text": "green tea" })));
    for name in [&first, &other] {
        assert_eq!(contents(&found, name).await, contents(&lost, name).await);
    }
    // Twice is once.
    let again = found.restore(&file).await.unwrap();
    assert_eq!(again, Restored::default());

    // A server that has nothing of all that gets it.
    let empty = self::server().await;
    let rescued = device(&empty.url()).await;
    rescued.restore(&file).await.unwrap();
    for name in [&first, &other] {
        sent(&rescued, name).await;
    }
    let witness = device(&empty.url()).await;
    witness.join_home(&home).await.unwrap();
    let mut kept = witness.watch_kept().await.unwrap();
    let both = |kept: &std::collections::BTreeMap<String, Kept>| {
        [&first, &other].iter().all(|name| kept.values().any(|it| it.name == **name))
    };
    timeout(SOON, kept.wait_for(both)).await.unwrap().unwrap();
    for name in [&first, &other] {
        sent(&witness, name).await;
        assert_eq!(
            read(&witness, name, "a").await.is_some(),
            name == &first,
            "each has its own documents"
        );
    }
    assert_eq!(read(&witness, &other, "c").await, Some(json!({ "text": "green tea" })));
}

#[tokio::test]
async fn what_was_never_sent_is_sent_from_there() {
    let server = server().await;
    let owner = device(&server.url()).await;
    let shared = with_another(&owner).await;
    write(&owner, &shared, "a", "milk").await;
    sent(&owner, &shared).await;
    let helper = {
        let kept = owner.kept().await.unwrap();
        kept[&shared].keys().unwrap().token_for(Role::Helper, 0).unwrap()
    };
    let lost = device(&server.url()).await;
    lost.join(&shared.parse().unwrap(), helper).await.unwrap();
    sent(&lost, &shared).await;
    let mut file = file(&lost).await;
    drop(lost);
    // Nobody hears of what it writes now.
    let offline = device(NOWHERE).await;
    offline.restore(&file).await.unwrap();
    let tag = offline.kept().await.unwrap()[&shared].keys().unwrap().tag().unwrap();
    let id = format!("note/{tag}.1");
    write(&offline, &shared, &id, "eggs").await;
    file = self::file(&offline).await;

    let found = device(&server.url()).await;
    found.restore(&file).await.unwrap();
    sent(&found, &shared).await;
    let news = owner.database(&shared).await.unwrap();
    let mut seq = news.watch();
    while news.find::<Value>(&id).await.unwrap().is_none() {
        timeout(SOON, seq.changed()).await.expect("the owner gets it").unwrap();
    }
}

#[tokio::test]
async fn what_was_refused_is_tried_again_and_kept() {
    let server = server().await;
    let lost = device(&server.url()).await;
    let first = first(&lost).await;
    write(&lost, &first, "a", "kind").await;
    sent(&lost, &first).await;
    write(&lost, &first, "a", "rude").await;
    write(&lost, &first, "b", "rude, too").await;
    let refused = async |device: &Settee| {
        let database = device.database(&first).await.unwrap();
        let mut status = database.status();
        let both = status.wait_for(|status| status.counts.refused == 2);
        timeout(SOON, both).await.expect("they are refused").unwrap();
    };
    refused(&lost).await;
    let file = file(&lost).await;
    drop(lost);
    let found = device(&server.url()).await;
    assert_eq!(found.restore(&file).await.unwrap().failed, 0);
    refused(&found).await;
    assert_eq!(read(&found, &first, "a").await, Some(json!({ "text": "kind" })));
}

#[tokio::test]
async fn what_is_there_stays_beside_it() {
    let server = server().await;
    let (lost, own) = (device(&server.url()).await, device(&server.url()).await);
    let (theirs, ours) = (first(&lost).await, first(&own).await);
    write(&lost, &theirs, "a", "theirs").await;
    write(&own, &ours, "a", "ours").await;
    let file = file(&lost).await;
    assert_eq!(own.restore(&file).await.unwrap().databases, 1);
    let kept = own.kept().await.unwrap();
    assert_eq!((&kept[FIRST].name, &kept[&theirs].name), (&ours, &theirs));
    // What both have is merged: nothing of it is overwritten.
    write(&own, &theirs, "a", "changed since").await;
    own.restore(&file).await.unwrap();
    assert_eq!(read(&own, &theirs, "a").await, Some(json!({ "text": "changed since" })));
    assert_eq!(read(&own, &ours, "a").await, Some(json!({ "text": "ours" })));
}

#[tokio::test]
async fn a_file_of_somebody_who_may_do_less_writes_nothing_and_brings_no_home() {
    let server = server().await;
    let (owner, viewer) = (device(&server.url()).await, device(&server.url()).await);
    let list = with_another(&owner).await;
    write(&owner, &list, "a", "milk").await;
    sent(&owner, &list).await;
    let token = owner.kept().await.unwrap()[&list].keys().unwrap().token_for(Role::Viewer, 0);
    viewer.join(&list.parse().unwrap(), token.unwrap()).await.unwrap();
    sent(&viewer, &list).await;
    write(&viewer, &list, "access/role", "owner").await;
    let bait = with_another(&viewer).await;
    write(&viewer, &bait, "a", "cheese").await;
    let home = viewer.home().await.unwrap().home_name();
    let before = contents(&owner, &list).await;
    let restored = owner.restore(&file(&viewer).await).await.unwrap();
    assert_eq!(contents(&owner, &list).await, before);
    assert!(restored.failed > 0 && owner.kept().await.unwrap().contains_key(&bait));
    assert!(!owner.kept().await.unwrap().contains_key(&home));
}

#[tokio::test]
async fn half_a_file_and_a_changed_one_take_nothing_by_force() {
    let lost = device(NOWHERE).await;
    let first = first(&lost).await;
    write(&lost, &first, "a", "milk").await;
    lost.home().await.unwrap();
    let file = file(&lost).await;
    let restore = async |file: &[u8]| {
        let device = Settee::start(Config::at(NOWHERE)).await.unwrap();
        let failed = device.restore(file).await;
        if failed.is_err() {
            assert!(device.kept().await.unwrap().is_empty(), "nothing was taken");
        }
        failed
    };
    let cut_off = |failed: &Result<Restored, Error>| {
        matches!(failed, Err(Error::Backup(BackupError::CutOff)))
    };
    for end in HEAD.len()..file.len() {
        assert!(cut_off(&restore(&file[..end]).await), "{end}");
    }
    assert!(cut_off(&restore(&[&file[..], b"!"].concat()).await));
    let refused = restore(b"bread").await;
    assert!(matches!(refused, Err(Error::Backup(BackupError::NotOne))));
    let refused = restore(b"settee backup 2\n").await;
    assert!(matches!(refused, Err(Error::Backup(BackupError::Newer))));
    for at in HEAD.len()..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1;
        // It may be another file of the kind, and then no document is there that was changed.
        let _ = restore(&changed).await;
    }
}
