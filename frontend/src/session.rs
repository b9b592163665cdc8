//! What the user interface asks for.

use std::{cell::RefCell, rc::Rc};

use leptos::prelude::*;
use settee::{
    Config, Error, Settee, Synced,
    keys::{
        DatabaseId, Role, Token,
        link::{Address, Place},
    },
};
use settee_app::{CurrentList, ListSummary, StatusKind, StatusView, Theme};
use settee_todo::document::{FIRST, LINKS};
use tokio::sync::watch;
use wasm_bindgen_futures::spawn_local;

use crate::{
    lists::{self, Known},
    page, settings,
};

/// Everything behind the page. It lives as long as the page does.
pub struct Session {
    settee: Settee,
    current: Option<Current>,
    signals: Signals,
}

/// The list on the screen.
#[derive(Clone)]
struct Current {
    known: Rc<RefCell<Known>>,
    list: Synced,
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
    pub async fn start(address: Address, owner: Owner) -> Result<Self, Error> {
        let signals = owner.with(|| Signals {
            lists: RwSignal::new(Vec::new()),
            current: RwSignal::new_local(None),
            status: RwSignal::new(StatusView::connecting()),
            theme: RwSignal::new(settings::theme()),
        });
        let settee = Settee::start(Config::at(page::sync_url())).await?;
        lists::begin(&settee, FIRST, &Token::generate(), "").await?;
        if let Address { place: Place::Database(list), token: Some(token) } = &address {
            settee.join(list, token.clone()).await?;
        }
        let known = lists::all(&settee).await.into_iter().find(|known| match &address.place {
            Place::Home => known.is_first(),
            Place::Database(list) => known.id() == list,
            Place::Nowhere => false,
        });
        let mut current = None;
        if let Some(known) = known {
            let list = settee.database(known.id().as_str()).await?;
            current = Some(Current { known: Rc::new(RefCell::new(known)), list });
        }
        let session = Self { settee, current, signals };
        session.follow();
        Ok(session)
    }

    /// Keeps the signals as they should be.
    fn follow(&self) {
        let (settee, signals) = (self.settee.clone(), self.signals);
        repeat(settee.syncs_here(), async |syncs: bool| page::show_leader(syncs));
        match self.current.clone() {
            Some(current) => {
                signals.current.set(Some(current.shown()));
                let list = current.list.clone();
                repeat(list.status(), async move |status| {
                    let view = StatusView::of(&status);
                    if view.kind == StatusKind::Update {
                        settee_shell::look_for_update();
                    }
                    signals
                        .status
                        .maybe_update(|shown| std::mem::replace(shown, view.clone()) != view);
                });
                let settee = settee.clone();
                repeat(list.watch(), async move |_| current.follow_name(&settee, signals).await);
            }
            None => signals.status.set(StatusView::unknown_list()),
        }
        let current = self.current.clone();
        repeat(settee.watch_kept(), async move |_| {
            let known = lists::all(&settee).await;
            let id = current.as_ref().map(Current::id);
            signals.lists.set(known.iter().map(|known| known.summary(id.as_ref())).collect());
            let shown = known.into_iter().find(|known| Some(known.id()) == id.as_ref());
            if let (Some(current), Some(known)) = (&current, shown) {
                let role = known.keys.role();
                signals.change_current(|shown| std::mem::replace(&mut shown.role, role) != role);
                current.known.replace(known);
            }
        });
    }
}

/// Does something with a value, and again after each change to it, as long as it changes.
fn repeat<T: Clone + 'static>(mut news: watch::Receiver<T>, react: impl AsyncFn(T) + 'static) {
    spawn_local(async move {
        loop {
            let now = news.borrow_and_update().clone();
            react(now).await;
            if news.changed().await.is_err() {
                break;
            }
        }
    });
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
