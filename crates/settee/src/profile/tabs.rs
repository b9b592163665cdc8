//! Who syncs, and word between those who share a device's databases: the tabs of a browser. A
//! native program has its databases for itself.

#[cfg(target_arch = "wasm32")]
pub use browser::{Joining, Tabs};
#[cfg(not(target_arch = "wasm32"))]
pub use native::{Joining, Tabs};

/// The names of the databases that a tab uses, each with what others on it may know of whoever is there:
/// nothing if nobody is.
pub type Uses = Vec<(String, Vec<u8>)>;

/// What this tab does for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Another tab syncs, or none does.
    Follows,
    /// This one syncs for all. Another may believe the same for a while, so what is written down
    /// needs a term: see [`settee_store::Database::lead`].
    Leads,
    /// It syncs for itself alone.
    Alone,
}

#[cfg(target_arch = "wasm32")]
mod browser {
    use std::sync::Arc;

    use settee_client::browser::{Candidate, Leadership, leadership};
    use settee_keys::random::random_number;
    use tokio::sync::watch;

    use super::{Part, Uses};
    use crate::profile::report::Report;

    /// The tabs that share a place of databases.
    #[derive(Clone)]
    pub struct Tabs(Arc<Shared>);

    struct Shared {
        leadership: Leadership,
        reports: watch::Sender<Option<Arc<Report>>>,
    }

    /// What a tab does to take part.
    pub struct Joining {
        name: Option<String>,
        candidate: Candidate,
        tabs: Tabs,
    }

    impl Joining {
        /// Takes part, as long as this runs and there is a handle.
        pub async fn run(self) {
            let Self { name, candidate, tabs } = self;
            match name {
                Some(name) => candidate.seek(&name, random_number()),
                None => candidate.be_alone(),
            }
            let mut reports = tabs.0.leadership.report();
            while reports.changed().await.is_ok() {
                let report = reports.borrow_and_update().as_deref().and_then(Report::decode);
                tabs.0.reports.send_replace(report.map(Arc::new));
            }
        }
    }

    impl Tabs {
        /// All tabs that know this name; this one alone without one. It takes no part yet.
        pub fn new(name: Option<String>) -> (Self, Joining) {
            let (leadership, candidate) = Leadership::new();
            let tabs = Self(Arc::new(Shared { leadership, reports: watch::Sender::new(None) }));
            (tabs.clone(), Joining { name, candidate, tabs })
        }

        /// This tab's part now. With `seen`, waits until it differs from that.
        pub async fn part(&self, seen: Option<Part>) -> Option<Part> {
            let mut part = self.0.leadership.part();
            let now = part.wait_for(|part| Some(translated(*part)) != seen).await.ok()?;
            Some(translated(*now))
        }

        /// What the tab that syncs last said, be it this one or another.
        pub fn report(&self) -> watch::Receiver<Option<Arc<Report>>> {
            self.0.reports.subscribe()
        }

        /// Says how it goes, as the tab that syncs.
        pub fn tell(&self, report: &Report) {
            self.0.leadership.tell(report.encode());
        }

        /// Word for the tab that syncs: somebody wants it to look at once whether the server is
        /// there, and whether the other tabs have written something.
        pub fn wakes(&self) -> watch::Receiver<()> {
            self.0.leadership.wakes()
        }

        /// Wakes the tab that syncs.
        pub fn wake(&self) {
            self.0.leadership.wake();
        }

        /// Tells the tab that syncs which databases this one uses.
        pub fn tell_uses(&self, uses: Uses) {
            self.0.leadership.tell_uses(uses);
        }

        /// What other tabs use, for the tab that syncs.
        pub fn used_elsewhere(&self) -> watch::Receiver<Uses> {
            self.0.leadership.used_elsewhere()
        }

        /// A later term has begun: leaves the lead to another tab.
        pub fn step_down(&self) {
            self.0.leadership.step_down();
        }
    }

    fn translated(part: leadership::Part) -> Part {
        match part {
            leadership::Part::Follows => Part::Follows,
            leadership::Part::Leads => Part::Leads,
            leadership::Part::Alone => Part::Alone,
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::sync::Arc;

    use tokio::sync::watch;

    use super::{Part, Uses};
    use crate::profile::report::Report;

    /// There is nobody to join.
    pub struct Joining;

    impl Joining {
        #[expect(clippy::unused_async, reason = "tabs of a browser have others")]
        pub async fn run(self) {}
    }

    /// The one program that has the databases.
    #[derive(Clone)]
    pub struct Tabs {
        report: Arc<watch::Sender<Option<Arc<Report>>>>,
        wakes: Arc<watch::Sender<()>>,
        used_elsewhere: Arc<watch::Sender<Uses>>,
    }

    impl Tabs {
        pub fn new(_name: Option<String>) -> (Self, Joining) {
            let report = Arc::new(watch::Sender::new(None));
            let (wakes, used_elsewhere) = Default::default();
            (Self { report, wakes, used_elsewhere }, Joining)
        }

        /// The program's part, which never changes: with `seen`, this waits for ever.
        pub async fn part(&self, seen: Option<Part>) -> Option<Part> {
            match seen {
                None => Some(Part::Alone),
                Some(_) => std::future::pending().await,
            }
        }

        /// How it goes, as last said.
        pub fn report(&self) -> watch::Receiver<Option<Arc<Report>>> {
            self.report.subscribe()
        }

        /// Says how it goes.
        pub fn tell(&self, report: &Report) {
            self.report.send_if_modified(|known| {
                let is_new = known.as_deref() != Some(report);
                if is_new {
                    *known = Some(Arc::new(report.clone()));
                }
                is_new
            });
        }

        /// Somebody wants to know at once whether the server is there.
        pub fn wakes(&self) -> watch::Receiver<()> {
            self.wakes.subscribe()
        }

        /// Looks at once whether the server is there.
        pub fn wake(&self) {
            self.wakes.send_replace(());
        }

        /// Nobody else uses the databases: nothing is said.
        #[expect(clippy::unused_self, reason = "tabs of a browser have somebody to tell")]
        pub fn tell_uses(&self, _uses: Uses) {}

        /// Nothing is used elsewhere.
        pub fn used_elsewhere(&self) -> watch::Receiver<Uses> {
            self.used_elsewhere.subscribe()
        }

        /// Nobody else syncs, so the lead can't be left to anybody.
        #[expect(clippy::unused_self, reason = "tabs of a browser have somebody to leave it to")]
        pub fn step_down(&self) {}
    }
}
