//! What the user interface asks for.

use std::{cell::RefCell, rc::Rc, time::Duration};

use leptos::prelude::*;
use settee_app::{CurrentList, ListSummary, StatusKind, StatusView, Theme};
use settee_client::browser::{Leadership, sleep};
use settee_store::{Body, Change, Database, Edit};
use settee_todo::{
    ListId, ListInfo, Role, Token,
    document::{HOME, list_info_id},
    link::{self, Address, ListAddress},
    token::random,
};
use wasm_bindgen_futures::spawn_local;

use crate::{
    home::{Home, Known},
    page,
    report::Report,
    settings, status,
    storage::{self, Opened},
    sync,
};

/// How long tabs may differ about what waits, before it is seen to.
const OUT_OF_STEP: Duration = Duration::from_secs(2);
/// What the tabs of a browser know each other by.
const TABS: &str = "settee-sync";

/// Everything behind the page. It lives as long as the page does.
pub struct Session {
    home: Home,
    leadership: Leadership,
    current: Option<Current>,
    signals: Signals,
}

/// The list on the screen.
#[derive(Clone)]
struct Current {
    known: Rc<RefCell<Known>>,
    opened: Opened,
}

#[derive(Clone, Copy)]
struct Signals {
    lists: RwSignal<Vec<ListSummary>>,
    current: RwSignal<Option<CurrentList>, LocalStorage>,
    status: RwSignal<StatusView>,
    theme: RwSignal<Theme>,
}

impl Session {
    /// Opens what this device keeps, and begins to connect. The signals belong to `owner`.
    pub async fn start(address: Address, owner: Owner) -> Self {
        let signals = owner.with(|| Signals {
            lists: RwSignal::new(Vec::new()),
            current: RwSignal::new_local(None),
            status: RwSignal::new(StatusView {
                kind: StatusKind::Connecting,
                pending: 0,
                detail: String::new(),
            }),
            theme: RwSignal::new(settings::theme()),
        });
        let opened = storage::open(HOME).await;
        let mut is_shared = opened.is_saved;
        let home = Home::new(opened.database).await;
        if let Address { list: ListAddress::List(list), token: Some(token) } = &address {
            home.join(list, token.clone()).await;
        }
        let known = home.lists().await.into_iter().find(|known| match &address.list {
            ListAddress::First => known.is_first,
            ListAddress::List(list) => known.list == *list,
            ListAddress::Nowhere => false,
        });
        let mut current = None;
        if let Some(known) = known {
            let opened = storage::open(known.list.as_str()).await;
            is_shared &= opened.is_saved;
            current = Some(Current { known: Rc::new(RefCell::new(known)), opened });
        }
        // What isn't saved no other tab can sync.
        let leadership = if is_shared {
            Leadership::seek(TABS, u64::from_le_bytes(random()))
        } else {
            Leadership::alone()
        };
        let shown = current.as_ref().map(|current| (current.list(), current.opened.clone()));
        spawn_local(sync::keep_synced(leadership.clone(), home.clone(), shown));

        let session = Self { home, leadership, current, signals };
        match session.current.clone() {
            Some(current) => {
                session.show(&current);
                session.follow_name(current.list(), current.opened.database.clone());
                session.follow_status(current);
            }
            None => signals.status.set(status::unknown_list()),
        }
        session.follow_home();
        session
    }

    fn show(&self, current: &Current) {
        let known = current.known.borrow();
        self.signals.current.set(Some(CurrentList {
            id: known.list.to_string(),
            name: known.entry.name.clone(),
            role: known.role(),
            database: current.opened.database.clone(),
        }));
    }

    /// Keeps the list of lists, and what is known of the current one.
    fn follow_home(&self) {
        let (home, current, signals) = (self.home.clone(), self.current.clone(), self.signals);
        spawn_local(async move {
            let mut news = home.database().watch();
            loop {
                news.borrow_and_update();
                let known = home.lists().await;
                let list = current.as_ref().map(Current::list);
                let summaries = known.iter().map(|known| summary(known, list.as_ref()));
                signals.lists.set(summaries.collect());
                if let Some(current) = &current
                    && let Some(known) =
                        known.into_iter().find(|known| Some(&known.list) == list.as_ref())
                {
                    learn_role(signals, known.role());
                    current.known.replace(known);
                }
                if news.changed().await.is_err() {
                    break;
                }
            }
        });
    }

    fn follow_status(&self, current: Current) {
        let (leadership, mut reports) = (self.leadership.clone(), self.leadership.report());
        let signal = self.signals.status;
        spawn_local(async move {
            let list = current.list();
            let mut news = current.opened.database.watch();
            loop {
                let report = reports.borrow_and_update().as_deref().and_then(Report::decode);
                news.borrow_and_update();
                let counts = current.opened.database.counts().await.unwrap_or_default();
                let view = status::view(report.as_ref(), &list, counts, current.opened.is_saved);
                signal.maybe_update(|known| {
                    let is_new = *known != view;
                    *known = view;
                    is_new
                });
                let seq = current.opened.database.seq();
                let is_out_of_step = status::is_out_of_step(report.as_ref(), &list, counts, seq);
                let changed = tokio::select! {
                    biased;
                    changed = reports.changed() => changed,
                    changed = news.changed() => changed,
                    () = sleep(OUT_OF_STEP), if is_out_of_step => {
                        storage::refresh(&current.opened.database).await;
                        leadership.wake();
                        Ok(())
                    }
                };
                if changed.is_err() {
                    break;
                }
            }
        });
    }

    /// The list's name is a document of the list: whoever may write can change it.
    fn follow_name(&self, list: ListId, database: Database) {
        let (home, signals) = (self.home.clone(), self.signals);
        spawn_local(async move {
            let mut news = database.watch();
            loop {
                news.borrow_and_update();
                if let Some(name) = name_of(&database).await {
                    let is_new = signals.current.with_untracked(|current| {
                        current.as_ref().is_some_and(|current| current.name != name)
                    });
                    if is_new {
                        signals.current.update(|current| {
                            if let Some(current) = current {
                                current.name.clone_from(&name);
                            }
                        });
                        let rename = |entry: &mut settee_todo::HomeEntry| {
                            // Another tab may have been faster.
                            let is_new = entry.name != name;
                            entry.name.clone_from(&name);
                            is_new
                        };
                        home.change(&list, rename).await;
                    }
                }
                if news.changed().await.is_err() {
                    break;
                }
            }
        });
    }
}

impl settee_app::Session for Session {
    fn lists(&self) -> Signal<Vec<ListSummary>> {
        self.signals.lists.into()
    }

    fn current(&self) -> Signal<Option<CurrentList>, LocalStorage> {
        self.signals.current.into()
    }

    fn status(&self) -> Signal<StatusView> {
        self.signals.status.into()
    }

    fn share_link(&self, role: Role) -> Option<String> {
        let known = self.current.as_ref()?.known.borrow();
        let token = known.token_for(role)?;
        Some(link::invitation(&page::origin(), &known.list, &token))
    }

    fn create_list(&self, name: String) {
        let home = self.home.clone();
        spawn_local(async move {
            let owner = Token::generate();
            let list = owner.list_id();
            home.join(&list, owner).await;
            let opened = storage::open(list.as_str()).await;
            write_name(&opened.database, name.clone()).await;
            home.change(&list, |entry| {
                entry.name.clone_from(&name);
                true
            })
            .await;
            page::go_to(&link::path(&list));
        });
    }

    fn rename_list(&self, name: String) {
        if let Some(current) = self.current.clone() {
            spawn_local(async move { write_name(&current.opened.database, name).await });
        }
    }

    fn retry_now(&self) {
        self.leadership.wake();
    }

    fn theme(&self) -> Signal<Theme> {
        self.signals.theme.into()
    }

    fn choose_theme(&self, theme: Theme) {
        self.signals.theme.set(theme);
        settings::keep_theme(theme);
        page::show_theme(theme);
    }
}

impl Current {
    fn list(&self) -> ListId {
        self.known.borrow().list.clone()
    }
}

fn summary(known: &Known, current: Option<&ListId>) -> ListSummary {
    let name = match known.entry.name.as_str() {
        "" if known.is_first => "My list",
        "" => "Unnamed list",
        name => name,
    };
    ListSummary {
        id: known.list.to_string(),
        name: name.to_owned(),
        href: if known.is_first { "/".to_owned() } else { link::path(&known.list) },
        current: current == Some(&known.list),
    }
}

fn learn_role(signals: Signals, role: Option<Role>) {
    let is_new = signals
        .current
        .with_untracked(|current| current.as_ref().is_some_and(|current| current.role != role));
    if is_new {
        signals.current.update(|current| {
            if let Some(current) = current {
                current.role = role;
            }
        });
    }
}

async fn name_of(database: &Database) -> Option<String> {
    let document = database.get(&list_info_id()).await.ok()??;
    let info: ListInfo = serde_json::from_str(document.body.as_str()).ok()?;
    Some(info.name)
}

async fn write_name(database: &Database, name: String) {
    let Ok(document) = database.get(&list_info_id()).await else { return };
    let mut fields = document.as_ref().map(|known| known.body.fields()).unwrap_or_default();
    fields.insert("name".to_owned(), name.into());
    let Ok(body) = Body::new(fields) else { return };
    let seen = document.map(|known| known.leaves).unwrap_or_default();
    // A failure is one of the device's storage, which the todos themselves report.
    let edit = Edit { id: list_info_id(), seen, change: Change::Put(body) };
    let _ = database.write(vec![edit]).await;
}
