//! Homes that several devices of a person share: each device says there what it keeps, and keeps what
//! the others have said. See [`settee_keys::home`].
//!
//! What a home says is taken once. So a database that was removed from this device doesn't come back.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::{Map, Value};
use settee_client::runtime::{sleep, spawn};
use settee_keys::{Token, home::SEALED};
use settee_store::{Body, Database, DocumentId, WriteError};
use tokio::sync::watch;

use super::{
    home::Home,
    kept::{Credentials, Kept},
    used::OpenDatabases,
};
use crate::{Error, settee::until};

/// How long after a failure of the storage it is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// How long what is said of a database may be, in bytes. Of a longer one it is left out what an app keeps
/// beside it.
const ENTRY_LIMIT: usize = 4096;

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
        let mut followed = Vec::new();
        loop {
            let homes: Vec<Token> =
                kept.borrow_and_update().values().filter_map(Kept::home_token).collect();
            for token in homes.iter().filter(|home| !followed.contains(*home)) {
                let following = self.clone().follow(token.clone(), kept.clone());
                spawn(until(self.ended.clone(), following));
            }
            followed = homes;
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
            if !known.contains_key(id)
                && let Some(document) = record.document().filter(|document| !document.deleted)
                && let Some(sealed) = document.body.fields().get(SEALED).and_then(Value::as_str)
                && let Ok(text) = token.unseal(sealed)
                && let Some((key, kept)) = read_entry(&text)
            {
                self.keep(key, kept).await?;
                known.insert(id.to_owned(), true.into());
            }
        }
        for (key, kept) in self.home.all().await? {
            // Nobody else can use one that never was on the server.
            let is_shared = kept.home_token().is_none() && (kept.role.is_some() || !kept.is_own);
            for credentials in kept.credentials.iter().filter(|_| is_shared) {
                let id = entry_id(token, &kept.name, credentials);
                if !known.contains_key(id.as_str()) {
                    let sealed = token.seal(&entry(&key, &kept, credentials)?);
                    let body = Map::from_iter([(SEALED.to_owned(), sealed.into())]);
                    database.put(id.as_str(), &body).await?;
                    known.insert(id.as_str().to_owned(), true.into());
                }
            }
        }
        if known.len() > before {
            self.home.set_known_of(&name, known).await?;
        }
        Ok(())
    }

    /// Keeps what another device has said.
    async fn keep(&self, key: &str, kept: Kept) -> Result<(), Error> {
        let all = self.home.all().await?;
        if let Some((key, _)) = all.iter().find(|(_, known)| known.name == kept.name) {
            let said = kept.credentials;
            let add = |known: &mut Kept| said.into_iter().filter(|one| known.add(one)).count() > 0;
            return self.home.change(key, add).await.map(drop);
        }
        match all.get(key) {
            Some(there) if self.is_untouched(there).await? => self.replace(key, there, kept).await,
            Some(_) => self.home.keep(&kept.name.clone(), kept).await.map(drop),
            None => self.home.keep(key, kept).await.map(drop),
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

/// What a home's document says: under which key a database is kept, and in the lines behind it what is
/// kept, with one of its credentials.
fn entry(key: &str, kept: &Kept, credentials: &Credentials) -> Result<Vec<u8>, Error> {
    let mut said = Kept::new(&*kept.name, &*credentials.0);
    said.app.clone_from(&kept.app);
    let mut text = Body::from_serialize(&said).map_err(WriteError::from)?;
    if text.as_str().len() > ENTRY_LIMIT {
        said.app.clear();
        text = Body::from_serialize(&said).map_err(WriteError::from)?;
    }
    Ok([key.as_bytes(), b"\n", text.as_str().as_bytes()].concat())
}

/// What such a text says; `None` if it is a later version's.
fn read_entry(text: &[u8]) -> Option<(&str, Kept)> {
    let at = text.iter().position(|byte| *byte == b'\n')?;
    let (key, kept) = (std::str::from_utf8(&text[..at]).ok()?, &text[at + 1..]);
    let kept: Kept = Body::from_canonical(kept).ok()?.read().ok()?;
    // A home is joined by its link alone.
    kept.home_token().is_none().then_some((key, kept))
}

fn entry_id(token: &Token, name: &str, credentials: &Credentials) -> DocumentId {
    token.entry_id(&[name.as_bytes(), &[0], &credentials.0].concat())
}
