//! The conformance suite with memory and with SQLite.
#![cfg(not(target_arch = "wasm32"))]

use std::sync::{Arc, Mutex};

use settee_store::{Database, Memory, MemoryStorage, Storage, conformance};

#[tokio::test]
async fn memory() {
    conformance::all(async || Database::new(Memory::new([1; 16]))).await;
}

#[tokio::test]
async fn memory_while_its_handle_lives() {
    let memory = Memory::new([1; 16]);
    conformance::durable(async || Database::new(memory.clone())).await;
}

#[tokio::test]
async fn many_databases_in_memory() {
    conformance::storage::all(async || Arc::new(MemoryStorage::new([1; 16])) as Arc<dyn Storage>)
        .await;
}

#[tokio::test]
async fn many_databases_in_memory_after_a_restart() {
    let last = Mutex::new(Arc::new(MemoryStorage::new([0; 16])));
    let runs = std::sync::atomic::AtomicU8::new(1);
    conformance::storage::reopened(async || {
        let run = runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut last = last.lock().unwrap();
        *last = Arc::new(last.reopened([run; 16]));
        last.clone() as Arc<dyn Storage>
    })
    .await;
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use settee_store::{Database, Sqlite, Storage, conformance};
    use tempfile::TempDir;

    #[tokio::test]
    async fn one_file_for_all() {
        let folder = TempDir::new().unwrap();
        let sqlite = Sqlite::open(folder.path().join("settee.db")).unwrap();
        let count = AtomicUsize::new(0);
        conformance::all(async || {
            let name = count.fetch_add(1, Ordering::Relaxed).to_string();
            Database::new(sqlite.create(&name, [1; 16], Vec::new()).await.unwrap())
        })
        .await;
    }

    #[tokio::test]
    async fn reopened() {
        let folder = TempDir::new().unwrap();
        conformance::durable(async || {
            let sqlite = Sqlite::open(folder.path().join("settee.db")).unwrap();
            Database::new(sqlite.create("a", [1; 16], Vec::new()).await.unwrap())
        })
        .await;
    }

    #[tokio::test]
    async fn many_databases() {
        let folder = TempDir::new().unwrap();
        let count = AtomicUsize::new(0);
        conformance::storage::all(async || {
            let name = count.fetch_add(1, Ordering::Relaxed).to_string();
            Arc::new(Sqlite::open(folder.path().join(name)).unwrap()) as Arc<dyn Storage>
        })
        .await;
    }

    #[tokio::test]
    async fn many_databases_reopened() {
        let folder = TempDir::new().unwrap();
        conformance::storage::reopened(async || {
            Arc::new(Sqlite::open_folder(folder.path()).unwrap()) as Arc<dyn Storage>
        })
        .await;
    }
}
