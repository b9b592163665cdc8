//! Keeping what another device has kept: it has said so in a home, or was saved as a file.

use std::sync::Arc;

use settee_keys::home::HOME_PREFIX;
use settee_store::backend::BoxFuture;

use super::{
    home::{self, HOME, Home},
    kept::Kept,
    unsaved::Unsaved,
    used::OpenDatabases,
};
use crate::{Error, settee::ON_DEVICE};

/// Takes databases from other devices.
#[derive(Clone)]
pub struct Taking {
    pub home: Home,
    pub databases: Arc<OpenDatabases>,
    pub unsaved: Unsaved,
}

impl Taking {
    /// Keeps a database that another device kept under that key. What was known, and isn't kept, was removed
    /// from this device.
    pub fn take<'a>(
        &'a self,
        key: &'a str,
        kept: Kept,
        was_known: bool,
    ) -> BoxFuture<'a, Result<(), Error>> {
        // Two call it, and a browser would download it twice.
        Box::pin(self.take_as(key, kept, was_known))
    }

    async fn take_as(&self, key: &str, kept: Kept, was_known: bool) -> Result<(), Error> {
        let all = self.home.all().await?;
        if let Some((key, _)) = all.iter().find(|(_, known)| known.name == kept.name) {
            let add = |known: &mut Kept| kept.credentials.iter().any(|said| known.add(said));
            return self.home.change(key, add).await.map(drop);
        }
        if was_known {
            return Ok(());
        }
        match all.get(key) {
            Some(there) if self.is_untouched(there).await? => self.replace(key, there, kept).await,
            Some(_) => self.home.keep(&kept.name.clone(), kept).await.map(drop),
            None => self.home.keep(key, kept).await.map(drop),
        }
    }

    /// Whether nobody ever wrote to what is kept here.
    pub async fn is_fresh(&self) -> Result<bool, Error> {
        for kept in self.home.all().await?.values() {
            if !self.is_untouched(kept).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a database began here, and nobody ever wrote to it.
    async fn is_untouched(&self, kept: &Kept) -> Result<bool, Error> {
        let is_unsaved = self.unsaved.of(&kept.name).is_some();
        if !kept.is_own || kept.role.is_some() || is_unsaved {
            return Ok(false);
        }
        let opened = self.databases.open(&kept.name).await?;
        Ok(opened.database.counts().await?.documents == 0)
    }

    /// Keeps another database under the key of one that nobody ever wrote to.
    async fn replace(&self, key: &str, old: &Kept, new: Kept) -> Result<(), Error> {
        // Somebody may be about to write to it, so it is looked at again after the next start.
        self.home.set_aside(old).await?;
        let replace = |kept: &mut Kept| {
            let is_old = kept.name == old.name;
            if is_old {
                *kept = new;
            }
            is_old
        };
        self.home.change(key, replace).await.map(drop)
    }

    /// Deletes what was set aside. If somebody has written to it, or uses it, it is kept.
    pub async fn look_aside(&self) -> Result<(), Error> {
        for kept in self.home.aside().await? {
            let is_kept = self.home.all().await?.values().any(|known| known.name == kept.name);
            if !is_kept {
                let is_used = self.databases.is_used(&kept.name);
                if !is_used && self.is_untouched(&kept).await? {
                    self.databases.delete(&kept.name).await?;
                } else {
                    self.home.keep(&kept.name, kept.clone()).await?;
                }
            }
            self.home.end_aside(&kept.name).await?;
        }
        Ok(())
    }
}

/// Whether a database can be taken under that key. A home is joined by its link alone, and some
/// databases are a device's own.
pub fn can_take(key: &str, kept: &Kept) -> bool {
    let name = &kept.name;
    let is_own = name == HOME || [HOME_PREFIX, ON_DEVICE].iter().any(|it| name.starts_with(it));
    !is_own && home::id(key).is_ok() && home::id(name).is_ok()
}
