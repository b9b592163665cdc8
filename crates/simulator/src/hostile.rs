//! People with ill will. They have a link to a database like anybody else, as editors or as viewers, but
//! no machine: they speak the protocol themselves, in well-formed frames, and say what they like.
//!
//! - `heard`: what they have learned of a database; `forgery`: the documents that they make up.
//! - `editor`, `viewer`: what they write; `nonsense`: messages out of turn.

mod editor;
mod forgery;
mod heard;
mod nonsense;
mod viewer;

use std::{collections::BTreeMap, time::Duration};

use settee_keys::Token;
use settee_store::{DocumentId, Revision};
use settee_sync::{
    Channel, Checkpoint,
    message::{
        Acknowledge, BatchNumber, Changes, Close, Hello, Message, Open, Opened, Part, Pong,
        Received,
    },
};

use crate::{
    bearer::Bearer,
    context::Context,
    event::Event,
    link::{Direction, LinkId, Owner, Parcel},
    scenario::{Malice, Villain},
};

use forgery::Forged;
use heard::Heard;

pub struct Actor {
    id: usize,
    person: usize,
    villain: Villain,
    link: Option<LinkId>,
    /// An attempt to connect is planned.
    is_connecting: bool,
    lanes: BTreeMap<Channel, Lane>,
    next_channel: Channel,
    /// The bytes that have arrived so far of a frame in parts.
    parts: Vec<u8>,
    /// By database.
    heard: Vec<Heard>,
    /// What they show of each database, where access is by tokens.
    tokens: Vec<Option<Token>>,
}

/// A channel of the present connection.
struct Lane {
    database: usize,
    is_open: bool,
    /// Was opened with a checkpoint that the server may not know.
    is_comparing: bool,
    next_batch: BatchNumber,
}

/// A revision with contents that a villain has made and sent.
pub struct Deed {
    pub database: usize,
    pub id: DocumentId,
    pub revision: Revision,
    /// All that it closes, where everybody sees it.
    pub closes: Vec<Revision>,
}

impl Actor {
    pub fn new(id: usize, person: usize, villain: &Villain, databases: usize) -> Self {
        Self {
            id,
            person,
            villain: villain.clone(),
            link: None,
            is_connecting: false,
            lanes: BTreeMap::new(),
            next_channel: 0,
            parts: Vec::new(),
            heard: (0..databases).map(|_| Heard::default()).collect(),
            tokens: vec![None; databases],
        }
    }

    /// Takes a link to a database, and shows it from the next opening on.
    pub fn take(&mut self, database: usize, token: Token) {
        self.tokens[database] = Some(token);
    }

    pub fn person(&self) -> usize {
        self.person
    }

    /// Takes a link.
    pub fn connect(&mut self, context: &mut Context) -> LinkId {
        let link = context.network.open(Owner::Villain(self.id));
        self.is_connecting = false;
        self.link = Some(link);
        self.next_channel = 0;
        self.parts.clear();
        if !self.villain.lies {
            self.heard.iter_mut().for_each(|heard| *heard = Heard::default());
        }
        let hello = Hello { versions: self.villain.versions.to_vec(), agent: "nobody".into() };
        self.send(context, hello);
        link
    }

    /// The server could not be reached, or has closed the connection. It is tried again.
    pub fn come_back(&mut self, context: &mut Context) {
        self.is_connecting = true;
        let wait = context.random.millis(50, 1_500);
        context.plan(wait, Event::Intrude(self.id));
    }

    pub fn leave(&mut self, context: &mut Context) {
        if let Some(link) = self.link.take() {
            context.hang_up(link, Direction::Up);
        }
        self.lanes.clear();
    }

    /// Something arrives from the server.
    pub fn receive(&mut self, context: &mut Context, link: LinkId, parcel: Parcel) {
        if self.link != Some(link) {
            return;
        }
        match parcel {
            Parcel::Frame(frame) => {
                if let Ok(Some(message)) = Message::decode(&frame) {
                    self.hear(context, message);
                }
            }
            Parcel::End => {
                context.tally.count("hostile: connections that the server ended");
                self.link = None;
                self.lanes.clear();
            }
        }
    }

    fn hear(&mut self, context: &mut Context, message: Message) {
        match message {
            Message::Hello(_) => {
                (0..self.heard.len()).for_each(|database| self.open(context, database));
            }
            Message::Ping(_) => self.send(context, Pong {}),
            Message::Part(part) => self.join(context, part),
            Message::Opened(opened) => self.opened(context, &opened),
            Message::Closed(closed) => drop(self.lanes.remove(&closed.channel)),
            Message::Changes(changes) => self.changes(context, &changes),
            Message::Offer(offer) => {
                let lacking = nonsense::lacking(&mut context.random, offer);
                self.send(context, lacking);
            }
            Message::Differences(differences) => {
                let want = nonsense::want(&mut context.random, differences);
                self.send(context, want);
            }
            _ => {}
        }
    }

    fn join(&mut self, context: &mut Context, part: Part) {
        self.parts.extend(part.bytes);
        self.send(context, Received {});
        if part.is_last.is_some()
            && let Ok(Some(message)) = Message::decode(&std::mem::take(&mut self.parts))
        {
            self.hear(context, message);
        }
    }

    fn opened(&mut self, context: &mut Context, opened: &Opened) {
        let Some(lane) = self.lanes.get_mut(&opened.channel) else { return };
        lane.is_open = true;
        let (incarnation, run) = (*opened.incarnation, *opened.run);
        let position = Checkpoint::new(incarnation, run, opened.seq);
        self.heard[lane.database].position = Some(position);
        if lane.is_comparing && !opened.resumed {
            context.tally.count("hostile: comparisons asked for");
            let compare = nonsense::compare(&mut context.random, opened.channel);
            self.send(context, compare);
        }
    }

    /// Viewers never acknowledge, and editors usually do.
    fn changes(&mut self, context: &mut Context, changes: &Changes) {
        let Some(lane) = self.lanes.get(&changes.channel) else { return };
        let heard = &mut self.heard[lane.database];
        changes.documents.iter().for_each(|document| heard.hear(document));
        if self.villain.malice == Malice::Editor && !context.random.one_in(8) {
            let (channel, batch) = (changes.channel, changes.batch);
            let refused = Vec::new();
            let answer = Acknowledge { channel, batch, refused, seq: None, is_current: None };
            self.send(context, answer);
        }
    }

    fn open(&mut self, context: &mut Context, database: usize) {
        let checkpoint = self.heard[database].checkpoint(&mut context.random);
        let channel = self.next_channel;
        self.next_channel += 1;
        let is_comparing = checkpoint.is_some_and(|checkpoint| !checkpoint.is_void());
        self.lanes.insert(channel, Lane { database, is_open: false, is_comparing, next_batch: 0 });
        let token = self.tokens[database].clone();
        let bearer = Bearer { place: (self.person, database), token };
        let credentials = bearer.credentials();
        let database = format!("database {database}");
        self.send(context, Open { channel, database, credentials, checkpoint });
    }

    /// Does the next mischief.
    pub fn act(&mut self, context: &mut Context) -> Vec<Deed> {
        let wait = context.random.between(1, self.villain.pause * 2);
        context.plan(Duration::from_millis(wait), Event::Mischief(self.id));
        if self.is_connecting {
            return Vec::new();
        }
        if self.link.is_none() || context.random.one_in(15) {
            self.leave(context);
            self.come_back(context);
            return Vec::new();
        }
        let database = context.random.below(self.heard.len());
        let lane = self.lanes.iter().find(|(_, lane)| lane.database == database);
        let Some((channel, is_open)) = lane.map(|(channel, lane)| (*channel, lane.is_open)) else {
            self.open(context, database);
            return Vec::new();
        };
        if context.random.one_in(40) {
            context.tally.count("hostile: messages out of turn");
            let message = nonsense::message(&mut context.random, channel);
            self.send(context, message);
        } else if !is_open {
            return Vec::new();
        } else if self.villain.malice == Malice::Editor {
            let forged = editor::write(context, &self.villain, &mut self.heard[database]);
            return self.push(context, channel, forged);
        } else if context.random.one_in(2) {
            // The next opening may lead to another comparison.
            self.send(context, Close { channel });
            self.lanes.remove(&channel);
        } else {
            context.tally.count("hostile: writes of a viewer");
            let forged = viewer::write(&mut context.random, &self.heard[database]);
            return self.push(context, channel, vec![forged]);
        }
        Vec::new()
    }

    /// Sends documents in one batch.
    fn push(&mut self, context: &mut Context, channel: Channel, all: Vec<Forged>) -> Vec<Deed> {
        let Some(lane) = self.lanes.get_mut(&channel) else { return Vec::new() };
        let (database, batch) = (lane.database, lane.next_batch);
        lane.next_batch += 1;
        let (mut documents, mut deeds) = (Vec::new(), Vec::new());
        for Forged { document, made } in all {
            let id = document.id.clone();
            documents.push((&document).into());
            deeds.extend(made.into_iter().map(|(revision, closes)| Deed {
                database,
                id: id.clone(),
                revision,
                closes,
            }));
        }
        let changes = Changes { channel, batch, seq: None, documents, latest: None };
        self.send(context, changes);
        deeds
    }

    fn send(&self, context: &mut Context, message: impl Into<Message>) {
        if let Some(link) = self.link {
            context.send(link, Direction::Up, message.into().encode());
        }
    }
}
