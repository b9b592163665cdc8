//! A server, and a client that says exactly what a test wants said.

use std::{cell::Cell, io, net::SocketAddr, time::Duration};

use axum::Router;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use settee_axum::{Helping, KeysPolicy, Kit, Limits, Origin, Policy, Quotas};
use settee_keys::Token;
use settee_store::{
    Body, DocumentId, Revision, Sqlite, Storage,
    replication::{ReplicatedDocument, ReplicatedRevision},
};
pub use settee_sync::SUBPROTOCOL;
use settee_sync::{
    Channel, Checkpoint,
    compression::expand,
    message::{
        Acknowledge, BatchNumber, Changes, Hello, Message, Open, Opened, Part, Pong, Received,
        VERSIONS, WireDocument,
    },
};
use tempfile::TempDir;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpSocket, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async, connect_async,
    tungstenite::{
        Error as SocketError, Message as Frame,
        client::IntoClientRequest,
        handshake::client::Request,
        http::{HeaderValue, StatusCode, header},
    },
};

/// Longer than anything here takes.
pub const SOON: Duration = Duration::from_secs(20);

/// What differs from test to test.
#[derive(Default)]
pub struct Settings {
    pub origins: Vec<Origin>,
    pub quotas: Quotas,
    pub limits: Limits,
}

/// A kit that keeps notes, whose owners bring them.
pub fn kit(
    storage: impl Storage + 'static,
    policy: impl Policy + 'static,
    settings: Settings,
) -> Kit {
    let Settings { origins, quotas, limits } = settings;
    Kit::builder(storage)
        .policy(policy)
        .kind("notes", validate)
        .helping(
            "notes",
            Helping {
                prefix: "note/",
                fields: &["completed"],
                settles: &["position"],
                by_leave: true,
            },
        )
        .origins(origins)
        .quotas(quotas)
        .limits(limits)
        .build()
}

fn validate(document: &ReplicatedDocument) -> Result<(), &'static str> {
    if !document.id.as_str().starts_with("note/") {
        return Err("only notes are kept here");
    }
    let bodies = document.revisions.iter().filter_map(|revision| revision.body.as_ref());
    let is_titled =
        |body: &Body| body.fields().get("title").is_some_and(serde_json::Value::is_string);
    if document.revisions.iter().all(|revision| revision.deleted) || bodies.clone().all(is_titled) {
        Ok(())
    } else {
        Err("the field “title” is missing, or not what it should be")
    }
}

pub struct TestServer {
    pub address: SocketAddr,
    pub folder: TempDir,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl TestServer {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(adjust: impl FnOnce(&mut Settings)) -> Self {
        Self::on(tempfile::tempdir().unwrap(), adjust).await
    }

    pub async fn on(folder: TempDir, adjust: impl FnOnce(&mut Settings)) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), folder, adjust).await
    }

    /// Where a server was before.
    pub async fn again(folder: TempDir, address: SocketAddr) -> Self {
        Self::at(address, folder, |_| {}).await
    }

    async fn at(address: SocketAddr, folder: TempDir, adjust: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::default();
        adjust(&mut settings);
        let storage = Sqlite::open_folder(folder.path().join("data")).unwrap();
        Self::serve(address, folder, kit(storage, KeysPolicy::new("notes"), settings)).await
    }

    pub async fn with_policy(policy: impl Policy + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = Sqlite::open_folder(folder.path().join("data")).unwrap();
        Self::of(folder, kit(storage, policy, Settings::default())).await
    }

    pub async fn of(folder: TempDir, kit: Kit) -> Self {
        Self::serve("127.0.0.1:0".parse().unwrap(), folder, kit).await
    }

    /// A server of an app with routes of its own.
    pub async fn serving(folder: TempDir, kit: Kit, app: Router) -> Self {
        Self::serve_app("127.0.0.1:0".parse().unwrap(), folder, kit, app).await
    }

    async fn serve(address: SocketAddr, folder: TempDir, kit: Kit) -> Self {
        let app = kit.router();
        Self::serve_app(address, folder, kit, app).await
    }

    async fn serve_app(address: SocketAddr, folder: TempDir, kit: Kit, app: Router) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(kit.serve(listener, app, async {
            let _ = stopped.await;
        }));
        Self { address, folder, stop, task }
    }

    /// Stops it as a signal would, and gives back its folder.
    pub async fn stop(self) -> TempDir {
        self.stop.send(()).unwrap();
        timeout(SOON, self.task).await.unwrap().unwrap().unwrap();
        self.folder
    }
}

/// Two people who work on a list of their own while a test does something else.
pub struct Bystanders {
    pub token: Token,
    address: SocketAddr,
    owner: Client,
    editor: Client,
    edits: u32,
}

impl Bystanders {
    pub async fn on(server: &TestServer) -> Self {
        let token = Token::generate();
        let (owner, _) = Client::opened(server.address, &token, &token, None).await;
        let (editor, _) = Client::opened(server.address, &token, &token.editor(0), None).await;
        Self { token, address: server.address, owner, editor, edits: 0 }
    }

    /// Somebody else with access to their list, who has no documents of it yet.
    pub async fn guest(&self) -> Client {
        let token = self.token.editor(0);
        Client::opened(self.address, &self.token, &token, None).await.0
    }

    /// Checks that they didn't notice anything.
    pub async fn are_fine(&mut self) {
        let written = note(&format!("bystander {}", self.edits));
        self.write(vec![written]).await;
    }

    /// One writes, and the other reads just that.
    pub async fn write(&mut self, documents: Vec<WireDocument>) {
        self.owner.push(1, self.edits, documents.clone()).await;
        self.edits += 1;
        assert_eq!(self.owner.acknowledged().await.refused, []);
        assert_eq!(self.editor.documents(documents.len()).await, documents);
    }

    /// Checks that they don't notice anything until something else is over.
    pub async fn are_fine_during<T>(&mut self, other: impl Future<Output = T>) -> T {
        let is_over = Cell::new(false);
        let other = async {
            let outcome = other.await;
            is_over.set(true);
            outcome
        };
        let checks = async {
            while !is_over.get() {
                self.are_fine().await;
            }
        };
        tokio::join!(other, checks).0
    }
}

pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Of a long frame, as far as it has come.
    parts: Vec<u8>,
    /// How many bytes the server has sent.
    pub received: usize,
}

impl Client {
    /// The handshake alone; the status of the answer when there is no connection.
    pub async fn handshake(
        address: SocketAddr,
        protocol: Option<&'static str>,
        origin: Option<&str>,
    ) -> Result<Self, StatusCode> {
        Self::handshake_with(address, protocol, origin.map(|origin| ("origin", origin))).await
    }

    /// The same with headers.
    pub async fn handshake_with(
        address: SocketAddr,
        protocol: Option<&'static str>,
        headers: impl IntoIterator<Item = (&'static str, &str)>,
    ) -> Result<Self, StatusCode> {
        let mut request = request(address, protocol);
        for (name, value) in headers {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        match timeout(SOON, connect_async(request)).await.unwrap() {
            Ok((socket, _)) => Ok(Self { socket, parts: Vec::new(), received: 0 }),
            Err(SocketError::Http(response)) => Err(response.status()),
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn connected(address: SocketAddr) -> Self {
        Self::handshake(address, Some(SUBPROTOCOL), None).await.unwrap()
    }

    /// Greeted, on a socket that takes next to nothing before it is read.
    pub async fn narrow(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = MaybeTlsStream::Plain(socket.connect(address).await.unwrap());
        let request = request(address, Some(SUBPROTOCOL));
        let (socket, _) = timeout(SOON, client_async(request, stream)).await.unwrap().unwrap();
        Self { socket, parts: Vec::new(), received: 0 }.greet().await
    }

    /// Connected, and both sides have said hello.
    pub async fn greeted(address: SocketAddr) -> Self {
        Self::connected(address).await.greet().await
    }

    pub async fn greet(self) -> Self {
        let mut client = self;
        client.send(Hello { versions: VERSIONS.to_vec(), agent: "test".into() }).await;
        assert!(matches!(client.receive().await, Message::Hello(_)));
        client
    }

    /// With the owner's list open in channel 1.
    pub async fn opened(
        address: SocketAddr,
        owner: &Token,
        token: &Token,
        checkpoint: Option<Checkpoint>,
    ) -> (Self, Opened) {
        let mut client = Self::greeted(address).await;
        client.ask(1, owner.database_id().as_str(), token.as_bytes(), checkpoint).await;
        let Message::Opened(opened) = client.receive().await else { panic!("not opened") };
        (client, opened)
    }

    pub async fn ask(
        &mut self,
        channel: Channel,
        database: &str,
        credentials: &[u8],
        checkpoint: Option<Checkpoint>,
    ) {
        let (database, credentials) = (database.to_owned(), credentials.to_vec());
        self.send(Open { channel, database, credentials, checkpoint }).await;
    }

    pub async fn push(
        &mut self,
        channel: Channel,
        batch: BatchNumber,
        documents: Vec<WireDocument>,
    ) {
        self.send(Changes { channel, batch, seq: None, documents, latest: None }).await;
    }

    pub async fn send(&mut self, message: impl Into<Message>) {
        self.send_frame(message.into().encode()).await;
    }

    pub async fn send_frame(&mut self, frame: Vec<u8>) {
        // The other side may have had enough of us already.
        let _ = timeout(SOON, self.socket.send(Frame::Binary(frame.into()))).await.unwrap();
    }

    /// Sends bytes that need not be a WebSocket's. Tells whether the other side is still there.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> bool {
        timeout(SOON, self.socket.get_mut().write_all(bytes)).await.unwrap().is_ok()
    }

    /// Sends frames while reading, until so many answers were read. Changes are none.
    pub async fn exchange(
        &mut self,
        frames: impl Iterator<Item = Vec<u8>>,
        answers: usize,
    ) -> Vec<Message> {
        let is_answer = |it: &Message| !matches!(it, Message::Ping(_) | Message::Changes(_));
        let (mut sink, stream) = (&mut self.socket).split();
        let send = async {
            for frame in frames {
                sink.feed(Frame::Binary(frame.into())).await.unwrap();
            }
            sink.flush().await.unwrap();
        };
        let receive = stream
            .filter_map(|frame| async move {
                let frame = frame.unwrap().into_data();
                Message::decode(&frame).unwrap().filter(is_answer)
            })
            .take(answers)
            .collect();
        tokio::join!(send, receive).1
    }

    pub async fn send_text(&mut self, text: &str) {
        timeout(SOON, self.socket.send(Frame::text(text))).await.unwrap().unwrap();
    }

    /// The next message that isn't about whether we are there.
    pub async fn receive(&mut self) -> Message {
        self.next().await.unwrap_or_else(|code| panic!("the connection ended with {code:?}"))
    }

    pub async fn acknowledged(&mut self) -> Acknowledge {
        loop {
            match self.receive().await {
                Message::Acknowledge(acknowledge) => return acknowledge,
                Message::Changes(changes) if changes.documents.is_empty() => {
                    self.land(&changes).await;
                }
                other => panic!("not an acknowledgement: {other:?}"),
            }
        }
    }

    /// The documents of the next batch that has some, which is acknowledged. All revisions have their
    /// names.
    pub async fn changes(&mut self) -> Vec<WireDocument> {
        loop {
            match self.receive().await {
                Message::Changes(changes) => {
                    self.land(&changes).await;
                    if !changes.documents.is_empty() {
                        let named = |it: &WireDocument| WireDocument::from(&it.verify().unwrap());
                        return changes.documents.iter().map(named).collect();
                    }
                }
                other => panic!("not changes: {other:?}"),
            }
        }
    }

    /// So many documents, in however many batches they come.
    pub async fn documents(&mut self, count: usize) -> Vec<WireDocument> {
        let mut documents = Vec::new();
        while documents.len() < count {
            documents.extend(self.changes().await);
        }
        documents
    }

    pub async fn land(&mut self, changes: &Changes) {
        let Changes { channel, batch, .. } = *changes;
        self.send(Acknowledge { channel, batch, refused: Vec::new(), seq: None, is_current: None })
            .await;
    }

    /// With which code the server ended the connection; whatever it says before is ignored.
    pub async fn ended(&mut self) -> Option<u16> {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }

    /// Nothing comes for a while.
    pub async fn hears_nothing(&mut self) {
        if let Ok(heard) = timeout(Duration::from_millis(200), self.next()).await {
            panic!("heard {heard:?}");
        }
    }

    async fn next(&mut self) -> Result<Message, Option<u16>> {
        loop {
            match timeout(SOON, self.socket.next()).await.expect("the server says nothing") {
                Some(Ok(Frame::Binary(message))) => {
                    self.received += message.len();
                    let expanded = expand(&message, Limits::default().frame).unwrap();
                    let frame = expanded.map_or(message, Into::into);
                    match Message::decode(&frame).unwrap().unwrap() {
                        Message::Ping(_) => self.send(Pong {}).await,
                        Message::Part(Part { bytes, is_last }) => {
                            self.send(Received {}).await;
                            self.parts.extend(bytes);
                            if is_last.is_some() {
                                let frame = std::mem::take(&mut self.parts);
                                return Ok(Message::decode(&frame).unwrap().unwrap());
                            }
                        }
                        message => return Ok(message),
                    }
                }
                Some(Ok(Frame::Close(frame))) => {
                    // Sends the answer, which the server waits for.
                    let _ = self.socket.flush().await;
                    return Err(frame.map(|frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }
}

fn request(address: SocketAddr, protocol: Option<&'static str>) -> Request {
    let mut request = format!("ws://{address}/sync").into_client_request().unwrap();
    if let Some(protocol) = protocol {
        let protocol = HeaderValue::from_static(protocol);
        request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    request
}

/// A note that nobody has seen yet.
pub fn note(title: &str) -> WireDocument {
    document("note/", title, &json!({"title": title, "completed": false}))
}

pub fn document(prefix: &str, name: &str, body: &serde_json::Value) -> WireDocument {
    let body = Body::from_serialize(body).unwrap();
    let revision = Revision::derive(None, &[], false, &body).unwrap();
    let json = Some(body.as_str().as_bytes());
    let revision = ReplicatedRevision::verified(revision, None, Vec::new(), false, json).unwrap();
    let id = DocumentId::new(&format!("{prefix}{name}")).unwrap();
    WireDocument::from(&ReplicatedDocument::verified(id, vec![revision]).unwrap())
}

/// The status of what a server answers to one request.
pub async fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> u16 {
    let answer = answer(address, path, headers).await;
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// All that a server answers to one request, but for the time.
pub async fn answer(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> String {
    answer_to(address, "GET", path, headers, "").await
}

/// The same for a request with a body.
pub async fn answer_to(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> String {
    use tokio::io::AsyncReadExt;

    let mut stream = TcpStream::connect(address).await.unwrap();
    let headers: Vec<String> =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let headers = headers.concat();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(SOON, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer.split_inclusive("\r\n").filter(|line| !line.starts_with("date:")).collect()
}
