//! What the user interface asks for.

use std::{
    cell::{OnceCell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use leptos::prelude::*;
use settee::{
    Error, Kept, LinkState, Settee,
    browser::address_bar::{AddressBar, Following},
    keys::Token,
};
use settee_app::{Command, CurrentList, ListSummary, StatusView, Theme};
use settee_todo::document::{FIRST, LINKS};
use tokio::sync::watch;
use wasm_bindgen_futures::spawn_local;

use crate::{
    keeper::{Keeper, With},
    later, lists, page,
    shown::Shown,
};

pub const ADDRESS: AddressBar = AddressBar::new(LINKS);

/// Everything behind the page, until the device's storage is closed underneath.
pub struct Session {
    settee: Settee,
    /// All that this device keeps.
    kept: watch::Receiver<BTreeMap<String, Kept>>,
    shown: Rc<Shown>,
    signals: Signals,
    asked: Rc<Asked>,
    /// What keeps the signals as they should be ends with this.
    following: Owner,
    _links: Following,
}

#[derive(Clone, Copy)]
pub struct Signals {
    /// All lists, in order, once the keeper is there.
    pub lists: RwSignal<Vec<ListSummary>>,
    pub current: RwSignal<Option<CurrentList>, LocalStorage>,
    pub status: RwSignal<StatusView>,
    pub theme: RwSignal<Theme>,
    pub link: RwSignal<LinkState>,
}

impl Session {
    pub async fn start(settee: Settee, signals: Signals) -> Result<Self, Error> {
        lists::begin(&settee, FIRST, &Token::generate(), "").await?;
        signals.link.set(ADDRESS.take_in(&settee).await?);
        let kept = settee.watch_kept().await?;
        let following = Owner::new();
        let shown = Rc::new(Shown::new(settee.clone(), signals, &following));
        shown.show_at(None).await?;
        let opening = shown.clone();
        let links = ADDRESS.follow(&settee, move |state| {
            let is_good =
                matches!(state, LinkState::Good | LinkState::Joined(_) | LinkState::JoinedHome);
            signals.link.set(state);
            if is_good {
                // The address may be of a list that this device didn't know.
                show(opening.clone(), None);
            }
        });
        let asked = Rc::default();
        let session = Self { settee, kept, shown, signals, asked, following, _links: links };
        session.following.with(|| session.follow());
        Ok(session)
    }

    /// Ends following what the device keeps.
    pub fn end(&self) {
        self.following.cleanup();
    }

    /// Keeps the signals as they should be.
    fn follow(&self) {
        let with = With {
            settee: self.settee.clone(),
            kept: self.kept.clone(),
            shown: self.shown.clone(),
            signals: self.signals,
            owner: self.following.clone(),
        };
        let asked = Rc::downgrade(&self.asked);
        spawn_local(async move {
            let keeper = later::keeper(with).await;
            if let Some(asked) = asked.upgrade() {
                asked.answer(keeper);
            }
        });
        let shown = self.shown.clone();
        let back = window_event_listener(leptos::ev::popstate, move |_| show(shown.clone(), None));
        on_cleanup(move || back.remove());
    }
}

/// Shows the list of a path, or of the address.
fn show(shown: Rc<Shown>, path: Option<String>) {
    spawn_local(async move {
        if shown.show_at(path.as_deref()).await.is_err() {
            page::start_anew();
        }
    });
}

/// What was asked for before the keeper's code is there.
#[derive(Default)]
struct Asked {
    waiting: RefCell<Vec<Command>>,
    keeper: OnceCell<Keeper>,
}

impl Asked {
    fn ask(&self, command: Command) {
        match self.keeper.get() {
            Some(keeper) => keeper.take(command),
            None => self.waiting.borrow_mut().push(command),
        }
    }

    fn answer(&self, keeper: Keeper) {
        let keeper = self.keeper.get_or_init(|| keeper);
        for command in self.waiting.take() {
            keeper.take(command);
        }
    }
}

impl Signals {
    /// They belong to the current reactive owner.
    pub fn new() -> Self {
        Self {
            lists: RwSignal::new(Vec::new()),
            current: RwSignal::new_local(None),
            status: RwSignal::new(StatusView::connecting()),
            theme: RwSignal::new(settee_app::settings::theme()),
            link: RwSignal::new(LinkState::Good),
        }
    }

    /// `change` tells whether it has changed anything.
    pub fn change_current(self, change: impl FnOnce(&mut CurrentList) -> bool) {
        self.current.maybe_update(|current| current.as_mut().is_some_and(change));
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

    fn go_to(&self, href: String) {
        show(self.shown.clone(), Some(href));
    }

    fn ask(&self, command: Command) {
        self.asked.ask(command);
    }

    fn retry_now(&self) {
        self.settee.wake();
    }

    fn theme(&self) -> RwSignal<Theme> {
        self.signals.theme
    }
}
