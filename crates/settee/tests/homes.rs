//! Devices of one person, which share what they keep.
#![cfg(all(feature = "native", feature = "server", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used)]

mod support;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use settee::{
    Config, Kept, Settee, Standing,
    keys::{Role, Token, home, link::Address},
    server::{Access, AnyDocument, Asked, Denial, KeysPolicy, Kit, Policy},
    store::{MemoryStorage, backend::BoxFuture, replication::ReplicatedDocument},
};
use support::Server;
use tokio::time::timeout;

/// Longer than anything here takes.
const SOON: Duration = Duration::from_mins(1);
const FIRST: &str = "first";

/// What a curious server remembers: all that it was ever shown.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<Vec<u8>>>>);

/// The policy by tokens, on such a server.
struct Curious(KeysPolicy, Shown);

impl Policy for Curious {
    fn authorize(&self, asked: Asked) -> BoxFuture<'_, Result<Access, Denial>> {
        self.1.0.lock().unwrap().push(asked.credentials.clone());
        self.0.authorize(asked)
    }

    fn check(&self, document: &ReplicatedDocument) -> Result<(), String> {
        self.0.check(document)
    }
}

async fn server() -> Server {
    curious_server(Shown::default()).await
}

async fn curious_server(shown: Shown) -> Server {
    let kit = Kit::builder(MemoryStorage::new([1; 16]))
        .policy(Curious(KeysPolicy::new("notes").homes("home"), shown))
        .kind("notes", AnyDocument)
        .kind("home", home::check)
        .build();
    Server::of(kit).await
}

/// A device that has begun a database of its own, as apps do at their first start.
async fn device(server: &Server) -> Settee {
    let settee = Settee::start(Config::at(server.url())).await.unwrap();
    settee.keep(FIRST, Kept::of_owner(&Token::generate())).await.unwrap();
    settee
}

/// Writes to a database of a device, and waits until the server has it.
async fn write(device: &Settee, key: &str, text: &str) {
    let kept = device.kept().await.unwrap();
    let database = device.database(&kept[key].name).await.unwrap();
    database.put("note/1", &json!({ "text": text })).await.unwrap();
    timeout(SOON, database.up_to_date()).await.expect("it is sent").unwrap();
}

async fn read(device: &Settee, name: &str) -> Option<Value> {
    let database = device.database(name).await.unwrap();
    timeout(SOON, database.up_to_date()).await.expect("it arrives").unwrap();
    database.find("note/1").await.unwrap()
}

/// Waits until a device keeps what it should.
async fn keeps(
    device: &Settee,
    is_so: impl FnMut(&BTreeMap<String, Kept>) -> bool,
) -> BTreeMap<String, Kept> {
    let mut kept = device.watch_kept().await.unwrap();
    let kept = timeout(SOON, kept.wait_for(is_so)).await.expect("it comes").unwrap();
    kept.clone()
}

fn names(kept: &BTreeMap<String, Kept>) -> Vec<&str> {
    let all = kept.values().filter(|kept| kept.home_token().is_none());
    all.map(|kept| kept.name.as_str()).collect()
}

#[tokio::test]
async fn a_second_device_has_all_and_what_comes_later_on_either() {
    let server = server().await;
    let (laptop, phone) = (device(&server).await, device(&server).await);
    write(&laptop, FIRST, "on the laptop").await;
    let first = laptop.kept().await.unwrap()[FIRST].name.clone();
    laptop
        .change(FIRST, |kept| kept.app.insert("name".into(), "House".into()).is_none())
        .await
        .unwrap();

    let link = settee::keys::LinkFormat::device("", &laptop.home().await.unwrap());
    let address: Address = settee::keys::LinkFormat::new("/l/").read("/", &link[1..]);
    phone.take_in(&address).await.unwrap();
    // Nobody has written to the phone's own first one, so it makes room.
    let kept = keeps(&phone, |kept| kept[FIRST].name == first && names(kept).len() == 1).await;
    assert_eq!(kept[FIRST].app["name"], "House");
    assert_eq!(read(&phone, &first).await, Some(json!({ "text": "on the laptop" })));
    let granted = keeps(&phone, |kept| kept[FIRST].role.is_some()).await;
    assert_eq!(granted[FIRST].granted(), Some(Role::Owner));

    let owner = Token::generate();
    let later = owner.database_id().to_string();
    phone.keep(&later, Kept::of_owner(&owner)).await.unwrap();
    write(&phone, &later, "on the phone").await;
    keeps(&laptop, |kept| kept.contains_key(&later)).await;
    assert_eq!(read(&laptop, &later).await, Some(json!({ "text": "on the phone" })));
}

#[tokio::test]
async fn nothing_is_lost_where_both_have_written() {
    let server = server().await;
    let (laptop, phone) = (device(&server).await, device(&server).await);
    write(&laptop, FIRST, "on the laptop").await;
    write(&phone, FIRST, "on the phone").await;
    let theirs = laptop.kept().await.unwrap()[FIRST].name.clone();
    let own = phone.kept().await.unwrap()[FIRST].name.clone();
    phone.join_home(&laptop.home().await.unwrap()).await.unwrap();
    let kept = keeps(&phone, |kept| names(kept).len() == 2).await;
    assert_eq!((&kept[FIRST].name, &kept[&theirs].name), (&own, &theirs));
    let kept = keeps(&laptop, |kept| names(kept).len() == 2).await;
    assert_eq!((&kept[FIRST].name, &kept[&own].name), (&theirs, &own));
}

#[tokio::test]
async fn what_was_removed_from_a_device_does_not_come_back_by_itself() {
    let server = server().await;
    let (laptop, phone) = (device(&server).await, device(&server).await);
    let (one, other) = (Token::generate(), Token::generate());
    let [one_name, other_name] = [&one, &other].map(|it| it.database_id().to_string());
    laptop.keep(&one_name, Kept::of_owner(&one)).await.unwrap();
    write(&laptop, &one_name, "one").await;
    let home = laptop.home().await.unwrap();
    phone.join_home(&home).await.unwrap();
    keeps(&phone, |kept| kept.contains_key(&one_name)).await;
    phone.forget(&one_name).await.unwrap();
    laptop.keep(&other_name, Kept::of_owner(&other)).await.unwrap();
    write(&laptop, &other_name, "other").await;
    let kept = keeps(&phone, |kept| kept.contains_key(&other_name)).await;
    assert!(!kept.contains_key(&one_name) && laptop.kept().await.unwrap().contains_key(&one_name));
    // Whoever opens the link once more wants all of it.
    phone.join_home(&home).await.unwrap();
    keeps(&phone, |kept| kept.contains_key(&one_name)).await;
}

#[tokio::test]
async fn a_server_is_shown_nothing_that_decrypts_a_home() {
    let shown = Shown::default();
    let server = curious_server(shown.clone()).await;
    let (laptop, phone) = (device(&server).await, device(&server).await);
    write(&laptop, FIRST, "on the laptop").await;
    let home = laptop.home().await.unwrap();
    phone.join_home(&home).await.unwrap();
    keeps(&phone, |kept| kept[&home.home_name()].role.is_some()).await;
    let sealed = home.seal(b"a secret");
    for shown in &*shown.0.lock().unwrap() {
        let token = Token::from_bytes(&shown[..Token::SIZE]).unwrap();
        assert!(token.unseal(&sealed).is_err());
    }
    assert!(!shown.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_home_takes_nothing_else_and_nobody_else_opens_it() {
    let server = server().await;
    let (laptop, thief) = (device(&server).await, device(&server).await);
    write(&laptop, FIRST, "on the laptop").await;
    let home = laptop.home().await.unwrap();
    keeps(&laptop, |kept| kept[&home.home_name()].role.is_some()).await;
    let stolen = thief.open(&home.home_name(), *Token::generate().as_bytes()).await.unwrap();
    let mut status = stolen.status();
    let denied = status.wait_for(|status| status.standing == Some(Standing::NoAccess));
    timeout(SOON, denied).await.expect("it is told").unwrap();
    let own = laptop.database(&home.home_name()).await.unwrap();
    own.put("note/1", &json!({ "text": "in the open" })).await.unwrap();
    let mut status = own.status();
    let refused = status.wait_for(|status| status.counts.refused == 1);
    timeout(SOON, refused).await.expect("it is refused").unwrap();
}
