//! Who else uses a database now.

use std::sync::Arc;

use settee_sync::limits::STATE_LIMIT;
use tokio::sync::watch;

use crate::profile::{report::Report, tabs::Tabs, used::Use};

/// Who is on a database: whoever uses it here, and the others. A server tells of others only those who are
/// here, and stores nothing of it.
#[derive(Clone)]
pub struct Presence {
    used: Arc<Use>,
    tabs: Tabs,
}

/// The others on a database, from now on.
pub struct Others {
    used: Arc<Use>,
    reports: watch::Receiver<Option<Arc<Report>>>,
    told: Option<Vec<Vec<u8>>>,
}

impl Presence {
    pub(crate) fn new(used: Arc<Use>, tabs: Tabs) -> Self {
        Self { used, tabs }
    }

    /// Says that somebody is here, and what the others may know of them: 1 to [`STATE_LIMIT`] bytes, which
    /// only apps understand. `None` if nobody is here any more. Tells whether it can be said. In a browser,
    /// a device says it once: of several tabs the longest state, and of these the last in the order of bytes.
    pub fn show(&self, state: Option<Vec<u8>>) -> bool {
        let state = state.unwrap_or_default();
        let fits = state.len() <= STATE_LIMIT;
        if fits {
            self.used.show(state);
        }
        fits
    }

    /// The others, as long as somebody is here.
    pub fn others(&self) -> Others {
        let mut reports = self.tabs.report();
        reports.mark_changed();
        Others { used: self.used.clone(), reports, told: None }
    }
}

impl Others {
    /// What the others say of themselves, at once and after each change. `None` when syncing has ended.
    pub async fn next(&mut self) -> Option<Vec<Vec<u8>>> {
        loop {
            self.reports.changed().await.ok()?;
            let report = self.reports.borrow_and_update().clone();
            let database = report.as_deref().and_then(|report| report.database(self.used.name()));
            let others = database.map(|it| it.others.iter().map(|one| one.to_vec()).collect());
            let others: Vec<_> = others.unwrap_or_default();
            if self.told.as_ref() != Some(&others) {
                self.told = Some(others.clone());
                return Some(others);
            }
        }
    }
}
