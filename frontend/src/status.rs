//! What the line at the bottom says: the first that holds.

use settee_app::{StatusKind, StatusView};
use settee_client::{ChannelStatus, ConnectionStatus, ReplicaStatus};
use settee_sync::DenialCode;

/// The status of the list on the screen.
pub fn view(
    connection: &ConnectionStatus,
    replica: Option<&ReplicaStatus>,
    is_saved: bool,
) -> StatusView {
    let pending = replica.map_or(0, |replica| replica.pending);
    let (kind, detail) = kind(connection, replica, is_saved);
    StatusView { kind, pending, detail: detail.to_owned() }
}

/// The status where the address names a list that this device doesn't know.
pub fn unknown_list() -> StatusView {
    let detail = "This device doesn’t know this list.".to_owned();
    StatusView { kind: StatusKind::Denied, pending: 0, detail }
}

fn kind<'a>(
    connection: &ConnectionStatus,
    replica: Option<&'a ReplicaStatus>,
    is_saved: bool,
) -> (StatusKind, &'a str) {
    let Some(replica) = replica else { return (StatusKind::Connecting, "") };
    if !is_saved || replica.is_unsaved {
        return (StatusKind::Unsaved, "");
    }
    if let ChannelStatus::Denied(denial) = &replica.channel
        && matches!(denial.code, DenialCode::Denied | DenialCode::Revoked)
    {
        return (StatusKind::Denied, "The server gives no access to this list.");
    }
    if *connection == ConnectionStatus::UpdateNeeded {
        return (StatusKind::Update, "");
    }
    if replica.refused > 0 {
        return (StatusKind::Refused, "");
    }
    match connection {
        ConnectionStatus::Offline { .. } => return (StatusKind::Offline, ""),
        ConnectionStatus::Connecting => return (StatusKind::Connecting, ""),
        ConnectionStatus::Online | ConnectionStatus::UpdateNeeded => {}
    }
    match &replica.channel {
        ChannelStatus::Denied(denial) if denial.code == DenialCode::Unknown => {
            (StatusKind::Connecting, "Waiting for the list’s owner to come online.")
        }
        ChannelStatus::Denied(_) => (StatusKind::Connecting, "The server is busy. Trying again."),
        ChannelStatus::Opening => (StatusKind::Connecting, ""),
        ChannelStatus::Open if replica.is_up_to_date() => (StatusKind::Synced, ""),
        // Nothing was ever written: there is nothing to sync.
        ChannelStatus::Waiting if replica.pending == 0 => (StatusKind::Synced, ""),
        ChannelStatus::Open | ChannelStatus::Waiting => (StatusKind::Syncing, ""),
    }
}
