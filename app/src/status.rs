//! What the status line says: the first that holds.

use settee::{Connection, DatabaseStatus, Standing};

/// In order of precedence: the first that holds is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusKind {
    /// This device can't save.
    Unsaved,
    Denied,
    /// The server speaks a newer protocol than this page.
    Update,
    Refused,
    /// This device couldn't take in something that the server has sent.
    Rejected,
    Offline,
    Connecting,
    Syncing,
    Synced,
}

impl StatusKind {
    /// The value of `data-sync`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unsaved => "unsaved",
            Self::Denied => "denied",
            Self::Update => "update",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Offline => "offline",
            Self::Connecting => "connecting",
            Self::Syncing => "syncing",
            Self::Synced => "synced",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusView {
    pub kind: StatusKind,
    /// This list's documents with changes that the server hasn't acknowledged.
    pub pending: usize,
    /// A whole sentence; if empty, the page has one for the kind.
    pub detail: String,
    /// The number of changes that this device could not save and that the server has.
    pub server_has_unsaved: usize,
    /// The number of this list's documents that have lost changes of this device.
    pub lost: usize,
}

impl StatusView {
    /// Before anything is known.
    pub fn connecting() -> Self {
        let kind = StatusKind::Connecting;
        Self { kind, pending: 0, detail: String::new(), server_has_unsaved: 0, lost: 0 }
    }

    /// Where the address names a list that this device doesn't know.
    pub fn unknown_list() -> Self {
        let detail = "This device doesn’t know this list.".to_owned();
        Self { kind: StatusKind::Denied, detail, ..Self::connecting() }
    }

    /// What there is to say of a list.
    /// `is_own` if it began on this device, so that nothing of it was ever elsewhere only.
    pub fn of(status: &DatabaseStatus, is_own: bool) -> Self {
        let (kind, mut detail) = judge(status);
        let is_awaited = !is_own && status.counts.documents == 0;
        if is_awaited && kind == StatusKind::Offline {
            detail = "This list appears here once you’re online.";
        }
        if is_own && status.standing == Some(Standing::NoAccess) {
            detail = "This server takes no new lists. This one stays on this device.";
        }
        if status.rejected > 0 && kind == StatusKind::Synced {
            let (kind, detail) = (StatusKind::Rejected, rejected(status.rejected));
            return Self { kind, detail, lost: status.lost, ..Self::connecting() };
        }
        let detail = match (status.progress, kind) {
            (Some((here, there)), StatusKind::Syncing) => {
                format!("Receiving {} of {}…", grouped(here), grouped(there))
            }
            (_, StatusKind::Offline | StatusKind::Connecting) if status.damaged > 0 => {
                damaged(status.damaged)
            }
            _ => detail.to_owned(),
        };
        let DatabaseStatus { counts, server_has_unsaved, lost, .. } = *status;
        Self { kind, pending: counts.pending, detail, server_has_unsaved, lost }
    }

    pub fn sentence(&self) -> String {
        if !self.detail.is_empty() {
            return self.detail.clone();
        }
        let changes = match self.pending {
            1 => "1 change".to_owned(),
            n => format!("{n} changes"),
        };
        match (self.kind, self.pending) {
            (StatusKind::Unsaved, _) => "Changes can't be saved on this device".to_owned(),
            (StatusKind::Denied, _) => "The server gives no access to this list".to_owned(),
            (StatusKind::Update, _) => "Reload to get the new version of Settee".to_owned(),
            (StatusKind::Refused, _) => "Some changes were refused".to_owned(),
            (StatusKind::Rejected, _) => "Something from the server can’t be shown".to_owned(),
            (StatusKind::Offline, 0) => "Offline. Saved on this device".to_owned(),
            (StatusKind::Offline, _) => format!("Offline: {changes} waiting"),
            (StatusKind::Connecting, 0) => "Saved on this device. Connecting…".to_owned(),
            (StatusKind::Connecting, _) => format!("Connecting: {changes} waiting"),
            (StatusKind::Syncing, 0) => "Syncing…".to_owned(),
            (StatusKind::Syncing, _) => format!("Syncing {changes}…"),
            (StatusKind::Synced, _) => "All changes synced".to_owned(),
        }
    }
}

/// The first kind that holds, with a sentence of its own where that of the kind doesn't do.
fn judge(status: &DatabaseStatus) -> (StatusKind, &'static str) {
    let DatabaseStatus { connection, standing, counts, is_saved, .. } = *status;
    if !is_saved || standing == Some(Standing::Unsaved) {
        return (StatusKind::Unsaved, "");
    }
    match standing {
        Some(Standing::NoAccess) => {
            return (StatusKind::Denied, "The server gives no access to this list.");
        }
        Some(Standing::Revoked) => {
            return (StatusKind::Denied, "You have no access to this list any more.");
        }
        Some(Standing::ReadOnly) => {
            let detail = "You may only look at this list now. Your changes stay here.";
            return (StatusKind::Denied, detail);
        }
        _ => {}
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
        // A list that nothing was ever written to waits, and there is nothing to sync.
        Some(Standing::UpToDate | Standing::Waiting) if counts.pending == 0 => {
            (StatusKind::Synced, "")
        }
        Some(Standing::UpToDate | Standing::Waiting | Standing::Behind) => {
            (StatusKind::Syncing, "")
        }
        _ => (StatusKind::Connecting, ""),
    }
}

fn rejected(count: usize) -> String {
    match count {
        1 => "1 todo from the server is damaged, and left out here".to_owned(),
        count => format!("{count} todos from the server are damaged, and left out here"),
    }
}

fn damaged(count: usize) -> String {
    match count {
        1 => "1 todo is damaged on this device, and comes back once you’re online.".to_owned(),
        n => format!("{n} todos are damaged on this device, and come back once you’re online."),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_holds_is_said() {
        let said = |change: fn(&mut DatabaseStatus)| {
            let mut status = DatabaseStatus::unknown();
            status.connection = Connection::Online;
            status.standing = Some(Standing::UpToDate);
            change(&mut status);
            StatusView::of(&status, true).kind
        };
        assert_eq!(said(|_| {}), StatusKind::Synced);
        assert_eq!(said(|status| status.counts.pending = 1), StatusKind::Syncing);
        assert_eq!(said(|status| status.connection = Connection::Offline), StatusKind::Offline);
        assert_eq!(said(|status| status.standing = Some(Standing::Absent)), StatusKind::Connecting);
        let both = |status: &mut DatabaseStatus| {
            status.connection = Connection::Offline;
            status.counts.refused = 1;
        };
        assert_eq!(said(both), StatusKind::Refused);
        assert_eq!(said(|status| status.is_saved = false), StatusKind::Unsaved);
        assert_eq!(said(|status| status.rejected = 1), StatusKind::Rejected);
        let mut offline = DatabaseStatus::unknown();
        offline.connection = Connection::Offline;
        assert!(StatusView::of(&offline, false).sentence().contains("once you’re online"));
        assert!(StatusView::of(&offline, true).sentence().contains("Saved on this device"));
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
