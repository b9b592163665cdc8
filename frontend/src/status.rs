//! What the line at the bottom says: the first that holds.

use settee_app::{StatusKind, StatusView};
use settee_store::Counts;
use settee_todo::ListId;

use crate::report::{Connection, Report, Standing};

/// The status of the list on the screen: by the report of the tab that syncs, if one has been
/// heard, and by what this tab itself knows.
pub fn view(report: Option<&Report>, list: &ListId, counts: Counts, is_saved: bool) -> StatusView {
    let list = report.and_then(|report| report.list(list.as_str()));
    let standing = list.map(|list| list.standing);
    let connection = report.map_or(Connection::Connecting, |report| report.connection);
    let (kind, detail) = kind(connection, standing, counts, is_saved);
    let detail = match list.and_then(|list| list.progress) {
        Some((here, there)) if kind == StatusKind::Syncing => {
            format!("Receiving {} of {}…", grouped(here), grouped(there))
        }
        _ => detail.to_owned(),
    };
    StatusView { kind, pending: counts.pending, detail }
}

/// Whether the tab that syncs doesn't know what this one does, or the other way round: one of them
/// has missed word of an edit, or that it was sent. Else they differ for a moment at most.
pub fn is_out_of_step(report: Option<&Report>, list: &ListId, counts: Counts, seq: u64) -> bool {
    let Some(report) = report else { return false };
    let Some(list) = report.list(list.as_str()) else { return false };
    let is_done = matches!(list.standing, Standing::UpToDate | Standing::Waiting);
    let is_ahead = report.connection == Connection::Online && is_done && counts.pending > 0;
    is_ahead || seq < list.seq
}

/// The status where the address names a list that this device doesn't know.
pub fn unknown_list() -> StatusView {
    let detail = "This device doesn’t know this list.".to_owned();
    StatusView { kind: StatusKind::Denied, pending: 0, detail }
}

/// A number with a comma before each three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn kind(
    connection: Connection,
    standing: Option<Standing>,
    counts: Counts,
    is_saved: bool,
) -> (StatusKind, &'static str) {
    if !is_saved || standing == Some(Standing::Unsaved) {
        return (StatusKind::Unsaved, "");
    }
    if standing == Some(Standing::NoAccess) {
        return (StatusKind::Denied, "The server gives no access to this list.");
    }
    if standing == Some(Standing::Revoked) {
        return (StatusKind::Denied, "Your access to this list was taken back.");
    }
    if standing == Some(Standing::ReadOnly) {
        return (StatusKind::Denied, "You may only look at this list now. Your changes stay here.");
    }
    if connection == Connection::UpdateNeeded {
        return (StatusKind::Update, "");
    }
    if counts.refused > 0 {
        return (StatusKind::Refused, "");
    }
    match connection {
        Connection::Offline => return (StatusKind::Offline, ""),
        Connection::Connecting => return (StatusKind::Connecting, ""),
        Connection::Online | Connection::UpdateNeeded => {}
    }
    match standing {
        Some(Standing::Absent) => {
            (StatusKind::Connecting, "Waiting for the list’s owner to come online.")
        }
        Some(Standing::Busy) => (StatusKind::Connecting, "The server is busy. Trying again."),
        // Where nothing was ever written a list waits, and there is nothing to sync.
        Some(Standing::UpToDate | Standing::Waiting) if counts.pending == 0 => {
            (StatusKind::Synced, "")
        }
        Some(Standing::UpToDate | Standing::Waiting | Standing::Behind) => {
            (StatusKind::Syncing, "")
        }
        _ => (StatusKind::Connecting, ""),
    }
}
