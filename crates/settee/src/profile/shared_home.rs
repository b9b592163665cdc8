//! Homes that several devices of a person share: each device says there what it keeps, and keeps what
//! the others have said. See [`settee_keys::home`].
//!
//! What a home says is taken once. So a database that was removed from this device doesn't come back.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use settee_client::runtime::{sleep, spawn};
use settee_keys::{
    Token,
    home::{HOME_PREFIX, Sealed},
};
use settee_store::{Database, DocumentId};
use tokio::sync::watch;

use super::{
    home::Home,
    kept::{Credentials, Kept},
    used::OpenDatabases,
};
use crate::{Error, settee::until};

/// How long after a failure of the storage it is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// Longest text of what an app keeps beside a database that goes along, in bytes.
const APP_LIMIT: usize = 4096;

/// What a home's document says: what opens a database.
#[derive(Serialize, Deserialize)]
struct Entry {
    /// Under which key it is kept.
    key: String,
    name: String,
    credentials: Credentials,
    /// What the app kept beside it then.
    #[serde(default)]
    app: Map<String, Value>,
}

/// Keeps this device and its shared homes alike.
#[derive(Clone)]
pub struct SharedHomes {
    pub home: Home,
    pub databases: Arc<OpenDatabases>,
    /// Changes when the [`Settee`](crate::Settee) is gone.
    pub ended: watch::Receiver<()>,
}

impl SharedHomes {
    /// Runs until the storage is closed underneath.
    pub async fn run(self) {
        let mut kept = loop {
            match self.home.watch_all().await {
                Ok(kept) => break kept,
                Err(_) => sleep(RETRY).await,
            }
        };
        let mut followed = BTreeSet::new();
        loop {
            let homes: Vec<Token> =
                kept.borrow_and_update().values().filter_map(Kept::home_token).collect();
            followed.retain(|name| homes.iter().any(|home| home.home_name() == *name));
            for token in homes {
                if followed.insert(token.home_name()) {
                    let following = self.clone().follow(token, kept.clone());
                    spawn(until(self.ended.clone(), following));
                }
            }
            if kept.changed().await.is_err() {
                return;
            }
        }
    }

    /// Follows a home as long as this device keeps it.
    async fn follow(self, token: Token, mut kept: watch::Receiver<BTreeMap<String, Kept>>) {
        let name = token.home_name();
        // As one that is used, it hears at once what others say.
        let used = loop {
            match self.databases.use_database(&name).await {
                Ok(used) => break used,
                Err(_) => sleep(RETRY).await,
            }
        };
        let database = used.opened().database.clone();
        let mut news = database.watch();
        while kept.borrow_and_update().contains_key(&name) {
            news.borrow_and_update();
            let is_done = self.exchange(&database, &token).await.is_ok();
            let changed = tokio::select! {
                changed = kept.changed() => changed,
                changed = news.changed() => changed,
                () = sleep(RETRY), if !is_done => Ok(()),
            };
            if changed.is_err() {
                return;
            }
        }
    }

    /// Takes what is new there, and says what is new here.
    async fn exchange(&self, database: &Database, token: &Token) -> Result<(), Error> {
        let name = token.home_name();
        let mut known = self.home.known_of(&name).await?;
        let before = known.len();
        for record in database.changes(0, usize::MAX).await? {
            let id = record.id.as_str();
            if !known.contains(id)
                && let Some(document) = record.document().filter(|document| !document.deleted)
                && let Some(entry) = Entry::read(document.body.read().ok(), token)
            {
                self.keep(entry).await?;
                known.insert(id.to_owned());
            }
        }
        for (key, kept) in self.home.all().await? {
            // Nobody else can use one that never was on the server.
            let is_shared = kept.home_token().is_none() && (kept.role.is_some() || !kept.is_own);
            for credentials in kept.credentials.iter().filter(|_| is_shared) {
                let id = entry_id(token, &kept.name, credentials);
                if !known.contains(id.as_str()) {
                    let entry = Entry::of(&key, &kept, credentials);
                    database.put(id.as_str(), &entry.seal(token)).await?;
                    known.insert(id.as_str().to_owned());
                }
            }
        }
        if known.len() > before {
            self.home.set_known_of(&name, known).await?;
        }
        Ok(())
    }

    /// Keeps what another device has said.
    async fn keep(&self, entry: Entry) -> Result<(), Error> {
        let all = self.home.all().await?;
        if let Some((key, _)) = all.iter().find(|(_, kept)| kept.name == entry.name) {
            self.home.change(key, |kept| kept.add(entry.credentials)).await?;
            return Ok(());
        }
        let mut kept = Kept::new(entry.name, entry.credentials.0);
        kept.app = entry.app;
        match all.get(&entry.key) {
            Some(there) if !self.is_untouched(there).await? => {
                let name = kept.name.clone();
                self.home.keep(&name, kept).await.map(drop)
            }
            Some(there) => self.replace(&entry.key, there, kept).await,
            None => self.home.keep(&entry.key, kept).await.map(drop),
        }
    }

    /// Whether a database began here, and nobody ever wrote to it.
    async fn is_untouched(&self, kept: &Kept) -> Result<bool, Error> {
        if !kept.is_own || kept.role.is_some() {
            return Ok(false);
        }
        let opened = self.databases.open(&kept.name).await?;
        Ok(opened.database.counts().await?.documents == 0)
    }

    /// Keeps another database under the key of one that nobody ever wrote to.
    async fn replace(&self, key: &str, old: &Kept, new: Kept) -> Result<(), Error> {
        let replace = |kept: &mut Kept| {
            let is_old = kept.name == old.name;
            if is_old {
                *kept = new;
            }
            is_old
        };
        if self.home.change(key, replace).await? {
            let (homes, old) = (self.clone(), old.clone());
            spawn(until(self.ended.clone(), async move { homes.delete_untouched(old).await }));
        }
        Ok(())
    }

    /// Deletes a database once nobody uses it here. If somebody was about to write to it, it is kept.
    async fn delete_untouched(&self, kept: Kept) {
        let mut uses = self.databases.watch_uses();
        while self.databases.is_used(&kept.name) {
            if uses.changed().await.is_err() {
                return;
            }
        }
        // A failure leaves an empty database behind, or is one of the storage, which all others tell.
        let _ = match self.is_untouched(&kept).await {
            Ok(true) => self.databases.delete(&kept.name).await,
            _ => self.home.keep(&kept.name.clone(), kept).await.map(drop),
        };
    }
}

impl Entry {
    fn of(key: &str, kept: &Kept, credentials: &Credentials) -> Self {
        let length = serde_json::to_string(&kept.app).map_or(usize::MAX, |text| text.len());
        let app = if length > APP_LIMIT { Map::new() } else { kept.app.clone() };
        Self { key: key.into(), name: kept.name.clone(), credentials: credentials.clone(), app }
    }

    fn seal(&self, token: &Token) -> Sealed {
        token.seal(&serde_json::to_vec(self).expect("all keys are texts"))
    }

    /// What the document says; `None` if it is a later version's, or of nobody who has the token.
    fn read(sealed: Option<Sealed>, token: &Token) -> Option<Self> {
        let entry: Self = serde_json::from_slice(&token.unseal(&sealed?).ok()?).ok()?;
        // A home is joined by its link alone.
        (!entry.name.starts_with(HOME_PREFIX)).then_some(entry)
    }
}

fn entry_id(token: &Token, name: &str, credentials: &Credentials) -> DocumentId {
    token.entry_id(&[name.as_bytes(), &[0], &credentials.0].concat())
}
