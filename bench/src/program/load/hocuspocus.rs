//! Yjs and Hocuspocus with many clients: its server as it is, and clients that speak the protocol by hand,
//! as light as Settee's readers.
//!
//! A list is a map of the Yjs document, and each todo is a map in it, so that its fields merge.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt};
use settee_bench::{
    documents::{Draft, Todos},
    statistics::milliseconds,
};
use settee_store::DocumentId;
use tempfile::TempDir;
use tokio::{net::TcpStream, task::JoinSet};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::program::{Result, cores, ledger::Ledger, peers::folder, server::data_folder, usage};

/// The folder of its packages, and its name among the figures.
pub const NAME: &str = "yjs";
const LIST: &str = "load";
/// The name of the map that has the todos.
const TODOS: &str = "todos";
/// Most clients that connect at the same time.
const TOGETHER: usize = 50;

// The kinds of messages, of Hocuspocus and within those of Yjs.
const SYNC: u8 = 0;
const AUTH: u8 = 2;
const STATE: u8 = 0;
const UPDATE: u8 = 2;
// The kinds of what an item of a Yjs document has, and of values.
const KEYED: u8 = 0x20;
const A_TYPE: u8 = 7;
const A_VALUE: u8 = 8;
const MAP: u8 = 1;
const STRING: u8 = 119;
const TRUE: u8 = 120;
const FALSE: u8 = 121;

/// A running server, which is killed when this is dropped.
pub struct Server {
    process: Child,
    port: u16,
    _output: BufReader<ChildStdout>,
    _folder: TempDir,
}

impl Server {
    /// Starts it on a core of its own where there are several.
    pub fn start() -> Result<Self> {
        let folder_of_data = data_folder()?;
        let mut process = cores::on_the_first(Path::new("node"))
            .arg(folder(NAME).join("server.mjs"))
            .current_dir(folder_of_data.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("node: {error}"))?;
        let output = process.stdout.take().ok_or("the server has no output")?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let port = line.trim().parse().map_err(|_| format!("the server says {line:?}"))?;
        Ok(Self { process, port, _output: output, _folder: folder_of_data })
    }

    pub fn processor_time(&self) -> Result<Duration> {
        usage::processor_time(self.process.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // This fails only if the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A connection with the list.
struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    /// Connects, and asks for all that the list has.
    async fn connect(port: u16) -> Result<Self> {
        let (socket, _) = connect_async(format!("ws://127.0.0.1:{port}")).await?;
        let mut client = Self { socket };
        let mut hello = Writer::message(AUTH);
        hello.bytes(&[0]).text("");
        client.send(hello).await?;
        let mut ask = Writer::message(SYNC);
        // It has nothing yet: the state of no writer.
        ask.bytes(&[STATE]).number(1).bytes(&[0]);
        client.send(ask).await?;
        Ok(client)
    }

    async fn send(&mut self, message: Writer) -> Result<()> {
        Ok(self.socket.send(Message::binary(message.0)).await?)
    }

    /// The next message, whatever it is.
    async fn next(&mut self) -> Result<(Instant, Vec<u8>)> {
        loop {
            let message =
                self.socket.next().await.ok_or("the server has closed the connection")??;
            if let Message::Binary(bytes) = message {
                return Ok((Instant::now(), bytes.into()));
            }
        }
    }
}

/// A client that writes.
pub struct Writing {
    client: Client,
    number: u64,
    /// How many items it has written.
    clock: u64,
}

impl Writing {
    /// Writes new todos.
    pub async fn write(&mut self, drafts: &[Draft]) -> Result<()> {
        let mut update = Writer::default();
        let items = 4 * drafts.len() as u64;
        update.number(1).number(items).number(self.number).number(self.clock);
        for (id, todo) in drafts {
            let map = self.clock;
            update.bytes(&[A_TYPE | KEYED, 1]).text(TODOS).text(id.as_str()).bytes(&[MAP]);
            for field in ["title", "completed", "position"] {
                update.bytes(&[A_VALUE | KEYED, 0]).number(self.number).number(map).text(field);
                update.number(1);
                match field {
                    "title" => update.bytes(&[STRING]).text(&todo.title),
                    "position" => update.bytes(&[STRING]).text(&todo.position),
                    _ => update.bytes(&[if todo.completed { TRUE } else { FALSE }]),
                };
            }
            self.clock += 4;
        }
        // Nothing is deleted.
        update.number(0);
        let mut message = Writer::message(SYNC);
        message.bytes(&[UPDATE]).number(update.0.len() as u64).bytes(&update.0);
        self.client.send(message).await
    }
}

/// Connects the writers. The first one writes the initial list.
pub async fn writers(server: &Server, count: u16, documents: usize) -> Result<Vec<Writing>> {
    let mut writers = Vec::new();
    for number in 1..=count {
        let client = Client::connect(server.port).await?;
        writers.push(Writing { client, number: number.into(), clock: 0 });
    }
    if let Some(first) = writers.first_mut() {
        first.write(&Todos::default().drafts(documents)).await?;
    }
    Ok(writers)
}

/// Connects readers, each of which waits for all of the ledger's documents once it has those that are
/// there. Each tells the latencies in milliseconds.
pub async fn crowd(
    server: &Server,
    readers: usize,
    documents: usize,
    ledger: &Arc<Ledger>,
) -> Result<JoinSet<Result<Vec<f64>>>> {
    let (mut connecting, mut working) = (JoinSet::new(), JoinSet::new());
    let mut begun = 0;
    loop {
        while begun < readers && connecting.len() < TOGETHER {
            connecting.spawn(up_to_date(server.port, documents));
            begun += 1;
        }
        let Some(client) = connecting.join_next().await else { return Ok(working) };
        working.spawn(watch(client??, ledger.clone()));
    }
}

async fn up_to_date(port: u16, documents: usize) -> Result<Client> {
    let mut client = Client::connect(port).await?;
    let mut seen = 0;
    while seen < documents {
        seen += ids(&client.next().await?.1).count();
    }
    Ok(client)
}

async fn watch(mut client: Client, ledger: Arc<Ledger>) -> Result<Vec<f64>> {
    let mut times = Vec::with_capacity(ledger.count());
    while times.len() < ledger.count() {
        let (at, message) = client.next().await?;
        let ages = ids(&message).filter_map(|id| ledger.age(&id, at));
        times.extend(ages.map(milliseconds));
    }
    Ok(times)
}

/// The ids of the todos that a message brings: texts with their length in front.
fn ids(message: &[u8]) -> impl Iterator<Item = DocumentId> {
    const PREFIX: &[u8] = settee_todo::document::TODO_PREFIX.as_bytes();
    let begins = message.windows(PREFIX.len()).enumerate().filter(|(_, it)| *it == PREFIX);
    begins.filter_map(|(at, _)| {
        let length = usize::from(*message.get(at.checked_sub(1)?)?);
        let id = std::str::from_utf8(message.get(at..at + length)?).ok()?;
        DocumentId::new(id).ok()
    })
}

/// Bytes as `lib0`, which Yjs uses, writes them.
#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    /// A message about the list.
    fn message(kind: u8) -> Self {
        let mut writer = Self::default();
        writer.text(LIST).bytes(&[kind]);
        writer
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Seven bits a byte, the lowest first.
    fn number(&mut self, mut number: u64) -> &mut Self {
        while number > 0x7F {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.number(text.len() as u64).bytes(text.as_bytes())
    }
}
