//! Upgrading a request to a connection, or rejecting it.

use std::sync::Arc;

use axum::{
    extract::{Extension, State, WebSocketUpgrade, ws::WebSocket},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use settee_sync::{
    COMPRESSING_SUBPROTOCOL, SUBPROTOCOL,
    message::{Goodbye, GoodbyeCode, Message},
};
use thiserror::Error;
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    compressing::Compressing,
    connection::{self, Client},
    http::Peer,
    hub::Hub,
    origin,
    transport::Transport,
    visitors::{Network, Visitor},
    wire::{WRITE_LIMIT, Wire},
};

/// Small, because a server may have thousands of idle connections.
const BUFFER: usize = 4 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("pages of this origin may not connect here")]
    Origin,
    #[error("there are too many connections; try again later")]
    Full,
    #[error("there are too many connections from this address; try again later")]
    Crowded,
    #[error("the server stops; it will be back")]
    Stopping,
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Origin => StatusCode::FORBIDDEN,
            Self::Full | Self::Crowded | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        };
        tracing::info!(reason = %self, "connection rejected");
        (status, self.to_string()).into_response()
    }
}

pub async fn upgrade(
    State(hub): State<Arc<Hub>>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Rejection> {
    if !origin::is_allowed(&headers, &hub.origins) {
        return Err(Rejection::Origin);
    }
    if hub.stopping.is_told() {
        return Err(Rejection::Stopping);
    }
    let seat = hub.seats.clone().try_acquire_owned().map_err(|_| Rejection::Full)?;
    let client = client(&hub, peer.map(|Extension(peer)| peer), &headers)?;
    let mut upgrade = upgrade
        .protocols([COMPRESSING_SUBPROTOCOL, SUBPROTOCOL])
        .max_message_size(hub.limits.frame)
        .max_frame_size(hub.limits.frame)
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_write_buffer_size(WRITE_LIMIT);
    if let Some(protocol) = upgrade.selected_protocol() {
        let compresses = protocol == COMPRESSING_SUBPROTOCOL;
        return Ok(upgrade.on_upgrade(move |socket| serve(hub, client, socket, compresses, seat)));
    }
    // A browser hides why a request was rejected, but not why a connection was closed. So this is
    // the only way for an app of another version to learn that it has to be updated.
    let other = upgrade.requested_protocols().next().cloned();
    if let Some(other) = other {
        upgrade.set_selected_protocol(other);
    }
    Ok(upgrade.on_upgrade(move |socket| turn_away(socket, seat)))
}

/// Who connects, if there may be one more from there.
fn client(hub: &Arc<Hub>, peer: Option<Peer>, headers: &HeaderMap) -> Result<Client, Rejection> {
    let network = Network::of_request(peer.as_ref().map(|peer| peer.address), headers);
    let place = hub.visitors.enter(network).ok_or(Rejection::Crowded)?;
    let visitor = Arc::new(Visitor::new(place, &hub.quotas));
    let held = peer.map_or_else(|| Arc::new(hub.work.held()), |peer| peer.held);
    Ok(Client { visitor, held })
}

async fn serve(
    hub: Arc<Hub>,
    client: Client,
    socket: WebSocket,
    compresses: bool,
    _seat: OwnedSemaphorePermit,
) {
    let transport: Box<dyn Transport> = if compresses {
        Box::new(Compressing::new(socket, hub.limits.frame, client.held.clone()))
    } else {
        Box::new(socket)
    };
    connection::run(hub, client, transport).await;
}

async fn turn_away(socket: WebSocket, _seat: OwnedSemaphorePermit) {
    tracing::info!("connection without a subprotocol in common");
    let code = GoodbyeCode::NoCommonVersion;
    let goodbye = Goodbye { code, message: "no version of the protocol in common".to_owned() };
    let mut wire = Wire::new(Box::new(socket));
    wire.send(Message::from(goodbye).encode());
    wire.close(code).await;
}
