//! What one device keeps, and keeps in sync.

use std::{collections::BTreeMap, sync::Arc};

use settee_client::runtime::spawn;
use settee_keys::{DatabaseId, Token};
use settee_store::Database;
use tokio::sync::watch;

use crate::{
    Config, Error, Kept, Restored, Synced,
    config::Place,
    profile::{
        backup,
        device::Device,
        engine::{self, Engine},
        home::{HOME, Home},
        kept::Credentials,
        report::DatabaseReport,
        tabs::{Part, Tabs},
        taking::Taking,
        turns::Places,
        unsaved::Unsaved,
        used::OpenDatabases,
        watch::{Known, follow},
    },
    status::{DatabaseStatus, Glance},
};

/// Names of databases that are never synced begin with this, which no id does.
pub(crate) const ON_DEVICE: &str = "device/";

/// The databases of one device: a handle, whose clones are handles on the same ones. When the last is
/// gone, nothing is kept in sync any more.
///
/// Databases are opened from what is on the device, with or without a server. In a browser, one tab
/// syncs for all.
#[derive(Clone)]
pub struct Settee {
    inner: Arc<Inner>,
}

struct Inner {
    home: Home,
    databases: Arc<OpenDatabases>,
    unsaved: Unsaved,
    tabs: Tabs,
    /// Whether it is this tab that syncs.
    syncs: watch::Receiver<bool>,
    server: watch::Receiver<Option<Arc<str>>>,
    /// The tasks behind this end when it closes.
    _alive: watch::Sender<()>,
}

impl Settee {
    /// Opens what this device keeps, and begins to connect. Called within a runtime.
    ///
    /// It doesn't wait for the server. Fails if what is kept can't be read: it is still there, and a
    /// later attempt may succeed. Where a browser has no storage at all, databases are in memory and
    /// say so.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let Config { server, place, agent, limits, hidden } = config;
        let unsaved = Unsaved::default();
        let databases = Arc::new(OpenDatabases::new(Device::new(&place, unsaved.clone())?));
        let home = databases.open(HOME).await?;
        // What isn't saved no other tab can sync.
        let (tabs, joining) = Tabs::new(tabs_name(&place).filter(|_| home.is_saved));
        let home = Home::new(home);
        let (greeting, greeted) = watch::channel(None);
        let (alive, ended) = watch::channel(());
        let engine = Engine {
            server,
            places: Places { all: limits.channels, hidden },
            limits,
            agent,
            home: home.clone(),
            databases: databases.clone(),
            unsaved: unsaved.clone(),
            tabs: tabs.clone(),
            joining,
            greeting,
            ended: ended.clone(),
        };
        spawn(until(ended.clone(), engine::run(engine)));
        spawn(until(ended.clone(), tell_uses(databases.clone(), tabs.clone())));
        let (sender, syncs) = watch::channel(false);
        spawn(until(ended, tell_part(tabs.clone(), sender)));
        let inner = Inner { home, databases, unsaved, tabs, syncs, server: greeted, _alive: alive };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Keeps the server's database of that name from now on, and opens it. It can be written to at
    /// once. Credentials that are new for it are shown to the server first.
    pub async fn open(&self, name: &str, credentials: impl Into<Vec<u8>>) -> Result<Synced, Error> {
        let credentials = Credentials(credentials.into());
        let kept = Kept::new(name, credentials.0.clone());
        if !self.keep(name, kept).await?.credentials.contains(&credentials) {
            self.change(name, |kept| {
                kept.credentials.insert(0, credentials);
                true
            })
            .await?;
        }
        self.database(name).await
    }

    /// Opens a database of this device. It is synced as soon as the device keeps it.
    pub async fn database(&self, name: &str) -> Result<Synced, Error> {
        let used = self.inner.databases.use_database(name).await?;
        let mut first = DatabaseStatus::unknown();
        first.counts = used.opened().database.counts().await?;
        first.is_saved = used.opened().is_saved && self.is_saved(name);
        let (sender, status) = watch::channel(first);
        let Inner { tabs, home, unsaved, .. } = &*self.inner;
        let known = Known { tabs: tabs.clone(), home: home.clone(), unsaved: unsaved.clone() };
        spawn(follow(Arc::downgrade(&used), known, sender));
        Ok(Synced::new(used, self.inner.tabs.clone(), status))
    }

    /// A database for this device alone, which is never synced. Names are apart from those of others.
    pub async fn on_device(&self, name: &str) -> Result<Database, Error> {
        let opened = self.inner.databases.open(&format!("{ON_DEVICE}{name}")).await?;
        Ok(opened.database.clone())
    }

    /// What is known of each database that is synced now, used here or not, by name, and word of each
    /// change.
    pub fn glances(&self) -> watch::Receiver<BTreeMap<String, Glance>> {
        let mut reports = self.inner.tabs.report();
        let (sender, receiver) = watch::channel(BTreeMap::new());
        spawn(async move {
            loop {
                let report = reports.borrow_and_update().clone();
                let databases = report.iter().flat_map(|report| &report.databases);
                let glances: BTreeMap<_, _> = databases.map(DatabaseReport::glance).collect();
                sender.send_if_modified(|known| {
                    let is_new = *known != glances;
                    *known = glances;
                    is_new
                });
                let is_over = tokio::select! {
                    () = sender.closed() => true,
                    changed = reports.changed() => changed.is_err(),
                };
                if is_over {
                    return;
                }
            }
        });
        receiver
    }

    /// All databases that the device keeps, by their keys: also the homes that it shares.
    pub async fn kept(&self) -> Result<BTreeMap<String, Kept>, Error> {
        Ok(self.inner.home.all().await?)
    }

    /// The same, and word of each change to it. It ends when the device's storage is closed
    /// underneath.
    pub async fn watch_kept(&self) -> Result<watch::Receiver<BTreeMap<String, Kept>>, Error> {
        Ok(self.inner.home.watch_all().await?)
    }

    /// What is kept in memory only, by key, because it could not be written down yet: it is tried again
    /// by itself. Word of each change comes with it.
    pub fn unsaved(&self) -> watch::Receiver<BTreeMap<String, Kept>> {
        self.inner.home.unsaved()
    }

    /// Whether what the device keeps of the database of that name outlives the program: the
    /// credentials above all.
    pub fn is_saved(&self, name: &str) -> bool {
        self.inner.home.is_saved(name)
    }

    /// Whether nothing at all outlives the program: the browser has no storage for it.
    pub fn is_in_memory(&self) -> bool {
        self.inner.home.is_in_memory()
    }

    /// Keeps a database from now on under a key, which is mostly its name. If there is one under that
    /// key, it stays as it is. Returns what is there then.
    pub async fn keep(&self, key: &str, kept: Kept) -> Result<Kept, Error> {
        self.inner.home.keep(key, kept).await
    }

    /// Changes what is kept under a key. `change` tells whether it has changed anything; so does this.
    pub async fn change(
        &self,
        key: &str,
        change: impl FnOnce(&mut Kept) -> bool,
    ) -> Result<bool, Error> {
        self.inner.home.change(key, change).await
    }

    /// Keeps a database that a token opens, as somebody has shared it. If the device keeps it already,
    /// under whatever key, the token is one more for it. A server that gave no access is asked again.
    /// Returns whether the database is new on the device.
    pub async fn join(&self, id: &DatabaseId, token: Token) -> Result<bool, Error> {
        let known = self.kept().await?.into_iter().find(|(_, kept)| kept.name == id.as_str());
        match &known {
            Some((key, _)) => drop(self.change(key, |kept| kept.offer(token)).await?),
            None => drop(self.keep(id.as_str(), Kept::new(id.as_str(), *token.as_bytes())).await?),
        }
        self.wake();
        Ok(known.is_none())
    }

    /// What this device shares with a person's other devices: whoever has this token keeps what this
    /// device keeps, now and later, and this device what they keep. Made when it is first asked for.
    pub async fn home(&self) -> Result<Token, Error> {
        let known = self.kept().await?.values().find_map(Kept::home_token);
        if let Some(token) = known {
            return Ok(token);
        }
        let token = Token::generate();
        let mut kept = Kept::of_home(&token);
        kept.is_own = true;
        self.keep(&token.home_name(), kept).await?;
        Ok(token)
    }

    /// Shares the home of this token from now on. A device that does already takes once more what it has
    /// removed. Returns whether it is new on the device.
    pub async fn join_home(&self, token: &Token) -> Result<bool, Error> {
        let name = token.home_name();
        let is_new = self.inner.home.get(&name).await?.is_none();
        self.keep(&name, Kept::of_home(token)).await?;
        let forget = |home: &mut Kept| !std::mem::take(&mut home.app).is_empty();
        self.change(&name, forget).await?;
        self.wake();
        Ok(is_new)
    }

    /// Keeps what the server asks of those who bring it a database, and shows it with each that began on
    /// this device. A server that has refused some is asked again.
    pub async fn keep_permit(&self, permit: &Token) -> Result<(), Error> {
        self.inner.home.keep_permit(permit).await
    }

    /// Forgets a database, and deletes the device's copy of it with all that was not sent yet. The
    /// server's stays. Whoever has it open gets errors from it.
    pub async fn forget(&self, key: &str) -> Result<(), Error> {
        let kept = self.inner.home.get(key).await?.ok_or(Error::Unknown)?;
        self.inner.home.forget(key).await?;
        self.inner.databases.delete(&kept.name).await
    }

    /// Saves all that this device keeps as one file, whose parts are written one after another: see
    /// [`backup`](mod@crate::backup). Whoever has the file has all that it opens.
    pub async fn back_up(&self, write: impl FnMut(&[u8])) -> Result<(), Error> {
        backup::write(&self.taking(), write).await
    }

    /// Keeps all that a device had whose file this is, beside what this device keeps. To do so twice changes
    /// nothing more, but for edits that were refused, which are tried once more. Fails with [`Error::Backup`] if it is no such file or isn't whole, and then nothing was
    /// taken from it.
    pub async fn restore(&self, file: &[u8]) -> Result<Restored, Error> {
        let restored = backup::restore(&self.taking(), file).await;
        self.wake();
        restored
    }

    fn taking(&self) -> Taking {
        let Inner { home, databases, unsaved, .. } = &*self.inner;
        Taking { home: home.clone(), databases: databases.clone(), unsaved: unsaved.clone() }
    }

    /// Keeps again what is gone of this.
    pub(crate) async fn keep_again(&self, known: &BTreeMap<String, Kept>) -> Result<(), Error> {
        self.inner.home.keep_again(known).await
    }

    /// Waits until the device's storage, or a database that is used, is closed underneath: a browser
    /// does that when site data is cleared. Then everything has to be opened anew:
    /// see [`Opening`](crate::Opening).
    pub async fn closed(&self) {
        tokio::select! {
            () = self.inner.home.closed() => {}
            () = self.inner.databases.closed() => {}
        }
    }

    /// Looks at once whether the server is there.
    pub fn wake(&self) {
        self.inner.tabs.wake();
    }

    /// What the server has called itself in its last greeting.
    /// `None` where that was another tab's, or none.
    pub fn server(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.inner.server.clone()
    }

    /// Whether it is this program that syncs: in a browser another tab may do it for all.
    pub fn syncs_here(&self) -> watch::Receiver<bool> {
        self.inner.syncs.clone()
    }
}

/// The name under which the tabs of a place know each other.
fn tabs_name(place: &Place) -> Option<String> {
    match place {
        #[cfg(target_arch = "wasm32")]
        Place::Browser(prefix) => Some(format!("{prefix}-sync")),
        _ => None,
    }
}

pub(crate) async fn until(mut ended: watch::Receiver<()>, task: impl Future<Output = ()>) {
    tokio::select! {
        () = task => {}
        _ = ended.changed() => {}
    }
}

/// Tells the tab that syncs what this one uses.
async fn tell_uses(databases: Arc<OpenDatabases>, tabs: Tabs) {
    let mut changes = databases.watch_uses();
    while changes.changed().await.is_ok() {
        tabs.tell_uses(databases.used());
    }
}

async fn tell_part(tabs: Tabs, sender: watch::Sender<bool>) {
    let mut part = None;
    while let Some(now) = tabs.part(part).await {
        part = Some(now);
        sender.send_replace(now != Part::Follows);
    }
}
