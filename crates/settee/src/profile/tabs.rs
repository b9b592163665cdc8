//! Who syncs, and word between those who share a device's databases: the tabs of a browser. A
//! native program has its databases for itself.

#[cfg(target_arch = "wasm32")]
pub use browser::Tabs;
#[cfg(not(target_arch = "wasm32"))]
pub use native::Tabs;

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
    use std::collections::HashSet;

    use settee_client::browser::{Leadership, leadership};
    use settee_keys::random::random_number;
    use tokio::sync::watch;

    use super::Part;

    /// The tabs that share a place of databases.
    #[derive(Clone)]
    pub struct Tabs(Leadership);

    impl Tabs {
        /// Takes part with all tabs that know this name; alone without one.
        pub fn join(name: Option<&str>) -> Self {
            Self(match name {
                Some(name) => Leadership::seek(name, random_number()),
                None => Leadership::alone(),
            })
        }

        /// This tab's part now. With `seen`, waits until it differs from that.
        pub async fn part(&self, seen: Option<Part>) -> Option<Part> {
            let mut part = self.0.part();
            let now = part.wait_for(|part| Some(translated(*part)) != seen).await.ok()?;
            Some(translated(*now))
        }

        /// What the tab that syncs last said, be it this one or another.
        pub fn report(&self) -> watch::Receiver<Option<Vec<u8>>> {
            self.0.report()
        }

        /// Says how it goes, as the tab that syncs.
        pub fn tell(&self, report: Vec<u8>) {
            self.0.tell(report);
        }

        /// Word for the tab that syncs: somebody wants it to look at once whether the server is
        /// there, and whether the other tabs have written something.
        pub fn wakes(&self) -> watch::Receiver<()> {
            self.0.wakes()
        }

        /// Wakes the tab that syncs.
        pub fn wake(&self) {
            self.0.wake();
        }

        /// Tells the tab that syncs which databases this one uses.
        pub fn tell_uses(&self, names: Vec<String>) {
            self.0.tell_uses(names);
        }

        /// What other tabs use, for the tab that syncs.
        pub fn used_elsewhere(&self) -> watch::Receiver<HashSet<String>> {
            self.0.used_elsewhere()
        }

        /// A later term has begun: leaves the lead to another tab.
        pub fn step_down(&self) {
            self.0.step_down();
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
    use std::{collections::HashSet, sync::Arc};

    use tokio::sync::watch;

    use super::Part;

    /// The one program that has the databases.
    #[derive(Clone)]
    pub struct Tabs {
        report: Arc<watch::Sender<Option<Vec<u8>>>>,
        wakes: Arc<watch::Sender<()>>,
        used_elsewhere: Arc<watch::Sender<HashSet<String>>>,
    }

    impl Tabs {
        pub fn join(_name: Option<&str>) -> Self {
            let report = Arc::new(watch::Sender::new(None));
            let (wakes, used_elsewhere) = Default::default();
            Self { report, wakes, used_elsewhere }
        }

        /// The program's part, which never changes: with `seen`, this waits for ever.
        pub async fn part(&self, seen: Option<Part>) -> Option<Part> {
            match seen {
                None => Some(Part::Alone),
                Some(_) => std::future::pending().await,
            }
        }

        /// How it goes, as last said.
        pub fn report(&self) -> watch::Receiver<Option<Vec<u8>>> {
            self.report.subscribe()
        }

        /// Says how it goes.
        pub fn tell(&self, report: Vec<u8>) {
            self.report.send_if_modified(|known| {
                let is_new = known.as_ref() != Some(&report);
                *known = Some(report);
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
        pub fn tell_uses(&self, _names: Vec<String>) {}

        /// Nothing is used elsewhere.
        pub fn used_elsewhere(&self) -> watch::Receiver<HashSet<String>> {
            self.used_elsewhere.subscribe()
        }

        /// Nobody else syncs, so the lead can't be left to anybody.
        #[expect(clippy::unused_self, reason = "tabs of a browser have somebody to leave it to")]
        pub fn step_down(&self) {}
    }
}
