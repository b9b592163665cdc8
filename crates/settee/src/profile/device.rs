//! The place where a device keeps its databases.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use settee_keys::random::random;
#[cfg(target_arch = "wasm32")]
use settee_store::BackendError;
#[cfg(target_arch = "wasm32")]
use settee_store::backend::indexeddb::IndexedDb;
use settee_store::{Backend, Database, Memory};

use super::{home::HOME, unsaved::Unsaved};
use crate::{Error, config::Place};

/// Opens this device's databases by name.
pub struct Device {
    disk: Option<Disk>,
    memory: InMemory,
    unsaved: Unsaved,
}

/// Databases that are in memory only, as long as the program runs. Clones are of the same ones.
#[derive(Clone, Default)]
pub struct InMemory(Arc<Mutex<HashMap<String, Memory>>>);

/// A place that outlives the program.
enum Disk {
    /// IndexedDB, with the beginning of the databases' names there.
    #[cfg(target_arch = "wasm32")]
    Browser(String),
    #[cfg(all(feature = "native", not(target_arch = "wasm32")))]
    Folder(settee_store::Sqlite),
}

/// An open database, and whether what is written to it stays.
pub struct Opened {
    pub database: Database,
    pub is_saved: bool,
}

impl Opened {
    /// Whether the database was closed underneath, so that nothing can be written to it any more.
    pub fn is_closed(&self) -> bool {
        self.database.watch().has_changed().is_err()
    }
}

#[cfg(target_arch = "wasm32")]
impl Disk {
    /// `None` where the browser has no storage at all. Any other failure may pass, and what is stored
    /// is still there: it is an error, and no reason to begin with nothing.
    async fn open(&self, name: &str) -> Result<Option<Arc<dyn Backend>>, Error> {
        let Self::Browser(prefix) = self;
        match IndexedDb::open(&format!("{prefix}:{name}"), random()).await {
            Ok(backend) => Ok(Some(Arc::new(backend))),
            Err(BackendError::Blocked) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn delete(&self, name: &str) -> Result<(), Error> {
        let Self::Browser(prefix) = self;
        Ok(IndexedDb::delete(&format!("{prefix}:{name}")).await?)
    }
}

#[cfg(all(feature = "native", not(target_arch = "wasm32")))]
impl Disk {
    async fn open(&self, name: &str) -> Result<Option<Arc<dyn Backend>>, Error> {
        let Self::Folder(folder) = self;
        Ok(Some(Arc::new(folder.create(name, random(), Vec::new()).await?)))
    }

    async fn delete(&self, name: &str) -> Result<(), Error> {
        let Self::Folder(folder) = self;
        settee_store::Storage::delete(folder, name.to_owned()).await?;
        Ok(())
    }
}

/// Without the feature `native` there is none.
#[cfg(all(not(feature = "native"), not(target_arch = "wasm32")))]
impl Disk {
    async fn open(&self, _name: &str) -> Result<Option<Arc<dyn Backend>>, Error> {
        match *self {}
    }

    async fn delete(&self, _name: &str) -> Result<(), Error> {
        match *self {}
    }
}

impl Device {
    #[cfg_attr(
        any(target_arch = "wasm32", not(feature = "native")),
        expect(clippy::unnecessary_wraps, reason = "a folder can fail")
    )]
    pub fn new(place: &Place, unsaved: Unsaved) -> Result<Self, Error> {
        let disk = match place {
            Place::Memory(_) => None,
            #[cfg(target_arch = "wasm32")]
            Place::Browser(prefix) => Some(Disk::Browser(prefix.clone())),
            #[cfg(all(feature = "native", not(target_arch = "wasm32")))]
            Place::Folder(folder) => Some(Disk::Folder(settee_store::Sqlite::open_folder(folder)?)),
        };
        let memory = match place {
            Place::Memory(known) => known.clone(),
            #[cfg(any(target_arch = "wasm32", feature = "native"))]
            _ => InMemory::default(),
        };
        Ok(Self { disk, memory, unsaved })
    }

    /// The database of that name, which is made if there is none. Where a browser has no storage at
    /// all, it is in memory, and says so.
    pub async fn open(&self, name: &str) -> Result<Opened, Error> {
        let on_disk = match &self.disk {
            Some(disk) => disk.open(name).await?,
            None => None,
        };
        let is_saved = self.disk.is_none() || on_disk.is_some();
        let backend = on_disk.unwrap_or_else(|| Arc::new(self.memory.database(name)));
        // The home looks after what it can't save, and no server takes it.
        let database = match name {
            HOME => Database::shared(backend),
            name => self.unsaved.watching(name, backend),
        };
        Ok(Opened { database, is_saved })
    }

    /// Deletes the device's copy of a database.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        self.unsaved.forget(name);
        let memory = self.memory.databases().remove(name);
        if let Some(memory) = memory {
            memory.close();
        }
        match &self.disk {
            Some(disk) => disk.delete(name).await,
            None => Ok(()),
        }
    }
}

impl InMemory {
    /// The database of that name, which is made if there is none.
    pub fn database(&self, name: &str) -> Memory {
        let mut databases = self.databases();
        databases.entry(name.to_owned()).or_insert_with(|| Memory::new(random())).clone()
    }

    /// Closes all of them underneath those who have them open, and loses what they hold, as a
    /// browser does whose site data is cleared.
    #[cfg(test)]
    pub fn clear(&self) {
        for (_, memory) in self.databases().drain() {
            memory.close();
        }
    }

    fn databases(&self) -> MutexGuard<'_, HashMap<String, Memory>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use settee_store::BackendError;

    use super::*;

    #[tokio::test]
    async fn what_the_home_cannot_save_is_nothing_to_send() {
        let (memory, unsaved) = (InMemory::default(), Unsaved::default());
        let device = Device::new(&Place::Memory(memory.clone()), unsaved.clone()).unwrap();
        for name in [HOME, "notes"] {
            let opened = device.open(name).await.unwrap();
            memory.database(name).fail_with(Some(BackendError::Full));
            opened.database.put("a", &serde_json::json!({})).await.unwrap_err();
        }
        assert_eq!(unsaved.names(), ["notes"]);
    }
}
