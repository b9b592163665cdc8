//! What the page asks of the rest of the browser's side. `frontend` answers; the server has no session.

use std::any::Any;
use std::rc::Rc;

use leptos::prelude::*;
use settee::keys::{Keyring, Role, Token};
use settee::store::{Database, DocumentId};
use settee::{LinkState, Obstacle};
use settee_todo::exchange::Item;
use settee_todo::transfer::Passed;

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
    /// Shows another list, which an address of this site names.
    fn go_to(&self, href: String);
    /// Does something with a list, as soon as the code for that is there.
    fn ask(&self, command: Command);
    /// What there is to say of the link that the page was opened with.
    fn link(&self) -> RwSignal<LinkState>;
    /// Tries to connect now instead of at the next attempt.
    fn retry_now(&self);
    /// What was chosen on this device.
    fn theme(&self) -> RwSignal<Theme>;
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

/// What can be done with lists, each named by its id, with the device, and with its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Opens a link of this site: its path, and the secret behind it.
    Open {
        link: String,
    },
    /// Makes a list of these todos and goes there.
    Create {
        name: String,
        todos: Vec<Item>,
    },
    /// Makes a list with the todos of another, and goes there. In a copy of a template none is completed.
    Copy {
        list: String,
        name: String,
        is_template: bool,
    },
    /// Moves or copies todos from one list to another. `outcome` is what became of it, after `way_back`.
    Transfer {
        from: String,
        to: String,
        todos: Vec<Passed>,
        is_move: bool,
        outcome: RwSignal<Option<String>>,
        way_back: StoredValue<Option<Command>>,
    },
    /// Deletes todos that were copied into a list.
    TakeOut {
        list: String,
        todos: Vec<DocumentId>,
        outcome: RwSignal<Option<String>>,
    },
    Rename {
        list: String,
        name: String,
    },
    /// Moves a list directly in front of another, or to the end.
    Move {
        list: String,
        before: Option<String>,
    },
    /// Shows a list apart from the others, or among them again.
    Archive {
        list: String,
        is_archived: bool,
    },
    /// Says of a list how many changes of it weren't sent, before it is removed.
    Leave {
        list: ListSummary,
        tell: RwSignal<Option<ListSummary>>,
    },
    /// What is done with the device as a whole.
    Device(DeviceCommand),
    /// Removes it from this device, unless something of it was not sent.
    Decline {
        list: String,
    },
    /// Discards what was not sent of it.
    GiveUp {
        list: String,
    },
    /// Removes it from this device, with all that was not sent.
    Forget {
        list: String,
    },
    /// Has this device be told of its changes while no page is open, or not any more. `outcome` is what became of it.
    Notices {
        list: String,
        is_wanted: bool,
        outcome: RwSignal<Option<String>>,
    },
    /// Says again where this device can be reached, and what its person is called.
    Renew,
    /// Ends it for everybody: see [`settee_todo::access::end`]. It goes from this device, too.
    End {
        list: String,
    },
    /// Shows this device's pages so, from now on.
    ChooseTheme {
        theme: Theme,
    },
    /// Shows those who have the list on the screen, too, what `here` says of whoever is here, and says who they
    /// are, from now on.
    Meet {
        here: RwSignal<Option<Vec<u8>>>,
        others: RwSignal<Vec<Vec<u8>>>,
    },
    /// Remembers how many of its todos are open.
    Counted {
        list: String,
        open: usize,
    },
}

/// What can be done with all that a device keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceCommand {
    /// Says what the device shares with a person's other devices.
    TellHome { tell: RwSignal<Option<Token>> },
    /// Says how many changes weren't sent, of all lists: see [`only_here`](crate::only_here).
    TellUnsent { tell: RwSignal<Option<String>> },
    /// Saves all that this device keeps as a file, whose address `file` is then.
    BackUp { file: RwSignal<Option<String>> },
    /// Keeps all that is in such a file. `outcome` is what became of it.
    Restore { file: Vec<u8>, outcome: RwSignal<String> },
    /// Removes all that this device keeps.
    Forget,
}

/// What a list is called within a sentence.
pub fn quoted(name: &str) -> String {
    if name.is_empty() { "this list".to_owned() } else { format!("“{name}”") }
}

/// What a list is called among others.
pub fn shown_name(name: &str, is_first: bool) -> &str {
    match name {
        "" if is_first => "My list",
        "" => "Unnamed list",
        name => name,
    }
}

impl ListSummary {
    /// Whether it is the device's own first list, which stays.
    pub fn is_first(&self) -> bool {
        self.href == "/"
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListSummary {
    pub id: String,
    pub name: String,
    pub href: String,
    /// None until it is known.
    pub role: Option<Role>,
    pub is_archived: bool,
    /// This device is told of its changes while no page is open.
    pub is_told: bool,
    /// How many todos are open; none before they were counted.
    pub open: Option<usize>,
    /// How many todos wait to be sent.
    pub waiting: usize,
    /// Others have changed it since it was last on the screen.
    pub has_news: bool,
}

#[derive(Clone)]
pub struct CurrentList {
    pub id: String,
    pub name: String,
    /// None until it is known, which for a single person's invitation only the server can tell.
    pub role: Option<Role>,
    /// What this device has that opens it.
    pub keys: Keyring,
    /// This device may not even read it any more.
    pub is_revoked: bool,
    pub database: Database,
    /// Keeps the database open, and in precedence over those that nobody uses.
    pub held: Rc<dyn Any>,
}

/// What the page may do with the list that its address names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// No session yet: the state that the server renders, and hydration finds.
    Loading,
    /// This device doesn't know the list.
    Unknown,
    Read,
    /// Ticking, adding, and changing what one has added oneself.
    Help,
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

    /// Does something with a list, once there is a session.
    pub fn ask(self, command: Command) {
        if let Some(session) = self.get_untracked() {
            session.ask(command);
        }
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
            let access = |list: &CurrentList| match list.role {
                _ if list.is_revoked => Access::Read,
                Some(Role::Viewer) => Access::Read,
                Some(Role::Helper) => Access::Help,
                // While the role is unknown, nothing is taken away: the server decides on what is written.
                Some(Role::Editor | Role::Owner) | None => Access::Write,
            };
            self.current(access).unwrap_or(Access::Unknown)
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
