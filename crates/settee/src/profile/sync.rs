//! Keeping this device's databases in sync, in the tab that does it for all.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use minicbor::bytes::ByteVec;
use settee_client::{
    ChannelStatus, Client, ConnectionStatus, Opening, Replica, ReplicaStatus, Status,
    runtime::{Clock, sleep},
    socket::{Connector, Socket, SocketError},
};
use settee_keys::random::random_number;
use settee_store::{BackendError, Database, backend::BoxFuture};
use settee_sync::{DenialCode, Limits, Time};
use tokio::sync::watch;

use super::{
    device::Opened,
    home::Home,
    kept::{Credentials, Kept},
    report::{DatabaseReport, Report, connection, progress, standing},
    tabs::{Part, Tabs, Uses},
    turns::{Candidate, Places, State, plan},
    used::OpenDatabases,
};

/// How long other tabs may not hear how a database is.
const LOOKS_AGAIN: Duration = Duration::from_secs(1);
/// After how long a server is asked again that gave no access to a database. It may not have heard yet that
/// an owner has given it.
const ASKS_AGAIN: Duration = Duration::from_secs(30);
/// How long opening one of the device's databases may take. One that takes longer is tried again.
const OPENING_LIMIT: Duration = Duration::from_secs(10);

/// What syncing needs, whoever does it.
pub struct Syncing {
    pub connector: Arc<dyn Connector>,
    pub limits: Limits,
    pub agent: String,
    pub places: Places,
    pub home: Home,
    pub databases: Arc<OpenDatabases>,
    pub tabs: Tabs,
    /// What the server has called itself in its last greeting.
    pub server: watch::Sender<Option<Arc<str>>>,
}

/// One connector for the clients of all terms.
pub(super) struct Shared(pub Arc<dyn Connector>);

impl Connector for Shared {
    fn connect(&self, limits: &Limits) -> BoxFuture<'static, Result<Box<dyn Socket>, SocketError>> {
        self.0.connect(limits)
    }
}

impl Syncing {
    /// Syncs whenever it is this tab's part.
    pub async fn run(self) {
        let mut part = None;
        loop {
            let Some(now) = self.tabs.part(part).await else { return };
            part = Some(now);
            if now == Part::Follows {
                continue;
            }
            tokio::select! {
                biased;
                _ = self.tabs.part(part) => {}
                () = self.sync(now == Part::Leads) => {
                    self.tabs.step_down();
                    let _ = self.tabs.part(part).await;
                }
            }
            part = None;
        }
    }

    /// Syncs until it is dropped, or until another tab has begun a later term.
    async fn sync(&self, is_led: bool) {
        let connector = Shared(self.connector.clone());
        let limits = self.limits.clone();
        let (client, run) = Client::new(connector, limits, &self.agent, random_number());
        #[cfg(target_arch = "wasm32")]
        let _device = settee_client::browser::watch_device(&client);
        let term = Term {
            syncing: self,
            client,
            clock: Clock::start(),
            is_led,
            kept: BTreeMap::new(),
            permit: None,
            turns: BTreeMap::new(),
            revoked: HashSet::new(),
            ended: BTreeMap::new(),
        };
        tokio::select! {
            biased;
            () = run => {}
            () = term.run() => {}
        }
    }
}

/// One client's time, from taking the lead to losing it.
struct Term<'a> {
    syncing: &'a Syncing,
    client: Client,
    clock: Clock,
    /// Other tabs may believe that it is they who sync.
    is_led: bool,
    /// What the device keeps, by key, as of when it was last read.
    kept: BTreeMap<String, Kept>,
    permit: Option<Credentials>,
    /// The databases that are synced now, by name.
    turns: BTreeMap<String, Turn>,
    /// Databases of which one of the credentials was good once, while the others are shown.
    revoked: HashSet<String>,
    /// When the last turns of others ended.
    ended: BTreeMap<String, Time>,
}

/// A database that is synced now.
struct Turn {
    since: Time,
    opened: Arc<Opened>,
    replica: Replica,
    /// What is shown to the server.
    shown: Credentials,
    /// What may be shown when that is denied.
    others: Vec<Credentials>,
    /// All that was kept when this began.
    known: Vec<Credentials>,
    is_granted: bool,
    /// Both sides had the same since the channel was opened: what comes now is new, or this device's
    /// own.
    has_caught_up: bool,
    /// What the server was told of who is here.
    here: Vec<u8>,
}

impl Term<'_> {
    /// Ends when the client has ended.
    async fn run(mut self) {
        let (home, databases) = (&self.syncing.home, &self.syncing.databases);
        let (mut home_news, mut uses) = (home.watch(), databases.watch_uses());
        let mut elsewhere = self.syncing.tabs.used_elsewhere();
        let mut unsaved = home.unsaved();
        let (mut status, mut wakes) = (self.client.status(), self.syncing.tabs.wakes());
        let (mut read, mut was_online, mut asked) = (None, false, self.clock.now());
        loop {
            let seq = *home_news.borrow_and_update();
            let is_new = unsaved.has_changed().unwrap_or_default();
            unsaved.borrow_and_update();
            if (is_new || read != Some(seq))
                && let Ok(kept) = home.all().await
            {
                self.kept = kept;
                read = Some(seq);
                let permit = home.permit().await;
                if permit != std::mem::replace(&mut self.permit, permit.clone()) {
                    let now = status.borrow().clone();
                    self.ask_again(&now).await;
                }
            }
            uses.borrow_and_update();
            let now = status.borrow_and_update().clone();
            self.syncing.server.send_if_modified(|known| {
                let is_new = *known != now.server;
                known.clone_from(&now.server);
                is_new
            });
            let is_online = now.connection == ConnectionStatus::Online;
            let is_back = is_online && !was_online;
            was_online = is_online;
            if is_back || self.clock.now().since(asked) >= ASKS_AGAIN {
                asked = self.clock.now();
                self.ask_again(&now).await;
            }
            self.learn(&now).await;
            let used_elsewhere = elsewhere.borrow_and_update().clone();
            self.take_turns(&now, &used_elsewhere).await;
            self.show(used_elsewhere).await;
            let now = self.client.status().borrow().clone();
            self.syncing.tabs.tell(&self.report(&now));
            tokio::select! {
                biased;
                changed = status.changed() => if changed.is_err() { return },
                // The home lives as long as this; without it nothing more comes to be known.
                Ok(()) = home_news.changed() => {}
                Ok(()) = uses.changed() => {}
                Ok(()) = elsewhere.changed() => {}
                Ok(()) = unsaved.changed() => unsaved.mark_changed(),
                Ok(()) = wakes.changed() => {
                    wakes.borrow_and_update();
                    self.client.wake();
                    self.ask_again(&now).await;
                    home.refresh();
                    databases.refresh();
                }
                // Not every edit changes the status.
                () = sleep(LOOKS_AGAIN) => {}
            }
        }
    }

    /// Opens and closes databases, so that each has its turn.
    async fn take_turns(&mut self, status: &Status, used_elsewhere: &Uses) {
        let all = std::mem::take(&mut self.kept);
        let kept: BTreeMap<&str, &Kept> =
            all.values().map(|kept| (kept.name.as_str(), kept)).collect();
        let is_gone = |(name, turn): &(&String, &Turn)| {
            !kept.contains_key(name.as_str()) || turn.opened.is_closed()
        };
        let gone = self.turns.iter().filter(is_gone).map(|(name, _)| name.clone());
        for name in gone.collect::<Vec<_>>() {
            self.end(&name).await;
        }
        for (name, kept) in &kept {
            if self.turns.get(*name).is_some_and(|turn| turn.is_outdated(kept)) {
                self.end(name).await;
                self.begin(kept, &kept.credentials).await;
            }
        }
        let is_online = status.connection == ConnectionStatus::Online;
        let candidates = kept.keys().filter_map(|name| {
            let is_used = self.syncing.databases.is_used(name)
                || used_elsewhere.iter().any(|(used, _)| used == name);
            let state = match self.turns.get(*name) {
                Some(turn) => {
                    let is_at_rest = status.replicas.get(&turn.replica).is_some_and(is_at_rest);
                    State::Synced { since: turn.since, is_at_rest }
                }
                // Nothing is loaded for a server that isn't there.
                None if is_used || is_online => {
                    State::Waits { since: self.ended.get(*name).copied() }
                }
                None => return None,
            };
            Some(Candidate { name: (*name).to_owned(), is_used, state })
        });
        let plan = plan(self.clock.now(), candidates.collect(), self.syncing.places);
        for name in &plan.close {
            self.end(name).await;
        }
        for name in &plan.open {
            if let Some(kept) = kept.get(name.as_str()) {
                self.begin(kept, &kept.credentials).await;
            }
        }
        self.kept = all;
    }

    /// Says who is here, in this tab or in others.
    async fn show(&mut self, mut uses: Uses) {
        uses.extend(self.syncing.databases.used());
        for (name, turn) in &mut self.turns {
            // Who looks at several tabs is here once.
            let here = uses.iter().filter(|(used, _)| used == name).map(|(_, here)| here);
            let here = here.max_by_key(|here| (here.len(), *here)).cloned().unwrap_or_default();
            if here != turn.here {
                turn.here.clone_from(&here);
                // It fails when the client has stopped, and another tab goes on.
                let _ =
                    self.client.show(turn.replica, Some(here).filter(|it| !it.is_empty())).await;
            }
        }
    }

    /// Begins to sync a database. If that can't be done now, it is tried again.
    ///
    /// Each try to show other credentials is a replica of its own: what was said of one before can't
    /// be taken for an answer to this one.
    async fn begin(&mut self, kept: &Kept, credentials: &[Credentials]) {
        let Some((shown, others)) = credentials.split_first() else { return };
        let Some(opened) = self.open(&kept.name).await else { return };
        let Some(database) = self.written_to(&opened).await else { return };
        let opening = Opening {
            database,
            name: kept.name.clone(),
            credentials: self.syncing.home.shown(kept, shown).await,
            is_lazy: kept.is_own,
        };
        // It fails when the client has stopped, and another tab goes on.
        let Ok(replica) = self.client.open(opening).await else { return };
        let turn = Turn {
            since: self.clock.now(),
            opened,
            replica,
            shown: shown.clone(),
            others: others.to_vec(),
            known: kept.credentials.clone(),
            is_granted: false,
            has_caught_up: false,
            here: Vec::new(),
        };
        self.turns.insert(kept.name.clone(), turn);
    }

    /// The handle to write with what the server sends: under this tab's term, where it leads others.
    async fn written_to(&self, opened: &Opened) -> Option<Database> {
        if !self.is_led {
            return Some(opened.database.clone());
        }
        match opened.database.lead().await {
            Ok(led) => Some(led),
            Err(BackendError::Superseded) => None,
            // Where nothing can be saved there is nothing to guard, and edits can still be sent.
            Err(_) => Some(opened.database.clone()),
        }
    }

    async fn open(&self, name: &str) -> Option<Arc<Opened>> {
        let opened = tokio::select! {
            opened = self.syncing.databases.open(name) => opened.ok()?,
            () = sleep(OPENING_LIMIT) => return None,
        };
        // Nobody has written to what stands in for a database that can't be saved, unless it is used.
        (opened.is_saved || self.syncing.databases.is_used(name)).then_some(opened)
    }

    /// Ends the turns of databases that were denied, so that they get new ones: access may have come
    /// back.
    async fn ask_again(&mut self, status: &Status) {
        let is_denied = |turn: &Turn| {
            let replica = status.replicas.get(&turn.replica);
            replica.is_some_and(|replica| is_denied(&replica.channel))
        };
        let denied = self.turns.iter().filter(|(_, turn)| is_denied(turn));
        for name in denied.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            self.end(&name).await;
        }
    }

    async fn end(&mut self, name: &str) {
        if let Some(turn) = self.turns.remove(name) {
            // It fails when the client has stopped.
            let _ = self.client.close(turn.replica).await;
            self.ended.insert(name.to_owned(), self.clock.now());
        }
    }

    /// Writes down what the server has granted, and shows other credentials where it has denied some.
    async fn learn(&mut self, status: &Status) {
        let all = std::mem::take(&mut self.kept);
        for (key, kept) in &all {
            let Some(turn) = self.turns.get_mut(&kept.name) else { continue };
            let Some(replica) = status.replicas.get(&turn.replica) else { continue };
            let is_open = replica.channel == ChannelStatus::Open;
            if is_revoked(&replica.channel) {
                self.revoked.insert(kept.name.clone());
            } else if is_open {
                self.revoked.remove(&kept.name);
            }
            turn.has_caught_up = is_open && (turn.has_caught_up || replica.is_up_to_date());
            match &replica.channel {
                ChannelStatus::Open
                    if !turn.is_granted || replica.role != kept.granted() || kept.is_revoked =>
                {
                    let Some(role) = replica.role else { continue };
                    turn.is_granted = true;
                    // One that is good is enough.
                    turn.others.clear();
                    let shown = turn.shown.clone();
                    // If it can't be written down, it is learnt again after the next start.
                    let home = &self.syncing.home;
                    let _ = home
                        .change(key, |now| now.name == kept.name && now.grant(&shown, role))
                        .await;
                }
                channel if is_denied(channel) => {
                    let others = turn.next_to_show(kept);
                    if !others.is_empty() {
                        self.end(&kept.name).await;
                        self.begin(kept, &others).await;
                    } else if self.revoked.contains(&kept.name) && kept.may_be_revoked() {
                        // If it can't be written down, the server says so again.
                        let _ = self
                            .syncing
                            .home
                            .change(key, |now| now.name == kept.name && now.revoke())
                            .await;
                    }
                }
                _ => {}
            }
        }
        self.kept = all;
    }

    fn report(&self, status: &Status) -> Report {
        let databases = self.turns.iter().filter_map(|(name, turn)| {
            let replica = status.replicas.get(&turn.replica)?;
            Some(DatabaseReport {
                name: name.clone(),
                standing: standing(replica),
                seq: turn.opened.database.seq(),
                progress: progress(replica).filter(|_| !turn.has_caught_up),
                rejected: replica.unreadable,
                pending: replica.pending,
                others: replica.others.iter().cloned().map(ByteVec::from).collect(),
            })
        });
        Report { connection: connection(&status.connection), databases: databases.collect() }
    }
}

impl Turn {
    /// What may be shown now that this was denied. What was good once has left nothing aside.
    fn next_to_show(&mut self, kept: &Kept) -> Vec<Credentials> {
        let mut others = std::mem::take(&mut self.others);
        if self.is_granted {
            others.clone_from(&kept.credentials);
            others.retain(|other| *other != self.shown);
        }
        others
    }

    /// Whether there is something to show that wasn't there, or wasn't in front, when this began.
    fn is_outdated(&self, kept: &Kept) -> bool {
        let is_new = kept.credentials.iter().any(|one| !self.known.contains(one));
        let first = kept.credentials.first();
        is_new || (first != self.known.first() && first != Some(&self.shown))
    }
}

/// Whether the server gives no access to what it was shown.
fn is_denied(channel: &ChannelStatus) -> bool {
    matches!(
        channel,
        ChannelStatus::Denied(denial)
            if matches!(denial.code, DenialCode::Denied | DenialCode::Revoked)
    )
}

/// Whether what it was shown was good once.
fn is_revoked(channel: &ChannelStatus) -> bool {
    matches!(channel, ChannelStatus::Denied(denial) if denial.code == DenialCode::Revoked)
}

/// Whether nothing is left to do for a database, as far as is known.
fn is_at_rest(replica: &ReplicaStatus) -> bool {
    match &replica.channel {
        ChannelStatus::Open => replica.is_up_to_date(),
        ChannelStatus::Waiting | ChannelStatus::Denied(_) => true,
        ChannelStatus::Opening => false,
    }
}
