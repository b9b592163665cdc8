//! The place where a device keeps its databases.

use settee_keys::random::random;
#[cfg(target_arch = "wasm32")]
use settee_store::backend::indexeddb::IndexedDb;
use settee_store::{Database, Memory};

use crate::{Error, config::Place};

/// Opens this device's databases by name.
pub struct Device {
    #[cfg(target_arch = "wasm32")]
    prefix: Option<String>,
    #[cfg(all(feature = "native", not(target_arch = "wasm32")))]
    folder: Option<settee_store::Sqlite>,
}

/// An open database, and whether what is written to it stays.
pub struct Opened {
    pub database: Database,
    pub is_saved: bool,
}

impl Opened {
    /// In memory, where nothing else can be had, or is wanted.
    fn in_memory(is_saved: bool) -> Self {
        Self { database: Database::new(Memory::new(random())), is_saved }
    }
}

#[cfg(target_arch = "wasm32")]
impl Device {
    #[expect(clippy::unnecessary_wraps, reason = "a folder may not be opened")]
    pub fn new(place: &Place) -> Result<Self, Error> {
        Ok(match place {
            Place::Memory => Self { prefix: None },
            Place::Browser(prefix) => Self { prefix: Some(prefix.clone()) },
        })
    }

    /// The database of that name, which is made if there is none. Where the browser lets nothing be
    /// saved it is in memory, and said to be.
    pub async fn open(&self, name: &str) -> Result<Opened, Error> {
        let Some(prefix) = &self.prefix else { return Ok(Opened::in_memory(true)) };
        Ok(match IndexedDb::open(&format!("{prefix}:{name}"), random()).await {
            Ok(backend) => Opened { database: Database::new(backend), is_saved: true },
            Err(_) => Opened::in_memory(false),
        })
    }

    /// Deletes the device's copy of a database.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        match &self.prefix {
            Some(prefix) => Ok(IndexedDb::delete(&format!("{prefix}:{name}")).await?),
            None => Ok(()),
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Device {
    pub fn new(place: &Place) -> Result<Self, Error> {
        Ok(match place {
            #[cfg(feature = "native")]
            Place::Memory => Self { folder: None },
            #[cfg(not(feature = "native"))]
            Place::Memory => Self {},
            #[cfg(feature = "native")]
            Place::Folder(folder) => {
                Self { folder: Some(settee_store::Sqlite::open_folder(folder)?) }
            }
        })
    }

    /// The database of that name, which is made if there is none.
    pub async fn open(&self, name: &str) -> Result<Opened, Error> {
        #[cfg(feature = "native")]
        if let Some(folder) = &self.folder {
            let database = Database::new(folder.create(name, random(), Vec::new()).await?);
            return Ok(Opened { database, is_saved: true });
        }
        let _ = name;
        Ok(Opened::in_memory(true))
    }

    /// Deletes the device's copy of a database.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        #[cfg(feature = "native")]
        if let Some(folder) = &self.folder {
            settee_store::Storage::delete(folder, name.to_owned()).await?;
        }
        let _ = name;
        Ok(())
    }
}
