//! The lists that the page has opened: the one on the screen, and some that were.

use leptos::prelude::*;
use leptos::reactive::owner::WeakOwner;

use settee::leptos::Health;

use crate::app::set_on_body;
use crate::filter::Filter;
use crate::session::{CurrentList, SessionSlot};
use crate::todos::Todos;

/// How many lists stay open, so that the way back to one is short. Lists with changes or drafts that aren't
/// saved yet stay open in any case.
const KEPT: usize = 8;

/// Has only handles, so that every component can have a copy.
#[derive(Clone, Copy)]
pub struct Opened {
    /// Changes whenever another list comes.
    shown: RwSignal<usize>,
    /// The one on the screen is in front.
    lists: StoredValue<Vec<OpenList>, LocalStorage>,
    /// What the address says, which is about the list on the screen.
    pub filter: RwSignal<Filter>,
    /// A strong handle would keep itself alive.
    owner: StoredValue<Option<WeakOwner>>,
}

struct OpenList {
    /// None as long as the device's storage isn't open.
    list: Option<CurrentList>,
    todos: Todos,
    owner: Owner,
    /// It was among the lists that the device keeps.
    is_known: bool,
}

impl Opened {
    /// Opens whatever list the session says is on the screen, as long as the current owner lives.
    pub fn follow(session: SessionSlot) -> Self {
        let filter = RwSignal::new(Filter::All);
        let owner = Owner::current().unwrap_or_default();
        let first = OpenList::new(&owner, filter);
        let opened = Self {
            shown: RwSignal::new(0),
            lists: StoredValue::new_local(vec![first]),
            filter,
            owner: StoredValue::new(Some(owner.downgrade())),
        };
        Effect::new(move || {
            if let Some(list) = session.current(CurrentList::clone) {
                opened.show(list);
            }
        });
        Effect::new(move || {
            if let Some(session) = session.get() {
                let lists = session.lists().get();
                opened.forget_others(|id| lists.iter().any(|list| list.id == id));
            }
        });
        opened
    }

    /// The list on the screen.
    pub fn todos(self) -> Todos {
        self.shown.track();
        self.todos_untracked()
    }

    pub fn todos_untracked(self) -> Todos {
        let todos = self.lists.with_value(|lists| lists.first().map(|list| list.todos));
        todos.expect("a list stands in front as long as the page does")
    }

    /// The number of times that another list has come.
    pub fn turn(self) -> usize {
        self.shown.get()
    }

    /// Whether something of any of the lists isn't saved on this device yet.
    pub fn is_saving(self) -> bool {
        let is_saving = |list: &OpenList| list.todos.is_saving().get_untracked();
        self.lists.with_value(|lists| lists.iter().any(is_saving))
    }

    /// Whether something of a list that isn't on the screen can't be saved.
    pub fn fails_elsewhere(self) -> bool {
        self.shown.track();
        let fails = |list: &OpenList| {
            list.todos.health().with(|health| matches!(health, Health::Unsaved(_)))
        };
        self.lists.with_value(|lists| lists.iter().skip(1).any(fails))
    }

    /// Lets go of lists that the device doesn't keep any more, with all that was typed into them.
    fn forget_others(self, is_kept: impl Fn(&str) -> bool) {
        let mut known = self.lists.try_update_value(std::mem::take).unwrap_or_default();
        let mut place = 0;
        known.retain_mut(|open| {
            place += 1;
            let is_kept = open.list.as_ref().is_none_or(|list| is_kept(&list.id));
            let stays = place == 1 || is_kept || !open.is_known;
            open.is_known |= is_kept;
            if !stays {
                open.owner.cleanup();
            }
            stays
        });
        self.lists.set_value(known);
    }

    fn show(self, list: CurrentList) {
        let mut known = self.lists.try_update_value(std::mem::take).unwrap_or_default();
        // What was typed before the storage was open belongs to the list that is then opened first.
        let is_it = |open: &OpenList| open.list.as_ref().is_none_or(|open| open.id == list.id);
        let at = known.iter().position(is_it);
        let mut open = if let Some(at) = at {
            known.remove(at)
        } else {
            let Some(owner) = self.owner.get_value().and_then(|owner| owner.upgrade()) else {
                return;
            };
            OpenList::new(&owner, self.filter)
        };
        open.attach(list);
        let is_new = !known.is_empty() && at != Some(0);
        known.insert(0, open);
        let mut place = 0;
        known.retain(|open| {
            place += 1;
            let stays = place <= KEPT || open.has_unsaved();
            if !stays {
                open.owner.cleanup();
            }
            stays
        });
        // Reloading the page would lose them.
        let has_drafts = known.iter().skip(1).any(OpenList::has_unsaved);
        set_on_body("data-drafts", has_drafts.then_some(""));
        self.lists.set_value(known);
        if is_new {
            self.shown.update(|turn| *turn += 1);
        }
    }
}

impl OpenList {
    fn new(owner: &Owner, filter: RwSignal<Filter>) -> Self {
        let owner = owner.with(Owner::new);
        let todos = owner.with(|| Todos::new(filter));
        Self { list: None, todos, owner, is_known: false }
    }

    fn has_unsaved(&self) -> bool {
        self.todos.is_saving().get_untracked() || self.todos.has_drafts()
    }

    fn attach(&mut self, list: CurrentList) {
        self.todos.help_as(list.keys.tag());
        match &self.list {
            None => self.todos.attach(list.database.clone(), false),
            // The device's storage was closed underneath, and opened again.
            Some(known) if !known.database.is_same(&list.database) => {
                self.todos.attach(list.database.clone(), true);
            }
            Some(_) => {}
        }
        self.list = Some(list);
    }
}
