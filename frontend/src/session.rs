//! What the user interface asks for.

use std::{cell::Cell, collections::BTreeMap};

use leptos::prelude::*;
use settee::{
    Error, Kept, LinkState, Settee, Synced,
    browser::address_bar::{AddressBar, Following},
    keys::{DatabaseId, Role, Token, link::Place},
    leptos::follow,
};
use settee_app::{CurrentList, ListSummary, StatusKind, StatusView, Theme};
use settee_todo::document::{FIRST, LINKS};
use tokio::sync::watch;
use wasm_bindgen_futures::spawn_local;

use crate::{
    lists::{self, Known},
    page, settings,
};

const ADDRESS: AddressBar = AddressBar::new(LINKS);

thread_local! {
    /// How many times this page has opened a list.
    static OPENED: Cell<u64> = const { Cell::new(0) };
}

/// Everything behind the page, until the device's storage is closed underneath.
pub struct Session {
    settee: Settee,
    /// All that this device keeps.
    kept: watch::Receiver<BTreeMap<String, Kept>>,
    current: Option<Current>,
    signals: Signals,
    /// What keeps the signals as they should be ends with this.
    following: Owner,
    _links: Following,
}

/// The list on the screen.
#[derive(Clone)]
struct Current {
    /// As of when it was opened.
    known: Known,
    list: Synced,
}

#[derive(Clone, Copy)]
pub struct Signals {
    lists: RwSignal<Vec<ListSummary>>,
    current: RwSignal<Option<CurrentList>, LocalStorage>,
    status: RwSignal<StatusView>,
    theme: RwSignal<Theme>,
    link: RwSignal<LinkState>,
}

impl Session {
    pub async fn start(settee: Settee, signals: Signals) -> Result<Self, Error> {
        lists::begin(&settee, FIRST, &Token::generate(), "").await?;
        signals.link.set(ADDRESS.take_in(&settee).await?);
        let kept = settee.watch_kept().await?;
        let place = ADDRESS.read().place;
        let known = lists::all(&kept.borrow()).into_iter().find(|known| match &place {
            Place::Home => known.is_first(),
            Place::Database(list) => known.id() == list,
            Place::Nowhere => false,
        });
        let mut current = None;
        if let Some(known) = known {
            let list = settee.database(known.id().as_str()).await?;
            signals.show(&known, &list);
            current = Some(Current { known, list });
        }
        let is_unknown = current.is_none();
        let links = ADDRESS.follow(&settee, move |state| {
            let is_opened = state == LinkState::Good && is_unknown;
            signals.link.set(state);
            if is_opened {
                // The page was of a list that this device didn't know.
                page::reload();
            }
        });
        let following = Owner::new();
        let session = Self { settee, kept, current, signals, following, _links: links };
        session.following.with(|| session.follow());
        Ok(session)
    }

    /// Ends following what the device keeps.
    pub fn end(&self) {
        self.following.cleanup();
    }

    /// Keeps the signals as they should be.
    fn follow(&self) {
        let (signals, current) = (self.signals, self.current.clone());
        follow(self.settee.syncs_here(), async |syncs| page::show_leader(syncs));
        follow(self.settee.server(), async |it| settee_shell::server_is(&it.unwrap_or_default()));
        let id = current.as_ref().map(|current| current.known.id().clone());
        follow(self.kept.clone(), async move |kept| signals.show_lists(&kept, id.as_ref()));
        let Some(Current { known, list }) = current else {
            return signals.status.set(StatusView::unknown_list());
        };
        follow(list.status(), async move |status| {
            let view = StatusView::of(&status, known.is_own);
            if view.kind == StatusKind::Update {
                settee_shell::look_for_update();
            }
            signals.status.maybe_update(|shown| std::mem::replace(shown, view.clone()) != view);
        });
        let settee = self.settee.clone();
        follow(list.watch(), async move |_| {
            let Some(name) = lists::name_of(&list).await else { return };
            signals.change_current(|it| std::mem::replace(&mut it.name, name.clone()) != name);
            lists::remember_name(&settee, &known.key, &name).await;
        });
    }
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

    /// The list that the page is of is open, perhaps again.
    fn show(self, known: &Known, list: &Synced) {
        let opened = OPENED.get() + 1;
        OPENED.set(opened);
        self.current.set(Some(CurrentList {
            id: known.id().to_string(),
            name: known.name.clone(),
            role: known.keys.role(),
            database: list.database().clone(),
            opened,
        }));
    }

    /// `change` tells whether it has changed anything.
    fn change_current(self, change: impl FnOnce(&mut CurrentList) -> bool) {
        self.current.maybe_update(|current| current.as_mut().is_some_and(change));
    }

    fn show_lists(self, kept: &BTreeMap<String, Kept>, current: Option<&DatabaseId>) {
        let known = lists::all(kept);
        self.lists.set(known.iter().map(|known| known.summary(current)).collect());
        if let Some(shown) = known.iter().find(|known| Some(known.id()) == current) {
            let role = shown.keys.role();
            self.change_current(|shown| std::mem::replace(&mut shown.role, role) != role);
        }
    }
}

impl settee_app::Session for Session {
    fn lists(&self) -> RwSignal<Vec<ListSummary>> {
        self.signals.lists
    }

    fn current(&self) -> RwSignal<Option<CurrentList>, LocalStorage> {
        self.signals.current
    }

    fn status(&self) -> RwSignal<StatusView> {
        self.signals.status
    }

    fn link(&self) -> RwSignal<LinkState> {
        self.signals.link
    }

    fn share_link(&self, role: Role) -> Option<String> {
        let known = self.current.as_ref()?.known.latest(&self.kept.borrow())?;
        Some(ADDRESS.invitation(known.id(), &known.keys.token_for(role)?))
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

    fn theme(&self) -> RwSignal<Theme> {
        self.signals.theme
    }

    fn choose_theme(&self, theme: Theme) {
        self.signals.theme.set(theme);
        settings::keep_theme(theme);
        page::show_theme(theme);
    }
}
