//! What is done with lists besides showing one, and what is told of them all.

use std::{collections::BTreeMap, rc::Rc, time::Duration};

use leptos::ev;
use leptos::prelude::*;
use leptos::web_sys::js_sys::{Array, JsString, Object};
use serde_json::Value;
use settee::{
    Error, Kept, LinkOutcome, LinkState, Settee,
    client::runtime::sleep,
    keys::Token,
    leptos::{follow, position},
    store::{Database, Edit},
};
use settee_app::{Command, CurrentList, ListSummary, edits, passed_on, settings, shown_name};
use settee_todo::ListInfo;
use settee_todo::access::end;
use settee_todo::document::{ARCHIVED, ENDED, LINKS, LIST_INFO, NAME, PLACE, TOLD};
use settee_todo::list::{copied, fill};
use settee_todo::transfer::{Passed, remove};
use tokio::sync::watch;
use wasm_bindgen_futures::spawn_local;

use crate::{
    counts::Counts,
    device,
    lists::{self, Known},
    notices, page,
    presence::meet,
    session::Signals,
    shown::Shown,
    transfer::{follow_moves, transfer},
};

/// How long a server that refuses is left alone: the first time, and at most.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

const NOT_SAVED: &str = "This can’t be saved on this device.";
const NOT_THERE: &str = "You can’t write to that list any more.";
const TAKEN_OUT: &str = "The copies are gone again.";

/// What a keeper works with.
#[derive(Clone)]
pub struct With {
    pub settee: Settee,
    pub kept: watch::Receiver<BTreeMap<String, Kept>>,
    pub shown: Rc<Shown>,
    pub signals: Signals,
    /// All that follows ends with this.
    pub owner: Owner,
}

/// Does what is asked for.
pub struct Keeper {
    take: Box<dyn Fn(Command)>,
}

impl Keeper {
    pub fn begin(with: With) -> Self {
        let With { settee, kept, shown, signals, owner } = with;
        let counts = Counts::new(settee.clone());
        owner.with(|| {
            follow(settee.syncs_here(), async |syncs| page::show_leader(syncs));
            follow(settee.server(), async |it| settee_shell::server_is(&it.unwrap_or_default()));
            let (all, of_lists) = (kept.clone(), counts.clone());
            follow(counts.watch(), async move |()| show(signals, &all.borrow(), &of_lists));
            let (of_lists, again) = (counts.clone(), shown.clone());
            follow(kept.clone(), async move |kept| {
                show(signals, &kept, &of_lists);
                // Another list may have come under the key of the one on the screen.
                let shown = again.list().map(|shown| shown.known);
                let is_same =
                    shown.and_then(|it| Some(kept.get(&it.key)?.name == it.id().as_str()));
                if is_same == Some(false) && again.show_at(None).await.is_err() {
                    page::start_anew();
                }
            });
            counts.follow();
            follow_moves(settee.clone());
            follow_shown(signals, settee.clone(), kept.clone(), counts.clone());
            let counts = counts.clone();
            // Another tab forgets this device, and nothing may be brought back from here.
            let forgets = window_event_listener(ev::storage, |_| {
                if settings::is_forgetting() {
                    page::leave_for("/");
                }
            });
            on_cleanup(move || forgets.remove());
            let seen = window_event_listener(ev::visibilitychange, move |_| {
                if let Some(list) = signals.current.get_untracked() {
                    counts.shown(list.id, list.database.seq());
                }
            });
            on_cleanup(move || seen.remove());
        });
        let work = Rc::new(Work { settee, kept, shown, signals, counts, owner });
        let kept = work.kept.borrow().clone();
        notices::renew(&kept);
        for list in kept.into_values().filter(has_ended) {
            let work = work.clone();
            // What fails now is tried again at the next start.
            spawn_local(async move { drop(work.let_go(&list.name).await) });
        }
        let take = move |command| {
            let work = work.clone();
            spawn_local(async move {
                if work.run(command).await.is_err() {
                    page::start_anew();
                }
            });
        };
        Self { take: Box::new(take) }
    }

    pub fn take(&self, command: Command) {
        (self.take)(command);
    }
}

struct Work {
    settee: Settee,
    kept: watch::Receiver<BTreeMap<String, Kept>>,
    shown: Rc<Shown>,
    signals: Signals,
    counts: Rc<Counts>,
    owner: Owner,
}

impl Work {
    async fn run(&self, command: Command) -> Result<(), Error> {
        match command {
            Command::Open { link } => self.open(&link).await,
            Command::Create { name, todos } => self.create(name, edits(todos)).await,
            Command::Copy { list, name, is_template } => {
                let list = self.settee.database(&list).await?;
                let todos = copied(list.database(), is_template).await?;
                self.create(name, todos).await
            }
            Command::Transfer { from, to, todos, is_move, outcome, way_back } => {
                let (said, back) = self.transfer([&from, &to], &todos, is_move).await;
                way_back.try_set_value((!back.is_empty()).then_some(if is_move {
                    let (from, to, todos) = (to, from, back);
                    Command::Transfer { from, to, todos, is_move, outcome, way_back }
                } else {
                    let todos = back.into_iter().map(|todo| todo.id).collect();
                    Command::TakeOut { list: to, todos, outcome }
                }));
                outcome.try_set(Some(said));
                Ok(())
            }
            Command::TakeOut { list, todos, outcome } => {
                let list = self.settee.database(&list).await?;
                let is_done = remove(list.database(), todos).await.is_ok();
                outcome.try_set(Some(if is_done { TAKEN_OUT } else { NOT_SAVED }.to_owned()));
                Ok(())
            }
            Command::Rename { list, name } => {
                let database = self.settee.database(&list).await?;
                write_name(&database, name.clone()).await;
                self.note(&list, NAME, name.into()).await
            }
            Command::Move { list, before } => self.place(&list, before.as_deref()).await,
            Command::Archive { list, is_archived } => {
                self.note(&list, ARCHIVED, is_archived.into()).await
            }
            Command::Leave { mut list, tell } => {
                let database = self.settee.database(&list.id).await?;
                list.waiting = database.counts().await?.pending;
                tell.try_set(Some(list));
                Ok(())
            }
            Command::Device(command) => device::run(&self.settee, command).await,
            Command::Decline { list } => {
                let waits = self.settee.database(&list).await?.counts().await?.pending > 0;
                if waits { Ok(()) } else { self.forget(&list).await }
            }
            Command::Forget { list } => self.forget(&list).await,
            Command::Notices { list, is_wanted, outcome } => {
                let Some(known) = self.known(&list) else { return Ok(()) };
                let said = notices::ask(&known, is_wanted, true).await;
                if said == notices::DONE {
                    let mark = if is_wanted { notices::mark(&list) } else { String::new() };
                    self.note(&list, TOLD, mark.into()).await?;
                }
                outcome.try_set(Some(said));
                Ok(())
            }
            Command::Renew => {
                notices::renew(&self.kept.borrow());
                Ok(())
            }
            Command::End { list } => {
                self.note(&list, ENDED, true.into()).await?;
                self.let_go(&list).await
            }
            Command::ChooseTheme { theme } => {
                self.signals.theme.set(theme);
                settee_app::settings::keep_theme(theme);
                page::show_theme(theme);
                Ok(())
            }
            Command::GiveUp { list } => {
                let list = self.settee.database(&list).await?;
                Ok(list.give_up_pending("it could not be sent").await.map(drop)?)
            }
            Command::Meet { here, others } => {
                self.owner.with(|| meet(self.shown.clone(), self.signals, here, others));
                Ok(())
            }
            Command::Counted { list, open } => {
                self.counts.counted(list, open);
                Ok(())
            }
        }
    }

    async fn open(&self, link: &str) -> Result<(), Error> {
        let (path, secret) = link.split_at(link.find('#').unwrap_or(link.len()));
        let address = LINKS.read(path, secret);
        if let Ok(outcome @ (LinkOutcome::Joined | LinkOutcome::Kept)) =
            self.settee.take_in(&address).await
        {
            self.signals.link.set(LinkState::of(outcome, &address, String::new()));
            return self.shown.show_at(Some(path)).await;
        }
        // The page that it leads to tells what is in the way, and keeps the link until it is kept here.
        page::leave_for(link);
        Ok(())
    }

    async fn create(&self, name: String, todos: Vec<Edit>) -> Result<(), Error> {
        let owner = Token::generate();
        let id = owner.database_id();
        lists::begin(&self.settee, id.as_str(), &owner, &name).await?;
        let list = self.settee.database(id.as_str()).await?;
        write_name(&list, name).await;
        if fill(&list, &todos).await.is_err() {
            // Half a copy would be taken for a whole one. The storage has failed, as all lists say.
            return self.settee.forget(id.as_str()).await;
        }
        self.shown.show_at(Some(&LINKS.path(&id))).await
    }

    /// Moves or copies todos. Says what became of them, with the way back.
    async fn transfer(
        &self,
        lists: [&str; 2],
        todos: &[Passed],
        is_move: bool,
    ) -> (String, Vec<Passed>) {
        let Some(target) = self.known(lists[1]).filter(|list| !list.is_revoked) else {
            return (NOT_THERE.to_owned(), Vec::new());
        };
        let Ok(back) = transfer(&self.settee, lists, todos, is_move).await else {
            return (NOT_SAVED.to_owned(), Vec::new());
        };
        let name = shown_name(&target.name, target.is_first());
        (passed_on(back.len(), todos.len(), is_move, name), back)
    }

    /// Removes this device's copy of a list, and what opens it. The first list stays.
    async fn forget(&self, list: &str) -> Result<(), Error> {
        let Some(known) = self.known(list).filter(|known| !known.is_first()) else { return Ok(()) };
        if self.shown.list().is_some_and(|shown| shown.known.id() == known.id()) {
            self.shown.show_at(Some("/")).await?;
        }
        self.counts.forget(list).await;
        if self.kept.borrow().get(&known.key).is_some_and(notices::is_told) {
            let known = known.clone();
            // Without the server it goes with the grant, or when nobody takes what is sent.
            spawn_local(async move { drop(notices::ask(&known, false, false).await) });
        }
        self.settee.forget(&known.key).await
    }

    /// Ends a list for everybody, and removes it once the server knows.
    async fn let_go(&self, list: &str) -> Result<(), Error> {
        let Some(owner) = self.known(list).and_then(|it| it.keys.owner().cloned()) else {
            return Ok(());
        };
        if self.shown.list().is_some_and(|shown| shown.known.id().as_str() == list) {
            self.shown.show_at(Some("/")).await?;
        }
        let database = self.settee.database(list).await?;
        let mut pause = Duration::ZERO;
        loop {
            database.up_to_date().await?;
            match end(&database, &owner).await {
                Ok(true) => {}
                Ok(false) => break,
                // The next start tries again.
                Err(_) => return Ok(()),
            }
            // A server that has refused it is not asked again and again.
            sleep(pause).await;
            pause = ((pause + PAUSE) * 2).min(LONGEST_PAUSE);
        }
        drop(database);
        self.forget(list).await
    }

    /// Moves a list directly in front of another, or to the end.
    async fn place(&self, list: &str, before: Option<&str>) -> Result<(), Error> {
        let known = ordered(&self.kept.borrow());
        let mut ids: Vec<String> = known.iter().map(|known| known.id().to_string()).collect();
        ids.retain(|id| id != list);
        let at = ids.iter().position(|id| Some(id.as_str()) == before).unwrap_or(ids.len());
        ids.insert(at, list.to_owned());
        // A list that was never moved has no place. Lists are few, so all get a new one.
        let mut previous = None;
        for id in &ids {
            let place = position::after(previous.as_deref());
            self.note(id, PLACE, place.clone().into()).await?;
            previous = Some(place);
        }
        Ok(())
    }

    /// Writes a field of what the app keeps beside a list.
    async fn note(&self, list: &str, field: &str, value: Value) -> Result<(), Error> {
        let Some(known) = self.known(list) else { return Ok(()) };
        let note = |kept: &mut Kept| is_noted(kept, field, &value);
        self.settee.change(&known.key, note).await.map(drop)
    }

    fn known(&self, list: &str) -> Option<Known> {
        Known::named(list, &self.kept.borrow())
    }
}

/// Follows what comes to the list on the screen, and what it is called: a document of the list, which
/// whoever may write can change.
fn follow_shown(
    signals: Signals,
    settee: Settee,
    kept: watch::Receiver<BTreeMap<String, Kept>>,
    counts: Rc<Counts>,
) {
    let following = Owner::new();
    Effect::new(move |before: Option<Option<String>>| {
        let list = signals.current.get();
        let id = list.as_ref().map(|list| list.id.clone());
        if before.as_ref() == Some(&id) {
            return id;
        }
        following.cleanup();
        let Some(CurrentList { id: shown, database, .. }) = list else { return id };
        let known = Known::named(&shown, &kept.borrow());
        let (settee, news, counts) = (settee.clone(), database.watch(), counts.clone());
        let learn = async move |seq| {
            counts.shown(shown.clone(), seq);
            let info = database.find::<ListInfo>(LIST_INFO).await;
            let Ok(Some(ListInfo { name })) = info else { return };
            signals.change_current(|it| {
                // Another may have come meanwhile.
                it.id == shown && std::mem::replace(&mut it.name, name.clone()) != name
            });
            if let Some(known) = &known {
                let name: &Value = &name.into();
                // It is only shown in the list of lists, and is learnt again when the list is next open.
                let _ = settee.change(&known.key, |kept| is_noted(kept, NAME, name)).await;
            }
        };
        following.with(|| follow(news, learn));
        id
    });
}

/// Keeps a field beside a list. Tells whether it is new: another tab may have been faster.
fn is_noted(kept: &mut Kept, field: &str, value: &Value) -> bool {
    kept.app.insert(field.to_owned(), value.clone()).as_ref() != Some(value)
}

/// Whether it has ended for everybody. Nothing is shown of it then.
fn has_ended(kept: &Kept) -> bool {
    kept.app.contains_key(ENDED)
}

async fn write_name(list: &Database, name: String) {
    // A failure is one of the device's storage, which the todos themselves report.
    let _ = list.patch(LIST_INFO, &ListInfo { name }).await;
}

/// Tells of all lists, and what this device may do with the one on the screen.
fn show(signals: Signals, kept: &BTreeMap<String, Kept>, counts: &Counts) {
    let known = ordered(kept);
    let summary = |known: &Known| {
        let news = counts.of(known.id().as_str());
        let app = kept.get(&known.key).map(|kept| &kept.app);
        ListSummary {
            id: known.id().to_string(),
            name: shown_name(&known.name, known.is_first()).to_owned(),
            href: known.path(),
            role: known.keys.role(),
            is_archived: app.and_then(|app| app.get(ARCHIVED)?.as_bool()).unwrap_or_default(),
            is_told: kept.get(&known.key).is_some_and(notices::is_told),
            open: news.open,
            waiting: news.waiting,
            has_news: news.is_changed,
        }
    };
    let summaries: Vec<ListSummary> = known.iter().map(summary).collect();
    signals.lists.maybe_update(|shown| std::mem::replace(shown, summaries.clone()) != summaries);
    signals.change_current(|current| {
        let shown = known.iter().find(|known| known.id().as_str() == current.id);
        let Some(Known { keys, is_revoked, .. }) = shown else { return false };
        let is_new = current.keys != *keys || current.is_revoked != *is_revoked;
        current.role = keys.role();
        (current.keys, current.is_revoked) = (keys.clone(), *is_revoked);
        is_new
    });
}

/// All lists: in the order that somebody has given them, and before that the first one in front, and the
/// others by their names in the order of the reader's language.
fn ordered(kept: &BTreeMap<String, Kept>) -> Vec<Known> {
    let place = |known: &Known| kept.get(&known.key)?.app.get(PLACE)?.as_str();
    let is_before = |one: &Known, other: &Known| match (place(one), place(other)) {
        (Some(one), Some(other)) if one != other => one < other,
        (Some(_), None) => true,
        (None, Some(_)) => false,
        _ if one.is_first() || other.is_first() => one.is_first(),
        _ => {
            let name = JsString::from(&*one.name);
            name.locale_compare(&other.name, &Array::new(), &Object::new()) <= 0
        }
    };
    // Lists are few, and the standard sort would be 5 kB of the program.
    let mut lists: Vec<Known> = Vec::new();
    for (key, kept) in kept {
        if let Some(known) = Known::read(key, kept).filter(|_| !has_ended(kept)) {
            lists.insert(lists.partition_point(|other| is_before(other, &known)), known);
        }
    }
    lists
}
