//! The route `/notices`: a device says where it can be reached.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Extension, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use settee_store::BackendError;
use settee_sync::{Denial, DenialCode, limits};
use thiserror::Error;

use super::{
    Courier,
    devices::{Device, Devices, TooMany},
};
use crate::{authorize, databases::short, http::Peer, hub::Hub, origin, visitors::Network};

/// Longest body of a request, in bytes.
const BODY_LIMIT: usize = 8 * 1024;
/// Longest name of a person, in bytes.
const WHO_LIMIT: usize = 256;

/// `GET`: what a page has to know. `POST`: a device wants to be told of a database; again, if something about it is
/// new. `DELETE`: not any more.
pub fn routes(hub: Arc<Hub>, courier: Option<Arc<dyn Courier>>) -> Router {
    let of_devices = get(key).post(add).delete(remove);
    Router::new()
        .route("/notices", of_devices.layer(DefaultBodyLimit::max(BODY_LIMIT)))
        .with_state(With { hub, courier })
}

/// What requests are answered with.
#[derive(Clone)]
struct With {
    hub: Arc<Hub>,
    courier: Option<Arc<dyn Courier>>,
}

#[derive(Serialize)]
struct Key {
    key: String,
}

/// What a device says.
#[derive(Deserialize)]
struct Body {
    /// The database's name.
    database: String,
    /// What opens it, as base64url.
    credentials: String,
    /// Where the device can be reached.
    address: String,
    /// What its person is called.
    who: Option<String>,
}

#[derive(Debug, Error)]
enum Rejection {
    #[error("pages of this origin may not ask for this")]
    Origin,
    #[error("there are too many requests from this address; try again later")]
    Crowded,
    #[error("this server tells devices nothing")]
    Nothing,
    #[error("{0} is too long, or not what it should be")]
    Field(&'static str),
    #[error("a device can't be reached there: {0}")]
    Address(String),
    #[error("{}", .0.message)]
    Denied(Denial),
    #[error("no notices are sent under this kind of access")]
    Nameless,
    #[error(transparent)]
    TooMany(#[from] TooMany),
    #[error("the server can't write this down now")]
    Store(#[from] BackendError),
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Origin | Self::Nameless => StatusCode::FORBIDDEN,
            Self::Crowded | Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Nothing => StatusCode::NOT_FOUND,
            Self::Field(_) | Self::Address(_) => StatusCode::BAD_REQUEST,
            Self::Denied(denial) => match denial.code {
                DenialCode::Unknown => StatusCode::NOT_FOUND,
                DenialCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::FORBIDDEN,
            },
            Self::Store(error) => {
                tracing::error!(%error, "can't write down where a device is reached");
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        (status, self.to_string()).into_response()
    }
}

async fn key(State(with): State<With>) -> Result<Json<Key>, Rejection> {
    let courier = with.courier.ok_or(Rejection::Nothing)?;
    Ok(Json(Key { key: courier.key() }))
}

async fn add(
    State(with): State<With>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Json(body): Json<Body>,
) -> Result<StatusCode, Rejection> {
    change(&with, peer, &headers, body, true).await
}

async fn remove(
    State(with): State<With>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Json(body): Json<Body>,
) -> Result<StatusCode, Rejection> {
    change(&with, peer, &headers, body, false).await
}

async fn change(
    with: &With,
    peer: Option<Extension<Peer>>,
    headers: &HeaderMap,
    body: Body,
    is_wanted: bool,
) -> Result<StatusCode, Rejection> {
    let With { hub, courier } = with;
    if !origin::is_allowed(headers, &hub.origins) {
        return Err(Rejection::Origin);
    }
    let network = Network::of_request(peer.map(|Extension(peer)| peer.address), headers);
    let _place = hub.visitors.enter(network).ok_or(Rejection::Crowded)?;
    let courier = courier.as_ref().ok_or(Rejection::Nothing)?;
    let Body { database: name, credentials, address, who } = body;
    if name.len() > limits::NAME_LIMIT {
        return Err(Rejection::Field("database"));
    }
    if who.as_ref().is_some_and(|who| who.len() > WHO_LIMIT) {
        return Err(Rejection::Field("who"));
    }
    let credentials = BASE64URL_NOPAD.decode(credentials.as_bytes()).ok();
    let credentials = credentials.filter(|bytes| bytes.len() <= limits::CREDENTIALS_LIMIT);
    let credentials = credentials.ok_or(Rejection::Field("credentials"))?;
    let address = courier.check(&address).map_err(Rejection::Address)?;
    let (access, handle) =
        authorize::open(hub, &name, credentials).await.map_err(Rejection::Denied)?;
    if handle.kind.notices.is_none() {
        return Err(Rejection::Nothing);
    }
    let grant = access.name.ok_or(Rejection::Nameless)?;
    let _turn = handle.shared.devices.lock().await;
    let mut devices = Devices::read(handle.store()).await?;
    let is_new = if is_wanted {
        devices.add(Device { address, grant, who, told: handle.seq() })?
    } else {
        devices.remove(&address)
    };
    if is_new {
        devices.write(handle.store()).await?;
        tracing::debug!(database = short(&name), is_wanted, "a device is told of changes");
    }
    // Also if nothing is new: whoever has said so before may have gone before this.
    handle.shared.wanted.send_modify(|count| *count += 1);
    Ok(StatusCode::NO_CONTENT)
}
