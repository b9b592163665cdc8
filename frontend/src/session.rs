//! What the user interface asks for.

use leptos::prelude::*;
use settee_app::{CurrentList, ListSummary, StatusKind, StatusView, Theme};
use settee_client::{Client, browser::WebSocketConnector};
use settee_store::{Body, Change, Database, Edit};
use settee_sync::Limits;
use settee_todo::{
    ListId, ListInfo, Role, Token,
    document::{HOME, list_info_id},
    link::{self, Address, ListAddress},
    token::random,
};
use wasm_bindgen_futures::spawn_local;

use crate::{
    home::{Home, Known},
    lists::{Lists, OpenList},
    page, settings, status, storage,
};

const AGENT: &str = concat!("settee/", env!("CARGO_PKG_VERSION"));

/// Everything behind the page. It lives as long as the page does.
pub struct Session {
    home: Home,
    lists: Lists,
    client: Client,
    current: Option<ListId>,
    signals: Signals,
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
        let home = Home::new(storage::open(HOME).await.database).await;
        if let Address { list: ListAddress::List(list), token: Some(token) } = &address {
            home.join(list, token.clone()).await;
        }
        let connector = WebSocketConnector::new(page::sync_url());
        let chance = u64::from_le_bytes(random());
        let (client, run) = Client::new(connector, Limits::default(), AGENT, chance);
        spawn_local(run);
        settee_client::browser::watch_device(&client);

        let known = home.lists().await;
        let current = match address.list {
            ListAddress::First => known.iter().find(|known| known.is_first),
            ListAddress::List(list) => known.iter().find(|known| known.list == list),
            ListAddress::Nowhere => None,
        };
        let lists = Lists::new(home.clone(), client.clone());
        let mut session = Self { home, lists, client, current: None, signals };
        if let Some(known) = current
            && let Some(open) = session.lists.open(known).await
        {
            session.current = Some(known.list.clone());
            session.show(known, &open);
            session.follow_name(known.list.clone(), open.opened.database.clone());
        } else {
            signals.status.set(status::unknown_list());
        }
        session.follow_home();
        session.follow_status();
        session
    }

    fn show(&self, known: &Known, open: &OpenList) {
        self.signals.current.set(Some(CurrentList {
            id: known.list.to_string(),
            name: known.entry.name.clone(),
            role: open.role(&known.list),
            database: open.opened.database.clone(),
        }));
    }

    /// Keeps the list of lists, and opens those that this device has learnt of.
    fn follow_home(&self) {
        let (home, lists, current) = (self.home.clone(), self.lists.clone(), self.current.clone());
        let signal = self.signals.lists;
        spawn_local(async move {
            let mut news = home.database().watch();
            loop {
                news.borrow_and_update();
                let known = home.lists().await;
                let summaries = known.iter().map(|known| summary(known, current.as_ref()));
                signal.set(summaries.collect());
                for known in &known {
                    lists.open(known).await;
                }
                if news.changed().await.is_err() {
                    break;
                }
            }
        });
    }

    fn follow_status(&self) {
        let (lists, current, signals) = (self.lists.clone(), self.current.clone(), self.signals);
        let mut news = self.client.status();
        spawn_local(async move {
            loop {
                let status = news.borrow_and_update().clone();
                if let Some(open) = current.as_ref().and_then(|list| lists.get(list)) {
                    let replica = status.replicas.get(&open.replica);
                    let view = status::view(&status.connection, replica, open.opened.is_saved);
                    signals.status.maybe_update(|known| {
                        let is_new = *known != view;
                        *known = view;
                        is_new
                    });
                }
                lists.learn().await;
                if let Some((list, open)) =
                    current.as_ref().and_then(|list| Some((list, lists.get(list)?)))
                {
                    learn_role(signals, open.role(list));
                }
                if news.changed().await.is_err() {
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
                            entry.name.clone_from(&name);
                            true
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
        let list = self.current.as_ref()?;
        let token = self.lists.get(list)?.token_for(list, role)?;
        Some(link::invitation(&page::origin(), list, &token))
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
        let open = self.current.as_ref().and_then(|list| self.lists.get(list));
        if let Some(open) = open {
            spawn_local(async move { write_name(&open.opened.database, name).await });
        }
    }

    fn retry_now(&self) {
        self.client.wake();
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
