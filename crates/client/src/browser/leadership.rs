//! Which of the browser's tabs syncs for all of them.
//!
//! Each of them runs an [`Election`](crate::election). Where a browser lacks locks or channels
//! between tabs, each tab takes part alone: everything that is synced twice is the same twice.

use gloo_events::EventListener;
use tokio::sync::{mpsc, watch};
use wasm_bindgen_futures::spawn_local;

use super::{
    Clock,
    channel::{Channel, Message},
    is_visible,
    locks::{Claim, LockManager, Outcome},
    sleep,
};
use crate::election::{Action, Election};

/// What this tab does for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Another tab syncs, or none does, or this page was left.
    Follows,
    /// This one syncs for all. Another may believe the same for a while, so what is written down
    /// of it needs a term: see [`settee_store::Database::lead`].
    Leads,
    /// Each tab syncs for itself, for they can't agree on one.
    Alone,
}

/// This tab's part in syncing, from now on and as long as the page lives.
#[derive(Clone)]
pub struct Leadership {
    events: mpsc::UnboundedSender<Event>,
    part: watch::Receiver<Part>,
    report: watch::Receiver<Option<Vec<u8>>>,
    wakes: watch::Receiver<()>,
}

impl Leadership {
    /// Takes part with all tabs that know this name. `chance` is a random number.
    pub fn seek(name: &str, chance: u64) -> Self {
        Self::begin(LockManager::of_browser().map(|locks| (locks, name.to_owned())), chance)
    }

    /// Syncs for this tab alone, whose databases no other tab has.
    pub fn alone() -> Self {
        Self::begin(None, 0)
    }

    fn begin(shared: Option<(LockManager, String)>, chance: u64) -> Self {
        // Not bounded, for events of the page can't be told to wait; there are few.
        let (events, receiver) = mpsc::unbounded_channel();
        let (part_sender, part) = watch::channel(Part::Follows);
        let (report_sender, report) = watch::channel(None);
        let (wake_sender, wakes) = watch::channel(());
        let mut tab = Tab {
            shared,
            channel: None,
            claim: None,
            claims: 0,
            election: Election::new(Clock.now(), is_visible(), chance),
            is_gone: false,
            events: events.clone(),
            part: part_sender,
            report: report_sender,
            wakes: wake_sender,
            _listeners: listen(&events),
        };
        tab.enter();
        spawn_local(tab.run(receiver));
        Self { events, part, report, wakes }
    }

    /// What this tab does now, and word of each change.
    pub fn part(&self) -> watch::Receiver<Part> {
        self.part.clone()
    }

    /// What the tab that syncs last said of it, be it this one or another. `None` until one has.
    pub fn report(&self) -> watch::Receiver<Option<Vec<u8>>> {
        self.report.clone()
    }

    /// Says how it goes, as the tab that syncs.
    pub fn tell(&self, report: Vec<u8>) {
        self.happened(Event::Report(report));
    }

    /// Word, for the tab that syncs, that somebody wants it to look at once whether the server is there.
    pub fn wakes(&self) -> watch::Receiver<()> {
        self.wakes.clone()
    }

    /// Wants the tab that syncs to look at once whether the server is there.
    pub fn wake(&self) {
        self.happened(Event::Wake);
    }

    /// Leaves the lead to another tab, or comes by it anew: a later term has begun.
    pub fn step_down(&self) {
        self.happened(Event::StepDown);
    }

    fn happened(&self, event: Event) {
        // The task runs as long as the page does.
        let _ = self.events.send(event);
    }
}

enum Event {
    /// What became of the claim of this number.
    Claim(u32, Outcome),
    Message(Message),
    Visibility,
    Gone,
    Back,
    Report(Vec<u8>),
    Wake,
    StepDown,
}

struct Tab {
    /// The lock and its name; absent of a tab that is alone.
    shared: Option<(LockManager, String)>,
    channel: Option<Channel>,
    claim: Option<Claim>,
    /// How many claims there were: what an earlier one still has to say is of no interest.
    claims: u32,
    election: Election,
    /// The page was left. It may be shown again, just as it is.
    is_gone: bool,
    events: mpsc::UnboundedSender<Event>,
    part: watch::Sender<Part>,
    report: watch::Sender<Option<Vec<u8>>>,
    wakes: watch::Sender<()>,
    _listeners: Vec<EventListener>,
}

impl Tab {
    async fn run(mut self, mut events: mpsc::UnboundedReceiver<Event>) {
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
                Some(event) = events.recv() => self.handle(event),
                () = timeout => match self.election.poll(Clock.now()) {
                    Some(Action::Beat) => self.beat(),
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
                    self.play(Part::Leads);
                }
                Outcome::Lost if self.election.leads() => self.follow(),
                // The lock can't be had at all.
                Outcome::Lost => self.be_alone(),
            },
            Event::Message(Message::Beat { is_visible, report }) => {
                self.election.handle_beat(now, is_visible);
                if *self.part.borrow() == Part::Follows && !report.is_empty() {
                    self.publish(Some(report));
                }
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
            // What is overtaken by what happened meanwhile.
            Event::Claim(..) | Event::Back | Event::StepDown => {}
        }
    }

    /// Begins to take part.
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

    /// Follows whoever leads, and waits for a turn.
    fn follow(&mut self) {
        self.election.handle_lost(Clock.now());
        self.play(Part::Follows);
        self.claim(false);
    }

    fn be_alone(&mut self) {
        self.shared = None;
        self.channel = None;
        self.claim = None;
        self.play(Part::Alone);
    }

    /// A page that was left holds nothing: others need it, and the browser keeps the page then.
    fn leave(&mut self) {
        self.is_gone = true;
        self.claim = None;
        self.claims += 1;
        self.channel = None;
        self.election.handle_lost(Clock.now());
        self.play(Part::Follows);
    }

    fn claim(&mut self, steals: bool) {
        let Some((locks, name)) = &self.shared else { return };
        // The one before is let go first, or it would be waited for.
        self.claim = None;
        self.claims += 1;
        let (number, events) = (self.claims, self.events.clone());
        let claim = Claim::new(locks, name, steals, move |outcome| {
            let _ = events.send(Event::Claim(number, outcome));
        });
        match claim {
            Ok(claim) => self.claim = Some(claim),
            Err(_) => self.be_alone(),
        }
    }

    fn play(&self, part: Part) {
        let is_new = self.part.send_if_modified(|known| std::mem::replace(known, part) != part);
        if is_new {
            // What the one before has said says nothing of the next.
            self.publish(None);
        }
    }

    /// Whether it is news.
    fn publish(&self, report: Option<Vec<u8>>) -> bool {
        self.report.send_if_modified(|known| {
            let is_new = *known != report;
            *known = report;
            is_new
        })
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

fn listen(events: &mpsc::UnboundedSender<Event>) -> Vec<EventListener> {
    let Some(window) = web_sys::window() else { return Vec::new() };
    let send = |event: fn() -> Event| {
        let events = events.clone();
        move |_: &web_sys::Event| {
            let _ = events.send(event());
        }
    };
    let mut listeners = vec![
        EventListener::new(&window, "pagehide", send(|| Event::Gone)),
        EventListener::new(&window, "pageshow", send(|| Event::Back)),
    ];
    if let Some(document) = window.document() {
        let visibility = send(|| Event::Visibility);
        listeners.push(EventListener::new(&document, "visibilitychange", visibility));
    }
    listeners
}
