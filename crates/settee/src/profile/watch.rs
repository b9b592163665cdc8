//! How a used database is: by the report of the tab that syncs, and by what this tab itself knows.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use settee_client::runtime::sleep;
use settee_store::{Counts, Damaged};
use tokio::sync::watch;

use super::{home::Home, report::Report, tabs::Tabs, unsaved::Unsaved, used::Use};
use crate::status::{Connection, DatabaseStatus, Standing};

/// How long tabs may differ about what waits, before something is done about it.
const OUT_OF_STEP: Duration = Duration::from_secs(2);

/// What this tab knows of all databases.
pub struct Known {
    pub tabs: Tabs,
    pub home: Home,
    pub unsaved: Unsaved,
}

/// Publishes a database's status until nobody wants it any more, or until the database is closed
/// underneath, of which it gives word.
pub async fn follow(used: Weak<Use>, known: Known, sender: watch::Sender<DatabaseStatus>) {
    publish(&used, known, sender).await;
    if let Some(used) = used.upgrade() {
        used.tell_closed();
    }
}

async fn publish(used: &Weak<Use>, known: Known, sender: watch::Sender<DatabaseStatus>) {
    let Known { tabs, home, unsaved } = known;
    let (mut reports, mut unkept) = (tabs.report(), home.unsaved());
    let mut edits = unsaved.watch();
    let mut damaged = None;
    let Some(mut news) = used.upgrade().map(|used| used.opened().database.watch()) else { return };
    loop {
        let Some(now) = used.upgrade() else { return };
        let report = reports.borrow_and_update().clone();
        news.borrow_and_update();
        let Ok(counts) = now.opened().database.counts().await else { return };
        // What can't be read was found when the database was opened.
        if damaged != Some(Damaged::default()) {
            damaged = Some(now.opened().database.damaged().await.unwrap_or_default());
        }
        unkept.borrow_and_update();
        edits.borrow_and_update();
        let mut status = status(report.as_deref(), &now, counts);
        status.is_saved &= home.is_saved(now.name());
        let Damaged { documents, lost, .. } = damaged.unwrap_or_default();
        (status.damaged, status.lost) = (documents, lost);
        status.server_has_unsaved = unsaved.on_server(now.name());
        sender.send_if_modified(|known| std::mem::replace(known, status) != status);
        let seq = now.opened().database.seq();
        let is_out_of_step = is_out_of_step(report.as_deref(), now.name(), counts, seq);
        drop(now);
        let changed = tokio::select! {
            biased;
            () = sender.closed() => return,
            changed = reports.changed() => changed,
            changed = news.changed() => changed,
            changed = unkept.changed() => changed,
            changed = edits.changed() => changed,
            () = sleep(OUT_OF_STEP), if is_out_of_step => {
                if let Some(used) = used.upgrade() {
                    used.opened().database.refresh();
                }
                tabs.wake();
                Ok(())
            }
        };
        if changed.is_err() {
            return;
        }
    }
}

fn status(report: Option<&Report>, used: &Arc<Use>, counts: Counts) -> DatabaseStatus {
    let database = report.and_then(|report| report.database(used.name()));
    DatabaseStatus {
        connection: report.map_or(Connection::Connecting, |report| report.connection),
        standing: database.map(|database| database.standing),
        progress: database.and_then(|database| database.progress),
        rejected: database.map_or(0, |database| database.rejected),
        damaged: 0,
        lost: 0,
        counts,
        is_saved: used.opened().is_saved,
        server_has_unsaved: 0,
    }
}

/// Whether the tab that syncs doesn't know what this one does, or the other way round: one of them
/// has missed word of an edit, or of its being sent. Otherwise they differ for a moment at most.
fn is_out_of_step(report: Option<&Report>, name: &str, counts: Counts, seq: u64) -> bool {
    let Some(report) = report else { return false };
    let Some(database) = report.database(name) else {
        // It takes no turn yet, or that tab doesn't know that it is used.
        return report.connection == Connection::Online;
    };
    let is_done = matches!(database.standing, Standing::UpToDate | Standing::Waiting);
    let is_ahead = report.connection == Connection::Online && is_done && counts.pending > 0;
    is_ahead || seq < database.seq
}
