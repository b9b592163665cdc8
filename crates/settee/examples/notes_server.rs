//! A server for notes that whoever knows the password may write. The browser tests connect to it.
//!
//! `notes_server ORIGIN` allows pages of that origin, and prints its address.

use settee::{
    keys::Role,
    server::{Access, AnyDocument, Asked, Denial, DenialCode, Kit, NewDatabase, Origin, shutdown},
    store::MemoryStorage,
};
use tokio::net::TcpListener;

async fn by_password(asked: Asked) -> Result<Access, Denial> {
    if asked.credentials == b"open sesame" {
        Ok(Access::lasting(Role::Editor).creating(NewDatabase::of_kind("notes")))
    } else {
        Err(Denial::new(DenialCode::Denied, "that is not the password"))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let origin = std::env::args().nth(1).map(|origin| origin.parse::<Origin>()).transpose()?;
    let kit = Kit::builder(MemoryStorage::new(settee::keys::random::random()))
        .policy(by_password)
        .kind("notes", AnyDocument)
        .origins(origin)
        .build();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on ws://{}/sync", listener.local_addr()?);
    let app = kit.router();
    Ok(kit.serve(listener, app, shutdown::signal()?).await?)
}
