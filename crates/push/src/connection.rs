//! The HTTPS client: only permitted addresses, one protocol, and an end to every wait.

use std::error::Error;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::Full;
use hyper::Uri;
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{HttpConnector, dns::Name};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tower_service::Service;

use crate::{EndpointError, Reach};

/// How long a connection waits for the next message to the same service.
const IDLE: Duration = Duration::from_secs(30);
/// How many connections to one service wait.
const IDLE_CONNECTIONS: usize = 4;
/// Most bytes of an answer's head.
const HEAD_LIMIT: usize = 16 * 1024;

type BoxError = Box<dyn Error + Send + Sync>;
type Later<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// It follows no redirect, and uses no proxy.
pub(crate) type HttpsClient = Client<Connector, Full<Bytes>>;

/// A client that trusts these authorities, and connects within the limit or not at all.
pub(crate) fn client(reach: Reach, limit: Duration, authorities: RootCertStore) -> HttpsClient {
    let mut http = HttpConnector::new_with_resolver(Resolver { reach });
    http.enforce_http(false);
    // A part of it for each address, so that one that doesn't answer leaves time for the others.
    http.set_connect_timeout(Some(limit));
    let connector = Connector { https: (http, tls(authorities)).into(), limit };
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .http1_max_buf_size(HEAD_LIMIT)
        .build(connector)
}

/// Mozilla's list of authorities.
pub(crate) fn public_authorities() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

fn tls(authorities: RootCertStore) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has what TLS 1.2 and 1.3 need")
        .with_root_certificates(authorities)
        .with_no_client_auth()
}

/// Why no connection was made, if the endpoint is to blame.
pub(crate) fn blamed(error: &(dyn Error + 'static)) -> Option<EndpointError> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(endpoint) = error.downcast_ref::<EndpointError>() {
            return Some(*endpoint);
        }
        cause = error.source();
    }
    None
}

/// Finds only addresses within reach. What it finds is what is connected to: a name can't mean one
/// address when it is checked and another one later.
#[derive(Clone)]
pub(crate) struct Resolver {
    reach: Reach,
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Later<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let reach = self.reach;
        Box::pin(async move {
            // The client sets the port.
            let found = lookup_host((name.as_str(), 0)).await?;
            let within: Vec<_> = found.filter(|found| reach.includes(found.ip())).collect();
            if within.is_empty() {
                Err(EndpointError::Address.into())
            } else {
                Ok(within.into_iter())
            }
        })
    }
}

/// Connects within a limit. The client may go on connecting when nobody waits for it any more.
#[derive(Clone)]
pub(crate) struct Connector {
    https: HttpsConnector<HttpConnector<Resolver>>,
    limit: Duration,
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Later<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.https.poll_ready(context)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let connected = timeout(self.limit, self.https.call(address));
        Box::pin(async move { connected.await? })
    }
}
