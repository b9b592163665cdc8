//! Which of the browser's tabs syncs for all of them.
//!
//! Each tab that takes part runs an [`Election`](crate::election). Where a browser lacks locks or channels between
//! tabs, each tab syncs for itself. That does no harm: what arrives twice changes nothing.

use std::{cell::Cell, rc::Rc, time::Duration};

use gloo_events::EventListener;
use settee_sync::Time;
use tokio::sync::{mpsc, watch};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::PageTransitionEvent;

use super::{
    Clock,
    channel::{Channel, Message},
    is_visible,
    locks::{Claim, LockManager, Outcome},
    sleep,
};
use crate::election::{Action, Election};

/// How long a tab counts as using what it has named. It names it again every second.
const USE: Duration = Duration::from_secs(5);

/// The names of the databases that a tab uses, each with what others on it may know of whoever looks at the tab:
/// nothing if nobody does.
pub type Uses = Vec<(String, Vec<u8>)>;

/// A tab's part in syncing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Another tab syncs, or none does, or the user has left this page.
    Follows,
    /// This tab syncs for all. Another one may believe the same for a while, so both write under a
    /// term: see [`settee_store::Database::lead`].
    Leads,
    /// Each tab syncs for itself, because the tabs can't agree on one.
    Alone,
}

/// A handle on this tab's part in syncing. Clones are handles on the same part.
#[derive(Clone)]
pub struct Leadership {
    events: mpsc::UnboundedSender<Event>,
    part: watch::Receiver<Part>,
    report: watch::Receiver<Option<Vec<u8>>>,
    wakes: watch::Receiver<()>,
    used_elsewhere: watch::Receiver<Uses>,
}

/// A tab that takes no part yet. Its [`Leadership`] says so, and remembers what it is told.
pub struct Candidate {
    events: mpsc::UnboundedSender<Event>,
    receiver: mpsc::UnboundedReceiver<Event>,
    part: watch::Sender<Part>,
    report: watch::Sender<Option<Vec<u8>>>,
    wakes: watch::Sender<()>,
    used_elsewhere: watch::Sender<Uses>,
}

impl Candidate {
    /// Takes part with all tabs of this origin that use the same name, as long as there is a handle.
    /// `chance` is a random number, so that tabs that miss the leader don't all act at once.
    pub fn seek(self, name: &str, chance: u64) {
        self.begin(LockManager::of_browser().map(|locks| (locks, name.to_owned())), chance);
    }

    /// Syncs for this tab only: no other tab has its databases.
    pub fn be_alone(self) {
        self.begin(None, 0);
    }

    fn begin(self, shared: Option<(LockManager, String)>, chance: u64) {
        let Self { events, receiver, part, report, wakes, used_elsewhere } = self;
        let listeners = listen(&events);
        let mut tab = Tab {
            shared,
            channel: None,
            claim: None,
            claims: 0,
            election: Election::new(Clock.now(), is_visible(), chance),
            is_gone: false,
            events,
            part,
            report,
            wakes,
            used: Vec::new(),
            number: chance,
            named: Vec::new(),
            used_elsewhere,
            _listeners: listeners,
        };
        tab.enter();
        spawn_local(tab.run(receiver));
    }
}

impl Leadership {
    /// A tab's part, which begins with what its candidate does.
    pub fn new() -> (Self, Candidate) {
        // Not bounded, because a page's events can't be told to wait. There are few.
        let (events, receiver) = mpsc::unbounded_channel();
        let (part_sender, part) = watch::channel(Part::Follows);
        let (report_sender, report) = watch::channel(None);
        let (wake_sender, wakes) = watch::channel(());
        let (used_sender, used_elsewhere) = watch::channel(Uses::new());
        let candidate = Candidate {
            events: events.clone(),
            receiver,
            part: part_sender,
            report: report_sender,
            wakes: wake_sender,
            used_elsewhere: used_sender,
        };
        (Self { events, part, report, wakes, used_elsewhere }, candidate)
    }

    /// The part now, and word of each change.
    pub fn part(&self) -> watch::Receiver<Part> {
        self.part.clone()
    }

    /// The latest report of the tab that syncs, this one or another. `None` until there is one.
    pub fn report(&self) -> watch::Receiver<Option<Vec<u8>>> {
        self.report.clone()
    }

    /// Publishes a report to all tabs, if this is the tab that syncs.
    pub fn tell(&self, report: Vec<u8>) {
        self.send(Event::Report(report));
    }

    /// Changes when a tab asks the one that syncs to check at once whether the server is there.
    pub fn wakes(&self) -> watch::Receiver<()> {
        self.wakes.clone()
    }

    /// Asks the tab that syncs to check at once whether the server is there.
    pub fn wake(&self) {
        self.send(Event::Wake);
    }

    /// Tells the tab that syncs which databases this one uses, from now on.
    pub fn tell_uses(&self, uses: Uses) {
        self.send(Event::Uses(uses));
    }

    /// What other tabs use, for the tab that syncs: as of some seconds ago at most.
    pub fn used_elsewhere(&self) -> watch::Receiver<Uses> {
        self.used_elsewhere.clone()
    }

    /// Gives up the lead and applies for it again: another tab has begun a later term.
    pub fn step_down(&self) {
        self.send(Event::StepDown);
    }

    fn send(&self, event: Event) {
        // It waits for the candidate to begin. Then the task runs as long as there is a handle.
        let _ = self.events.send(event);
    }
}

enum Event {
    /// The outcome of the claim with this number.
    Claim(u32, Outcome),
    Message(Message),
    Visibility,
    Gone,
    Back,
    Report(Vec<u8>),
    Wake,
    Uses(Uses),
    StepDown,
}

struct Tab {
    /// The lock manager and the lock's name. `None` for a tab that syncs alone.
    shared: Option<(LockManager, String)>,
    channel: Option<Channel>,
    claim: Option<Claim>,
    /// The number of the latest claim. Outcomes of earlier ones are ignored.
    claims: u32,
    election: Election,
    /// The user has left the page. The browser may show it again as it is.
    is_gone: bool,
    events: mpsc::UnboundedSender<Event>,
    part: watch::Sender<Part>,
    report: watch::Sender<Option<Vec<u8>>>,
    wakes: watch::Sender<()>,
    /// What this tab uses.
    used: Uses,
    /// By which number the others know this tab.
    number: u64,
    /// What other tabs use, and when each last said so.
    named: Vec<(u64, Uses, Time)>,
    used_elsewhere: watch::Sender<Uses>,
    _listeners: Vec<EventListener>,
}

impl Tab {
    /// Ends when nobody has a handle any more; then the lock is free.
    async fn run(mut self, mut events: mpsc::UnboundedReceiver<Event>) {
        let handles = self.part.clone();
        loop {
            let timeout = self.shared.as_ref().filter(|_| !self.is_gone);
            let timeout = timeout.and_then(|_| self.election.timeout());
            let timeout = async {
                match timeout {
                    Some(at) => sleep(at.since(Clock.now())).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = handles.closed() => return,
                Some(event) = events.recv() => self.handle(event),
                () = timeout => match self.election.poll(Clock.now()) {
                    Some(Action::Beat) => {
                        self.publish_uses();
                        self.beat();
                    }
                    Some(Action::Steal) => self.claim(true),
                    None => {}
                },
            }
        }
    }

    fn handle(&mut self, event: Event) {
        let now = Clock.now();
        match event {
            Event::Claim(number, outcome) if number == self.claims => match outcome {
                Outcome::Granted => {
                    self.election.handle_granted(now);
                    self.set_part(Part::Leads);
                }
                Outcome::Lost if self.election.leads() => self.follow(),
                // The browser refuses the lock altogether.
                Outcome::Lost => self.be_alone(),
            },
            Event::Message(Message::Beat { is_visible, report }) => {
                self.election.handle_beat(now, is_visible);
                if *self.part.borrow() == Part::Follows {
                    self.name_used();
                    if !report.is_empty() {
                        self.publish(Some(report));
                    }
                }
            }
            Event::Message(Message::Uses { tab, uses }) => {
                // Each keeps its place, so that nothing seems to change.
                match self.named.iter_mut().find(|(known, ..)| *known == tab) {
                    Some(known) => *known = (tab, uses, now),
                    None => self.named.push((tab, uses, now)),
                }
                self.publish_uses();
            }
            Event::Uses(uses) => {
                self.used = uses;
                self.name_used();
            }
            Event::Visibility => {
                self.election.handle_visibility(now, is_visible());
                if self.election.is_visible() {
                    self.ask();
                }
            }
            Event::Gone => self.leave(),
            Event::Back if self.is_gone => {
                self.is_gone = false;
                self.enter();
            }
            Event::Report(report) => {
                if *self.part.borrow() != Part::Follows && self.publish(Some(report)) {
                    self.beat();
                }
            }
            Event::Wake if *self.part.borrow() == Part::Follows => self.ask(),
            Event::Wake | Event::Message(Message::Wake) => self.wake(),
            Event::StepDown if self.election.leads() => self.follow(),
            // Outdated by what happened in the meantime.
            Event::Claim(..) | Event::Back | Event::StepDown => {}
        }
    }

    /// Begins to take part with the other tabs.
    fn enter(&mut self) {
        self.election.handle_visibility(Clock.now(), is_visible());
        let channel = self.shared.as_ref().and_then(|(_, name)| {
            let events = self.events.clone();
            Channel::open(name, move |message| {
                let _ = events.send(Event::Message(message));
            })
        });
        self.channel = channel;
        if self.channel.is_none() {
            return self.be_alone();
        }
        self.ask();
        self.follow();
    }

    /// Follows the tab that leads, and queues for the lock.
    fn follow(&mut self) {
        self.election.handle_lost(Clock.now());
        self.set_part(Part::Follows);
        self.claim(false);
    }

    fn be_alone(&mut self) {
        self.shared = None;
        self.channel = None;
        self.claim = None;
        self.set_part(Part::Alone);
    }

    /// Lets go of the lock and the channel. Other tabs need the lock, and the browser keeps only
    /// pages that hold neither for showing them again.
    fn leave(&mut self) {
        self.is_gone = true;
        self.claim = None;
        self.claims += 1;
        self.channel = None;
        self.election.handle_lost(Clock.now());
        self.set_part(Part::Follows);
    }

    fn claim(&mut self, steals: bool) {
        let Some((locks, name)) = &self.shared else { return };
        // The claim before is dropped first, or this one would queue behind it.
        self.claim = None;
        self.claims += 1;
        let (number, events) = (self.claims, self.events.clone());
        let react = Rc::new(move |outcome| drop(events.send(Event::Claim(number, outcome))));
        let claim = Claim::new(locks, name, steals, react);
        match claim {
            Ok(claim) => self.claim = Some(claim),
            Err(_) => self.be_alone(),
        }
    }

    fn set_part(&self, part: Part) {
        let is_new = self.part.send_if_modified(|known| std::mem::replace(known, part) != part);
        if is_new {
            // The report of the tab that led before says nothing about the next one.
            self.publish(None);
        }
    }

    /// Returns whether the report has changed.
    fn publish(&self, report: Option<Vec<u8>>) -> bool {
        self.report.send_if_modified(|known| {
            let is_new = *known != report;
            *known = report;
            is_new
        })
    }

    /// Names what this tab uses, if it follows.
    fn name_used(&self) {
        if let Some(channel) = self.channel.as_ref().filter(|_| !self.election.leads()) {
            channel.send(&Message::Uses { tab: self.number, uses: self.used.clone() });
        }
    }

    fn publish_uses(&mut self) {
        let now = Clock.now();
        self.named.retain(|(_, _, named)| now.since(*named) < USE);
        let used = self.named.iter().flat_map(|(_, uses, _)| uses.clone()).collect();
        self.used_elsewhere.send_if_modified(|known| {
            let is_new = *known != used;
            *known = used;
            is_new
        });
    }

    fn beat(&self) {
        if let Some(channel) = self.channel.as_ref().filter(|_| self.election.leads()) {
            let is_visible = self.election.is_visible();
            let report = self.report.borrow().clone().unwrap_or_default();
            channel.send(&Message::Beat { is_visible, report });
        }
    }

    fn ask(&self) {
        if let Some(channel) = self.channel.as_ref().filter(|_| !self.election.leads()) {
            channel.send(&Message::Wake);
        }
    }

    fn wake(&mut self) {
        self.election.handle_asked(Clock.now());
        self.wakes.send_replace(());
    }
}

/// Listens until the page is left for good. It ends by itself then, and with it all that it holds.
/// What it would still do is better not begun: Firefox stops its script in the middle.
fn listen(events: &mpsc::UnboundedSender<Event>) -> Vec<EventListener> {
    let Some(window) = web_sys::window() else { return Vec::new() };
    let is_over = Rc::new(Cell::new(false));
    let send = |event: fn() -> Event| {
        let (events, is_over) = (events.clone(), is_over.clone());
        move || {
            if !is_over.get() {
                let _ = events.send(event());
            }
        }
    };
    let (gone, back, visibility) =
        (send(|| Event::Gone), send(|| Event::Back), send(|| Event::Visibility));
    let was_over = is_over.clone();
    let on_hide = move |event: &web_sys::Event| {
        let is_kept = |event: &PageTransitionEvent| event.persisted();
        is_over.set(!event.dyn_ref().is_some_and(is_kept));
        gone();
    };
    let on_show = move |_: &web_sys::Event| {
        was_over.set(false);
        back();
    };
    let mut listeners = vec![
        EventListener::new(&window, "pagehide", on_hide),
        EventListener::new(&window, "pageshow", on_show),
    ];
    if let Some(document) = window.document() {
        listeners.push(EventListener::new(&document, "visibilitychange", move |_| visibility()));
    }
    listeners
}
