//! How many open todos each list has, and whether others have changed it since it was last on the screen.
//!
//! Lists are many, and most of them are closed. So the counts are kept in a database of this device. The
//! tab that shows a list counts it, and the tab that syncs counts the others when something has come.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Duration,
};

use leptos::prelude::*;
use settee::{
    Glance, Settee,
    client::runtime::sleep,
    leptos::follow,
    store::{Database, DocumentId},
};
use settee_todo::{document::Count, list::count};
use tokio::sync::watch;
use wasm_bindgen_futures::spawn_local;

use crate::page;

/// The name of the database. A document's id is that of its list.
const COUNTS: &str = "counts";
/// How long a number may lag behind.
const LAG: Duration = Duration::from_secs(1);

pub struct Counts {
    settee: Settee,
    /// None until it is open. Without it nothing is told of lists but their names.
    database: RefCell<Option<Database>>,
    /// By the lists' ids.
    all: RefCell<BTreeMap<String, Count>>,
    glances: watch::Receiver<BTreeMap<String, Glance>>,
    changed: watch::Sender<()>,
    /// What the page has counted and shown itself, which is still to be written.
    told: RefCell<BTreeMap<String, Told>>,
    is_counting: Cell<bool>,
    /// Something has changed since lists were last counted.
    has_word: Cell<bool>,
}

/// What a page that has shown a list knows of it.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    open: Option<usize>,
    /// The update sequence, and that of what could be seen.
    seq: Option<u64>,
    seen: Option<u64>,
}

/// What there is to tell of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct News {
    pub open: Option<usize>,
    /// How many todos wait to be sent.
    pub waiting: usize,
    /// Something has come since the list was last on the screen.
    pub is_changed: bool,
}

impl Counts {
    pub fn new(settee: Settee) -> Rc<Self> {
        let glances = settee.glances();
        Rc::new(Self {
            settee,
            database: RefCell::default(),
            all: RefCell::default(),
            glances,
            changed: watch::Sender::new(()),
            told: RefCell::default(),
            is_counting: Cell::new(false),
            has_word: Cell::new(false),
        })
    }

    /// Word of each change.
    pub fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    pub fn of(&self, list: &str) -> News {
        let count = self.known(list);
        let glance = self.glances.borrow().get(list).copied();
        News {
            open: count.map(|count| count.open),
            waiting: glance.map_or(0, |glance| glance.pending),
            is_changed: count.is_some_and(|count| count.seq > count.seen),
        }
    }

    fn known(&self, list: &str) -> Option<Count> {
        self.all.borrow().get(list).copied()
    }

    /// Keeps the counts as they should be, as long as the current owner lives.
    pub fn follow(self: &Rc<Self>) {
        let (counts, owner) = (self.clone(), Owner::current());
        spawn_local(async move {
            let Ok(database) = counts.settee.on_device(COUNTS).await else { return };
            counts.database.replace(Some(database.clone()));
            counts.read(&database).await;
            let follow_all = || {
                let (known, news) = (counts.clone(), database.watch());
                follow(news, async move |_| known.read(&database).await);
                let glances = counts.glances.clone();
                follow(glances, async move |_| {
                    counts.changed.send_replace(());
                    counts.clone().count_soon();
                });
            };
            if let Some(owner) = owner {
                owner.with(follow_all);
            }
        });
    }

    async fn read(&self, database: &Database) {
        let Ok(records) = database.changes(0, usize::MAX).await else { return };
        let documents = records.iter().filter_map(|record| record.document());
        for document in documents.filter(|document| !document.deleted) {
            if let Ok(count) = document.body.read::<Count>() {
                self.all.borrow_mut().insert(document.id.as_str().to_owned(), count);
            }
        }
        self.changed.send_replace(());
    }

    /// The page has counted the list that it shows.
    pub fn counted(self: &Rc<Self>, list: String, open: usize) {
        self.tell(list, |told| told.open = Some(open));
    }

    /// The page shows a list as of this update sequence.
    pub fn shown(self: &Rc<Self>, list: String, seq: u64) {
        let seen = page::is_visible().then_some(seq);
        self.tell(list, |told| {
            told.seq = Some(seq);
            told.seen = seen.or(told.seen);
        });
    }

    fn tell(self: &Rc<Self>, list: String, tell: impl FnOnce(&mut Told)) {
        let is_under_way = !self.told.borrow().is_empty();
        tell(self.told.borrow_mut().entry(list).or_default());
        if !is_under_way {
            let counts = self.clone();
            spawn_local(async move {
                sleep(LAG).await;
                let all = counts.told.take();
                for (list, told) in all {
                    let known = counts.known(&list);
                    let Some(open) = told.open.or(known.map(|known| known.open)) else { continue };
                    let known = known.unwrap_or_default();
                    let count = Count {
                        open,
                        seq: told.seq.unwrap_or(known.seq),
                        seen: told.seen.unwrap_or(known.seen),
                    };
                    counts.write(&list, count).await;
                }
            });
        }
    }

    /// If it can't be written, it is counted again. What another tab has seen stays seen.
    async fn write(&self, list: &str, mut count: Count) {
        if self.known(list) == Some(count) {
            return;
        }
        let Some(database) = self.database.borrow().clone() else { return };
        if let Ok(Some(Count { seen, .. })) = database.find(list).await {
            count.seen = count.seen.max(seen);
        }
        if database.put(list, &count).await.is_ok() {
            self.all.borrow_mut().insert(list.to_owned(), count);
            self.changed.send_replace(());
        }
    }

    pub async fn forget(&self, list: &str) {
        self.told.borrow_mut().remove(list);
        self.all.borrow_mut().remove(list);
        let database = self.database.borrow().clone();
        if let Some(database) = database
            && let Ok(id) = DocumentId::new(list)
        {
            // What stays is of no list any more.
            let _ = database.remove(&id).await;
        }
    }

    /// In the tab that syncs, counts the lists that have changed.
    fn count_soon(self: Rc<Self>) {
        if !*self.settee.syncs_here().borrow() {
            return;
        }
        // Word that comes while lists are counted is heard afterwards.
        self.has_word.set(true);
        if self.is_counting.replace(true) {
            return;
        }
        spawn_local(async move {
            while self.has_word.get() {
                sleep(LAG).await;
                self.has_word.set(false);
                for list in self.changed_lists() {
                    if let Some(count) = self.count(&list).await {
                        self.write(&list, count).await;
                    }
                }
            }
            self.is_counting.set(false);
        });
    }

    /// But for the one that the page has counted itself.
    fn changed_lists(&self) -> Vec<String> {
        let (glances, told) = (self.glances.borrow(), self.told.borrow());
        let is_changed = |(list, glance): &(&String, &Glance)| {
            let is_told = told.contains_key(*list);
            !is_told && self.known(list).is_none_or(|count| count.seq != glance.seq)
        };
        let changed = glances.iter().filter(is_changed);
        changed.map(|(list, _)| list.clone()).collect()
    }

    /// A list, as it is now. None if it changes meanwhile, or can't be read: there will be word of that.
    async fn count(&self, list: &str) -> Option<Count> {
        let list_now = self.settee.database(list).await.ok()?;
        let seq = list_now.seq();
        // A list that is counted for the first time has just come to this device.
        let seen = self.known(list).map_or(seq, |count| count.seen);
        let (open, has_news) = count(list_now.database(), seen).await.ok()?;
        let is_same = list_now.seq() == seq;
        is_same.then_some(Count { open, seq, seen: if has_news { seen } else { seq } })
    }
}
