//! A push service on this machine. The endpoint says how it answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::stream;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A message as it arrived.
pub struct Message {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Message {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub struct Service {
    address: SocketAddr,
    messages: UnboundedReceiver<Message>,
    held: Arc<Held>,
    ended: UnboundedReceiver<()>,
}

/// Messages that are answered only when the test says so.
struct Held {
    here: AtomicUsize,
    most: AtomicUsize,
    answers: Semaphore,
}

#[derive(Clone)]
struct Shared {
    messages: UnboundedSender<Message>,
    held: Arc<Held>,
    ended: UnboundedSender<()>,
}

impl Service {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sent, messages) = unbounded_channel();
        let (end, ended) = unbounded_channel();
        let held = Arc::new(Held {
            here: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            answers: Semaphore::new(0),
        });
        let shared = Shared { messages: sent, held: held.clone(), ended: end };
        let router = Router::new()
            .route("/status/{status}", post(status))
            .route("/retry/{status}/{after}", post(retry))
            .route("/redirect", post(redirect))
            .route("/endless", post(endless))
            .route("/silent", post(silent))
            .route("/never", post(never))
            .route("/held", post(hold))
            .with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, messages, held, ended }
    }

    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }

    /// The next message.
    pub async fn message(&mut self) -> Message {
        self.messages.recv().await.unwrap()
    }

    /// The messages that have arrived since.
    pub fn messages(&mut self) -> Vec<Message> {
        std::iter::from_fn(|| self.messages.try_recv().ok()).collect()
    }

    /// An answer without end has come to one.
    pub async fn ended(&mut self) {
        self.ended.recv().await.unwrap();
    }

    /// Answers so many of the messages that are held.
    pub fn answer(&self, count: usize) {
        self.held.answers.add_permits(count);
    }

    /// How many were held at the same time.
    pub fn most_held(&self) -> usize {
        self.held.most.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn arrived(&self, uri: &Uri, headers: HeaderMap, body: Bytes) {
        let path = uri.path().to_owned();
        let _ = self.messages.send(Message { path, headers, body });
    }
}

async fn status(
    State(shared): State<Shared>,
    Path(status): Path<u16>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    shared.arrived(&uri, headers, body);
    StatusCode::from_u16(status).unwrap()
}

async fn retry(Path((status, after)): Path<(u16, String)>) -> Response {
    (StatusCode::from_u16(status).unwrap(), [("retry-after", after)], "busy").into_response()
}

async fn redirect(State(shared): State<Shared>, uri: Uri) -> Response {
    shared.arrived(&uri, HeaderMap::new(), Bytes::new());
    (StatusCode::TEMPORARY_REDIRECT, [("location", "/status/201")]).into_response()
}

async fn endless(State(shared): State<Shared>) -> Response {
    let end = End(shared.ended);
    let chunks = stream::repeat_with(move || {
        let _ = &end;
        Ok::<_, std::convert::Infallible>(Bytes::from_static(&[b'x'; 1000]))
    });
    (StatusCode::GONE, Body::from_stream(chunks)).into_response()
}

/// Sends its head and nothing more.
async fn silent(State(shared): State<Shared>) -> Response {
    let end = End(shared.ended);
    let nothing = stream::once(async move {
        let _end = end;
        std::future::pending::<Result<Bytes, std::convert::Infallible>>().await
    });
    let length: (HeaderName, &str) = (HeaderName::from_static("content-length"), "100");
    (StatusCode::CREATED, [length], Body::from_stream(nothing)).into_response()
}

async fn never(State(shared): State<Shared>) -> StatusCode {
    let _end = End(shared.ended);
    std::future::pending().await
}

async fn hold(
    State(shared): State<Shared>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let here = shared.held.here.fetch_add(1, Ordering::SeqCst) + 1;
    shared.held.most.fetch_max(here, Ordering::SeqCst);
    shared.arrived(&uri, headers, body);
    shared.held.answers.acquire().await.unwrap().forget();
    shared.held.here.fetch_sub(1, Ordering::SeqCst);
    StatusCode::CREATED
}

/// Tells that an answer is over, however it ended.
struct End(UnboundedSender<()>);

impl Drop for End {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}
