//! What the page asks of the rest of the browser's side. `frontend` answers; the server has no session.

use std::rc::Rc;

use leptos::prelude::*;
use settee::keys::Role;
use settee::store::Database;
use settee::{LinkState, Obstacle};

use crate::status::StatusView;

/// The signals are asked for inside effects, again and again: an implementation makes each
/// of them once and hands out copies. Nobody else writes to them. Each is an `RwSignal` because a `Signal`
/// of its own type weighs half a kilobyte.
pub trait Session {
    /// All lists that this device knows.
    fn lists(&self) -> RwSignal<Vec<ListSummary>>;
    /// The list that the address names; none if this device doesn't know it.
    fn current(&self) -> RwSignal<Option<CurrentList>, LocalStorage>;
    fn status(&self) -> RwSignal<StatusView>;
    /// An absolute URL that admits to the current list. None: this device can't hand out that role.
    fn share_link(&self, role: Role) -> Option<String>;
    /// Makes a list and goes there.
    fn create_list(&self, name: String);
    /// Names the current list.
    fn rename_list(&self, name: String);
    /// What there is to say of the link that the page was opened with.
    fn link(&self) -> RwSignal<LinkState>;
    /// Tries to connect now instead of at the next attempt.
    fn retry_now(&self);
    /// What was chosen on this device.
    fn theme(&self) -> RwSignal<Theme>;
    fn choose_theme(&self, theme: Theme);
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the device says.
    #[default]
    Device,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Self; 3] = [Self::Device, Self::Light, Self::Dark];

    /// The value of `data-theme`, and what is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.name() == name).unwrap_or_default()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListSummary {
    pub id: String,
    pub name: String,
    pub href: String,
    pub current: bool,
}

#[derive(Clone)]
pub struct CurrentList {
    pub id: String,
    pub name: String,
    /// None until it is known, which for a single person's invitation only the server can tell.
    pub role: Option<Role>,
    pub database: Database,
    /// How many times the page has opened a list: the database is another handle each time.
    pub opened: u64,
}

/// What the page may do with the list that its address names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// No session yet: the state that the server renders, and hydration finds.
    Loading,
    /// This device doesn't know the list.
    Unknown,
    Read,
    Write,
}

/// The place for the session: empty on the server and while the page hydrates, filled once the
/// device's storage is open.
#[derive(Clone, Copy)]
pub struct SessionSlot {
    session: RwSignal<Option<Rc<dyn Session>>, LocalStorage>,
    obstacle: RwSignal<Option<Obstacle>>,
    /// Somebody has asked to try again.
    tries: Trigger,
}

impl SessionSlot {
    pub fn empty() -> Self {
        Self {
            session: RwSignal::new_local(None),
            obstacle: RwSignal::new(None),
            tries: Trigger::new(),
        }
    }

    /// The device's storage is open, perhaps again.
    pub fn fill(self, session: Rc<dyn Session>) {
        self.obstacle.set(None);
        self.session.set(Some(session));
    }

    /// The device's storage can't be opened now.
    pub fn fail(self, obstacle: Obstacle) {
        self.obstacle.set(Some(obstacle));
    }

    pub fn get(self) -> Option<Rc<dyn Session>> {
        self.session.get()
    }

    /// For event handlers, which depend on nothing.
    pub fn get_untracked(self) -> Option<Rc<dyn Session>> {
        self.session.get_untracked()
    }

    /// Why the device's storage isn't open; nothing if it is, or is about to be.
    pub fn obstacle(self) -> RwSignal<Option<Obstacle>> {
        self.obstacle
    }

    /// Somebody asks to try again now.
    pub fn try_again(self) {
        self.tries.notify();
    }

    /// Notifies when somebody asks to try again.
    pub fn tries(self) -> Trigger {
        self.tries
    }

    /// Reads the current list, if there is one.
    pub fn current<R>(self, read: impl FnOnce(&CurrentList) -> R) -> Option<R> {
        self.get()?.current().with(|list| list.as_ref().map(read))
    }

    pub fn access(self) -> Memo<Access> {
        Memo::new(move |_| {
            if self.get().is_none() {
                return Access::Loading;
            }
            match self.current(|list| list.role) {
                None => Access::Unknown,
                // While the role is unknown, nothing is taken away: the server decides on what is written.
                Some(role) if role.is_none_or(Role::can_write) => Access::Write,
                Some(_) => Access::Read,
            }
        })
    }

    pub fn status(self) -> Memo<StatusView> {
        Memo::new(move |_| match self.get() {
            Some(session) => session.status().get(),
            None => {
                StatusView { detail: "Opening your list…".to_owned(), ..StatusView::connecting() }
            }
        })
    }
}

impl Default for SessionSlot {
    fn default() -> Self {
        Self::empty()
    }
}
