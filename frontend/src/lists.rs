//! The lists that this tab syncs, each with its place at the server.

use std::{cell::RefCell, collections::HashMap, time::Duration};

use settee_client::{
    ChannelStatus, Client, Replica,
    browser::{Leadership, sleep},
    client::{Opening, Status},
};
use settee_store::{BackendError, Database};
use settee_sync::{DenialCode, Role};
use settee_todo::{HomeEntry, ListId, Token};

use crate::{
    home::{Home, Known},
    report::{ListReport, Report, progress},
    storage::{self, Opened},
};

/// How long another tab may not hear how far a list is.
const LOOKS_AGAIN: Duration = Duration::from_secs(1);

/// All lists that the home knows, whether or not they are on the screen.
pub struct Lists {
    home: Home,
    client: Client,
    /// The one on the screen, which is open already.
    shown: Option<(ListId, Opened)>,
    /// Other tabs may believe that it is they who sync.
    is_led: bool,
    synced: RefCell<HashMap<ListId, Synced>>,
}

#[derive(Clone)]
struct Synced {
    database: Database,
    replica: Replica,
    /// What is shown to the server, and what may be when that is denied.
    token: Token,
    others: Vec<Token>,
    /// All that the home had when it was last looked at.
    known: Vec<Token>,
    granted: Option<Role>,
}

impl Lists {
    pub fn new(home: Home, client: Client, shown: Option<(ListId, Opened)>, is_led: bool) -> Self {
        Self { home, client, shown, is_led, synced: RefCell::default() }
    }

    /// Opens the lists that the device knows, and those that it comes to know. Never ends.
    pub async fn follow_home(&self) {
        let mut news = self.home.database().watch();
        loop {
            news.borrow_and_update();
            let mut lists = self.home.lists().await;
            let shown = self.shown.as_ref().map(|(list, _)| list);
            lists.sort_by_key(|known| Some(&known.list) != shown);
            for known in &lists {
                self.sync(known).await;
            }
            let is_complete =
                lists.iter().all(|known| self.synced.borrow().contains_key(&known.list));
            let changed = tokio::select! {
                biased;
                changed = news.changed() => changed,
                // One that could not be opened is tried again.
                () = sleep(LOOKS_AGAIN), if !is_complete => Ok(()),
            };
            if changed.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Tells the other tabs how it goes, and the home what the server says. Ends with the client.
    ///
    /// It looks again every now and then, for not every edit changes how it goes.
    pub async fn follow_status(&self, leadership: &Leadership) {
        let mut news = self.client.status();
        loop {
            let status = news.borrow_and_update().clone();
            leadership.tell(self.report(&status).encode());
            self.learn(&status).await;
            let changed = tokio::select! {
                biased;
                changed = news.changed() => changed,
                () = sleep(LOOKS_AGAIN) => Ok(()),
            };
            if changed.is_err() {
                break;
            }
        }
    }

    /// Reads what the other tabs have written.
    pub async fn refresh(&self) {
        storage::refresh(self.home.database()).await;
        let databases: Vec<Database> =
            self.synced.borrow().values().map(|synced| synced.database.clone()).collect();
        for database in databases {
            storage::refresh(&database).await;
        }
    }

    fn report(&self, status: &Status) -> Report {
        let lists = self.synced.borrow();
        let lists = lists.iter().filter_map(|(list, synced)| {
            let replica = status.replicas.get(&synced.replica)?;
            let seq = synced.database.seq();
            let (id, progress) = (list.to_string(), progress(replica));
            Some(ListReport { id, standing: replica.into(), seq, progress })
        });
        Report { connection: (&status.connection).into(), lists: lists.collect() }
    }

    /// Begins to sync a list, or shows the tokens that came to it.
    async fn sync(&self, known: &Known) {
        let tokens = &known.entry.tokens;
        let synced = self.synced.borrow().get(&known.list).cloned();
        let database = match &synced {
            Some(synced) if tokens.iter().all(|token| synced.known.contains(token)) => return,
            Some(synced) => Some(synced.database.clone()),
            None => self.open(&known.list).await,
        };
        if let (Some(database), Some((token, others))) = (database, tokens.split_first()) {
            let known_tokens = tokens.clone();
            self.begin(&known.list, database, token.clone(), others.to_vec(), known_tokens).await;
        }
    }

    /// A handle to write down with what the server sends.
    async fn open(&self, list: &ListId) -> Option<Database> {
        let opened = match &self.shown {
            Some((shown, opened)) if shown == list => opened.clone(),
            // Nobody has written to what stands in for a list that isn't on the screen.
            _ => Some(storage::open(list.as_str()).await).filter(|opened| opened.is_saved)?,
        };
        if !self.is_led {
            return Some(opened.database);
        }
        match opened.database.lead().await {
            Ok(led) => Some(led),
            Err(BackendError::Superseded) => None,
            // Where nothing can be saved there is nothing to guard, and edits can still be sent.
            Err(_) => Some(opened.database),
        }
    }

    /// Shows a token to the server, in a replica of its own: what was said of one before can't be
    /// taken for an answer to this one.
    async fn begin(
        &self,
        list: &ListId,
        database: Database,
        token: Token,
        others: Vec<Token>,
        known: Vec<Token>,
    ) {
        let before = self.synced.borrow_mut().remove(list);
        // Both fail when the client has stopped, and another tab goes on.
        if let Some(before) = before {
            let _ = self.client.close(before.replica).await;
        }
        let opening = Opening {
            database: database.clone(),
            name: list.to_string(),
            credentials: token.as_bytes().to_vec(),
            is_lazy: token.list_id() == *list,
        };
        let Ok(replica) = self.client.open(opening).await else { return };
        let synced = Synced { database, replica, token, others, known, granted: None };
        self.synced.borrow_mut().insert(list.clone(), synced);
    }

    /// Writes down what the server has granted, and shows other tokens where it has denied one.
    async fn learn(&self, status: &Status) {
        let lists: Vec<(ListId, Replica)> = self
            .synced
            .borrow()
            .iter()
            .map(|(list, synced)| (list.clone(), synced.replica))
            .collect();
        for (list, replica) in lists {
            let Some(replica_status) = status.replicas.get(&replica) else { continue };
            match &replica_status.channel {
                ChannelStatus::Open => self.granted(&list, replica, replica_status.role).await,
                ChannelStatus::Denied(denial)
                    if matches!(denial.code, DenialCode::Denied | DenialCode::Revoked) =>
                {
                    self.denied(&list, replica).await;
                }
                _ => {}
            }
        }
    }

    async fn granted(&self, list: &ListId, replica: Replica, role: Option<Role>) {
        let Some(role) = role else { return };
        let token = {
            let mut lists = self.synced.borrow_mut();
            let Some(synced) = lists.get_mut(list) else { return };
            if synced.replica != replica || synced.granted == Some(role) {
                return;
            }
            synced.granted = Some(role);
            // One that is good is enough.
            synced.others.clear();
            synced.token.clone()
        };
        let learn = |entry: &mut HomeEntry| {
            let before = entry.clone();
            entry.prefer(&token);
            entry.set_role(role);
            *entry != before
        };
        self.home.change(list, learn).await;
    }

    async fn denied(&self, list: &ListId, replica: Replica) {
        let synced = self.synced.borrow().get(list).cloned();
        let Some(Synced { database, mut others, known, replica: present, .. }) = synced else {
            return;
        };
        if present == replica && !others.is_empty() {
            let next = others.remove(0);
            self.begin(list, database, next, others, known).await;
        }
    }
}
