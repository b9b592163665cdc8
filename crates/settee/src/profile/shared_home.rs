//! Homes that several devices of a person share: each device says there what it keeps, and keeps what
//! the others have said. See [`settee_keys::home`].
//!
//! What a home says is taken once, which is noted beside the home. So a database that was removed from this
//! device doesn't come back, until the home is joined anew.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::{Map, Value};
use settee_client::runtime::{sleep, spawn};
use settee_keys::{Token, home::SEALED};
use settee_store::{Body, Database, DocumentId, WriteError};
use tokio::sync::{Mutex, watch};

use super::{
    home::Home,
    kept::{Credentials, Kept},
    taking::{Taking, can_take},
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
    pub taking: Taking,
    /// One home at a time takes and says something.
    pub turn: Arc<Mutex<()>>,
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
        // What can't be told now is told after the next start.
        let _ = self.taking.look_aside().await;
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
        let _turn = self.turn.lock().await;
        let name = token.home_name();
        let Some(Kept { app: mut known, .. }) = self.home.get(&name).await? else { return Ok(()) };
        for record in database.changes(0, usize::MAX).await? {
            if !known.contains_key(record.id.as_str())
                && let Some(document) = record.document().filter(|document| !document.deleted)
                && let Some(sealed) = document.body.fields().get(SEALED).and_then(Value::as_str)
                && let Ok(text) = token.unseal(sealed)
                && let Some((key, kept)) = read_entry(&text)
                && let ids = entry_ids(token, &kept)
                && ids[0] == record.id
            {
                let was_known = known.contains_key(ids[1].as_str());
                self.taking.take(key, kept, was_known).await?;
                self.note(&name, &mut known, ids).await?;
            }
        }
        for (key, kept) in self.home.all().await? {
            // Nobody else can use one that never was on the server, or that is closed to this device.
            let is_open = (kept.role.is_some() || !kept.is_own) && !kept.is_revoked;
            let is_shared = is_open && kept.home_token().is_none();
            for credentials in kept.credentials.iter().filter(|_| is_shared) {
                let said = said_of(&kept, credentials);
                let ids = entry_ids(token, &said);
                if !known.contains_key(ids[0].as_str()) {
                    let sealed = token.seal(&entry(&key, said)?);
                    let body = Map::from_iter([(SEALED.to_owned(), sealed.into())]);
                    database.put(ids[0].as_str(), &body).await?;
                    self.note(&name, &mut known, ids).await?;
                }
            }
        }
        Ok(())
    }

    /// Notes beside a home what was taken or said.
    async fn note(
        &self,
        home: &str,
        known: &mut Map<String, Value>,
        ids: [DocumentId; 2],
    ) -> Result<(), Error> {
        let ids = ids.map(|id| id.as_str().to_owned());
        known.extend(ids.clone().map(|id| (id, true.into())));
        let note = |kept: &mut Kept| {
            kept.app.extend(ids.map(|id| (id, true.into())));
            true
        };
        self.home.change(home, note).await.map(drop)
    }
}

/// What a home's document says of a database: its name, one of its credentials, and what the app keeps
/// beside it.
fn said_of(kept: &Kept, credentials: &Credentials) -> Kept {
    let mut said = Kept::new(&*kept.name, &*credentials.0);
    said.app.clone_from(&kept.app);
    said
}

/// The document's text: under which key it is kept, and that in the lines behind.
fn entry(key: &str, mut said: Kept) -> Result<Vec<u8>, Error> {
    let mut text = Body::from_serialize(&said).map_err(WriteError::from)?;
    if text.as_str().len() > ENTRY_LIMIT {
        said.app.clear();
        text = Body::from_serialize(&said).map_err(WriteError::from)?;
    }
    Ok([key.as_bytes(), b"\n", text.as_str().as_bytes()].concat())
}

/// What such a text says; `None` if it is a later version's, or of no database that could be shared.
fn read_entry(text: &[u8]) -> Option<(&str, Kept)> {
    let at = text.iter().position(|byte| *byte == b'\n')?;
    let (key, kept) = (std::str::from_utf8(&text[..at]).ok()?, &text[at + 1..]);
    let kept: Kept = Body::from_canonical(kept).ok()?.read().ok()?;
    let said = said_of(&kept, kept.credentials.first()?);
    can_take(key, &kept).then_some((key, said))
}

/// The ids of the document that says this, and of what is noted of the database as a whole.
fn entry_ids(token: &Token, said: &Kept) -> [DocumentId; 2] {
    let name = said.name.as_bytes();
    let credentials = said.credentials.first().map_or(&[][..], |one| &one.0);
    [token.entry_id(&[name, &[0], credentials].concat()), token.entry_id(name)]
}
