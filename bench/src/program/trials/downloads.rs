//! Clients that ask for a large file of the site again and again, and read nothing, where the server
//! may have fewer sockets than they: how long somebody else waits for an answer.

use std::{
    fs,
    future::pending,
    time::{Duration, Instant},
};

use settee_bench::statistics::milliseconds;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::program::{
    PATIENCE, Result,
    figure::Figure,
    open_files,
    server::{Server, data_folder},
};

const CLIENTS: u16 = 1_100;
/// The server's limit on open files.
const OPEN_FILES: u16 = 1_024;
/// As small as the system allows, so that the answers wait at the server.
const RECEIVE_BUFFER: u32 = 4_096;
/// How often each client asks.
const REQUESTS: usize = 5;
/// About the length of the app's WebAssembly, which travels as it is to those who take no compression.
const FILE_BYTES: usize = 1_500_000;
const TIME: Duration = Duration::from_mins(1);

pub async fn figures() -> Result<Vec<Figure>> {
    if open_files::room() < CLIENTS {
        return Err("the limit on open files is too low".into());
    }
    let site = site()?;
    let server = Server::with_few_files(site.path(), OPEN_FILES)?;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(ask(server.address().to_owned()));
    }
    sleep(TIME).await;
    let start = Instant::now();
    timeout(PATIENCE, health(server.address())).await??;
    let waited = milliseconds(start.elapsed());
    Ok(vec![Figure::new("downloads_health_ms", waited, "ms")])
}

/// A site with one large file.
fn site() -> Result<TempDir> {
    let site = data_folder()?;
    let package = site.path().join("pkg");
    fs::create_dir(&package)?;
    fs::write(package.join("settee.wasm"), vec![0; FILE_BYTES])?;
    fs::write(package.join("settee.js"), "")?;
    fs::write(package.join("settee.css"), "")?;
    Ok(site)
}

async fn ask(address: String) -> Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    let mut stream = socket.connect(address.parse()?).await?;
    let request = format!("GET /pkg/settee.wasm HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.repeat(REQUESTS).as_bytes()).await?;
    pending().await
}

async fn health(address: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    if answer.starts_with("HTTP/1.1 200 ") {
        return Ok(());
    }
    Err(format!("the server isn't well: {answer:?}").into())
}
