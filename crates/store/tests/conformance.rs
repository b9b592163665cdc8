//! The conformance suite with memory and with SQLite.
#![cfg(not(target_arch = "wasm32"))]

use settee_store::{Database, Memory, conformance};

#[tokio::test]
async fn memory() {
    conformance::all(async || Database::new(Memory::new([1; 16]))).await;
}

#[tokio::test]
async fn memory_while_its_handle_lives() {
    let memory = Memory::new([1; 16]);
    conformance::durable(async || Database::new(memory.clone())).await;
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use settee_store::{Database, Sqlite, conformance};
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
}
