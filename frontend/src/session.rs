//! What the user interface asks for.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use leptos::prelude::*;
use settee::{
    Config, Error, Kept, Settee, Synced,
    keys::{DatabaseId, Role, Token, link::Place},
};
use settee_app::{CurrentList, LinkState, ListSummary, StatusKind, StatusView, Theme};
use settee_todo::document::{FIRST, LINKS};
use tokio::sync::watch;
use wasm_bindgen_futures::spawn_local;

use crate::{
    links,
    lists::{self, Known},
    page, settings,
};

thread_local! {
    /// How many times this page has opened a list.
    static OPENED: Cell<u64> = const { Cell::new(0) };
}

/// Everything behind the page, until the device's storage is closed underneath.
pub struct Session {
    settee: Settee,
    current: Option<Current>,
    signals: Signals,
    /// Tasks that keep the signals as they should be end with this.
    alive: RefCell<Option<watch::Sender<()>>>,
}

/// The list on the screen.
#[derive(Clone)]
struct Current {
    known: Rc<RefCell<Known>>,
    list: Synced,
    opened: u64,
}

#[derive(Clone, Copy)]
pub struct Signals {
    lists: RwSignal<Vec<ListSummary>>,
    current: RwSignal<Option<CurrentList>, LocalStorage>,
    status: RwSignal<StatusView>,
    theme: RwSignal<Theme>,
    link: RwSignal<LinkState>,
}

impl Signals {
    /// They belong to the current reactive owner.
    pub fn new() -> Self {
        Self {
            lists: RwSignal::new(Vec::new()),
            current: RwSignal::new_local(None),
            status: RwSignal::new(StatusView::connecting()),
            theme: RwSignal::new(settings::theme()),
            link: RwSignal::new(LinkState::Good),
        }
    }
}

impl Session {
    /// Opens what this device keeps, and begins to connect. `known` is what it kept when it was last
    /// open: where that is gone, it is kept again.
    pub async fn start(signals: Signals, known: &BTreeMap<String, Kept>) -> Result<Self, Error> {
        let settee = Settee::start(Config::at(page::sync_url())).await?;
        for (key, kept) in known {
            settee.keep(key, kept.clone()).await?;
        }
        lists::begin(&settee, FIRST, &Token::generate(), "").await?;
        signals.link.set(links::take_in(&settee).await?);
        let address = page::address();
        let known = lists::all(&settee).await.into_iter().find(|known| match &address.place {
            Place::Home => known.is_first(),
            Place::Database(list) => known.id() == list,
            Place::Nowhere => false,
        });
        let mut current = None;
        if let Some(known) = known {
            let list = settee.database(known.id().as_str()).await?;
            let opened = OPENED.get() + 1;
            OPENED.set(opened);
            current = Some(Current { known: Rc::new(RefCell::new(known)), list, opened });
        }
        let alive = RefCell::new(Some(watch::Sender::new(())));
        let session = Self { settee, current, signals, alive };
        session.follow();
        Ok(session)
    }

    /// Ends following what the device keeps. Returns that, as far as this page knows it.
    pub async fn end(&self) -> BTreeMap<String, Kept> {
        self.alive.take();
        self.settee.kept().await.unwrap_or_default()
    }

    /// Waits until the device's storage is closed underneath.
    pub async fn closed(&self) {
        let (mut home, list) = (self.settee.watch_kept(), self.current.as_ref());
        let mut list = list.map(|current| current.list.watch());
        loop {
            let is_closed = tokio::select! {
                changed = home.changed() => changed.is_err(),
                changed = next(list.as_mut()) => changed,
            };
            if is_closed {
                return;
            }
        }
    }

    /// Takes in a link that was opened in this page.
    pub async fn take_link(&self) {
        if !page::has_secret() {
            return;
        }
        let state = links::take_in(&self.settee).await;
        let state = state.unwrap_or_else(|_| LinkState::NotKept(page::link()));
        let is_opened = state == LinkState::Good && self.current.is_none();
        self.signals.link.set(state);
        if is_opened {
            // The page was of a list that this device didn't know.
            page::reload();
        }
    }

    /// Keeps the signals as they should be.
    fn follow(&self) {
        let (settee, signals) = (self.settee.clone(), self.signals);
        let repeat = Repeat(self.alive.borrow().as_ref().map(watch::Sender::subscribe));
        repeat.with(settee.syncs_here(), async |syncs: bool| page::show_leader(syncs));
        match self.current.clone() {
            Some(current) => {
                signals.current.set(Some(current.shown()));
                let list = current.list.clone();
                let known = current.known.clone();
                repeat.with(list.status(), async move |status| {
                    let view = StatusView::of(&status, known.borrow().is_own);
                    if view.kind == StatusKind::Update {
                        settee_shell::look_for_update();
                    }
                    signals
                        .status
                        .maybe_update(|shown| std::mem::replace(shown, view.clone()) != view);
                });
                let settee = settee.clone();
                repeat
                    .with(list.watch(), async move |_| current.follow_name(&settee, signals).await);
            }
            None => signals.status.set(StatusView::unknown_list()),
        }
        let (current, kept) = (self.current.clone(), settee.clone());
        repeat.with(settee.watch_kept(), async move |_| {
            follow_kept(&kept, current.as_ref(), signals).await;
        });
        let (current, kept) = (self.current.clone(), settee.clone());
        repeat.with(settee.unsaved(), async move |_| {
            follow_kept(&kept, current.as_ref(), signals).await;
            if page::has_secret() {
                signals.link.set(links::settle(&kept, &page::address()));
            }
        });
    }
}

/// What the device keeps has changed.
async fn follow_kept(settee: &Settee, current: Option<&Current>, signals: Signals) {
    let known = lists::all(settee).await;
    let id = current.map(Current::id);
    signals.lists.set(known.iter().map(|known| known.summary(id.as_ref())).collect());
    let shown = known.into_iter().find(|known| Some(known.id()) == id.as_ref());
    if let (Some(current), Some(known)) = (current, shown) {
        let role = known.keys.role();
        signals.change_current(|shown| std::mem::replace(&mut shown.role, role) != role);
        current.known.replace(known);
    }
}

/// Waits for the next change, and tells whether there can be none any more.
async fn next(news: Option<&mut watch::Receiver<u64>>) -> bool {
    match news {
        Some(news) => news.changed().await.is_err(),
        None => std::future::pending().await,
    }
}

/// Does something with a value, and again after each change to it, until the session ends.
struct Repeat(Option<watch::Receiver<()>>);

impl Repeat {
    fn with<T: Clone + 'static>(
        &self,
        mut news: watch::Receiver<T>,
        react: impl AsyncFn(T) + 'static,
    ) {
        let Some(mut ended) = self.0.clone() else { return };
        spawn_local(async move {
            loop {
                let now = news.borrow_and_update().clone();
                react(now).await;
                let is_over = tokio::select! {
                    changed = news.changed() => changed.is_err(),
                    _ = ended.changed() => true,
                };
                if is_over {
                    break;
                }
            }
        });
    }
}

impl Signals {
    /// `change` tells whether it has changed anything.
    fn change_current(self, change: impl FnOnce(&mut CurrentList) -> bool) {
        self.current.maybe_update(|current| current.as_mut().is_some_and(change));
    }
}

impl Current {
    fn id(&self) -> DatabaseId {
        self.known.borrow().id().clone()
    }

    fn shown(&self) -> CurrentList {
        let known = self.known.borrow();
        CurrentList {
            id: known.id().to_string(),
            name: known.name.clone(),
            role: known.keys.role(),
            database: self.list.database().clone(),
            opened: self.opened,
        }
    }

    async fn follow_name(&self, settee: &Settee, signals: Signals) {
        let Some(name) = lists::name_of(&self.list).await else { return };
        signals.change_current(|shown| std::mem::replace(&mut shown.name, name.clone()) != name);
        let (key, is_new) = {
            let known = self.known.borrow();
            (known.key.clone(), known.name != name)
        };
        if is_new {
            lists::remember_name(settee, &key, &name).await;
        }
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

    fn link(&self) -> Signal<LinkState> {
        self.signals.link.into()
    }

    fn share_link(&self, role: Role) -> Option<String> {
        let known = self.current.as_ref()?.known.borrow();
        Some(LINKS.invitation(&page::origin(), known.id(), &known.keys.token_for(role)?))
    }

    fn create_list(&self, name: String) {
        let settee = self.settee.clone();
        spawn_local(async move {
            let owner = Token::generate();
            let id = owner.database_id();
            // A failure is one of the device's storage, and then there is no list to go to.
            if lists::begin(&settee, id.as_str(), &owner, &name).await.is_ok()
                && let Ok(list) = settee.database(id.as_str()).await
            {
                lists::write_name(&list, name).await;
                page::go_to(&LINKS.path(&id));
            }
        });
    }

    fn rename_list(&self, name: String) {
        if let Some(current) = self.current.clone() {
            spawn_local(async move { lists::write_name(&current.list, name).await });
        }
    }

    fn retry_now(&self) {
        self.settee.wake();
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
