//! The people and databases of a life, and its faults, as the seed draws them.

use std::time::Duration;

use settee_keys::Token;
use settee_sync::{Limits, Role, message::VERSIONS};

use crate::{
    clock::Clock,
    faults::{Faults, Kind},
    random::Random,
};

/// Once in so many lives, bodies are as large as they may be.
const BULKY: u64 = 50;

#[derive(Debug)]
pub struct Scenario {
    pub databases: usize,
    pub people: Vec<Person>,
    /// Editors and viewers of all databases who have ill will.
    pub villains: Vec<Villain>,
    /// The owners' tokens by database, if access is by tokens.
    pub owners: Option<Vec<Token>>,
    /// Whether places are given out: see `places`.
    pub has_clerks: bool,
    /// The protocol versions that the server speaks.
    pub versions: &'static [u8],
    /// The server's clock.
    pub clock: Clock,
    pub limits: Limits,
    /// How long faults happen.
    pub fault_phase: Duration,
    /// The mean pause between two edits of a person, in milliseconds.
    pub pause: u64,
    pub faults: Faults,
}

/// A person with a client.
#[derive(Debug)]
pub struct Person {
    /// When the client starts. A late one finds the databases in use.
    pub joins: Duration,
    /// By database.
    pub memberships: Vec<(usize, Membership)>,
    /// The protocol versions that the client speaks.
    pub versions: &'static [u8],
    pub clock: Clock,
}

/// A person with ill will.
#[derive(Debug, Clone)]
pub struct Villain {
    pub malice: Malice,
    /// When they first connect.
    pub joins: Duration,
    /// The mean pause between two misdeeds, in milliseconds.
    pub pause: u64,
    pub versions: &'static [u8],
    /// Says of others' revisions what can't be checked, and remembers earlier connections. A server that
    /// has lost something doesn't know better, and then that isn't held: see SECURITY.md.
    pub lies: bool,
    /// Writes bodies of which a document can't keep all.
    pub is_bulky: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malice {
    Editor,
    Viewer,
}

impl Malice {
    pub fn membership(self) -> Membership {
        match self {
            Self::Editor => Membership::Editor,
            Self::Viewer => Membership::Viewer,
        }
    }
}

/// The role of a person in a database, apart from temporary changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// The database began on this device. The server creates it with the first change.
    Owner,
    Editor,
    /// Ticks what others wrote, and adds documents of its own.
    Helper,
    /// Reads. It writes to documents of its own, which must stay on its device.
    Viewer,
    /// A viewer whose client believes that it may write.
    Rogue,
    /// The device doesn't have the database.
    Stranger,
}

impl Membership {
    pub fn role(self) -> Option<Role> {
        match self {
            Self::Owner => Some(Role::Owner),
            Self::Editor => Some(Role::Editor),
            Self::Helper => Some(Role::Helper),
            Self::Viewer | Self::Rogue => Some(Role::Viewer),
            Self::Stranger => None,
        }
    }

    /// An editor may lose write access for a while. Then the edits wait.
    pub fn is_meant_to_write(self) -> bool {
        matches!(self, Self::Owner | Self::Editor | Self::Helper)
    }
}

impl Scenario {
    pub fn draw(random: &mut Random) -> Self {
        let databases = 1 + random.below(3);
        let people = (0..2 + random.below(4)).map(|who| Person::draw(random, who, databases));
        let people = people.collect();
        let (versions, clock) = (spoken(random), Clock::draw(random));
        let is_bulky = random.one_in(BULKY);
        let limits = if is_bulky { Limits::default() } else { limits(random) };
        let fault_phase = random.millis(10_000, 60_000);
        let pause =
            if is_bulky { random.between(8_000, 20_000) } else { random.between(150, 4_000) };
        let faults = Faults::draw(random);
        let villains = if is_bulky { 1 } else { random.below(3) };
        let villains = (0..villains).map(|_| Villain::draw(random, &faults, is_bulky));
        let villains = villains.collect();
        let owners = None;
        let has_clerks = random.one_in(2);
        Self {
            databases,
            people,
            villains,
            owners,
            has_clerks,
            versions,
            clock,
            limits,
            fault_phase,
            pause,
            faults,
        }
    }

    /// The same with tokens: owners say who may do what, and all others come by the links that they are given.
    pub fn draw_with_tokens(random: &mut Random) -> Self {
        let drawn = Self::draw(random);
        let databases = 1 + random.below(2);
        let owners = 1 + random.below(2);
        let people = (0..owners + 2 + random.below(3)).map(|who| {
            let membership = match who {
                0 => Membership::Owner,
                _ if who < owners => Membership::Editor,
                _ => Membership::Stranger,
            };
            let memberships = (0..databases).map(|database| (database, membership)).collect();
            Person { memberships, ..Person::draw(random, who, databases) }
        });
        let people = people.collect();
        let mut faults = drawn.faults;
        // Access is what owners say, and doesn't change by itself.
        faults.kinds.retain(|kind| *kind != Kind::Permission);
        Self {
            databases,
            people,
            villains: drawn.villains.into_iter().filter(|villain| !villain.is_bulky).collect(),
            owners: Some((0..databases).map(|_| token(random)).collect()),
            limits: limits(random),
            pause: random.between(150, 4_000),
            faults,
            ..drawn
        }
    }
}

impl Villain {
    fn draw(random: &mut Random, faults: &Faults, is_bulky: bool) -> Self {
        Self {
            malice: match random.below(4) {
                0 if !is_bulky => Malice::Viewer,
                _ => Malice::Editor,
            },
            joins: random.millis(0, 8_000),
            pause: if is_bulky { 700 } else { random.between(50, 2_000) },
            versions: spoken(random),
            lies: !faults.kinds.contains(&Kind::Lose),
            is_bulky,
        }
    }
}

impl Person {
    fn draw(random: &mut Random, who: usize, databases: usize) -> Self {
        let is_late = random.one_in(3);
        let joins = if is_late { random.millis(1_000, 60_000) } else { random.millis(0, 500) };
        let reader = if random.one_in(2) { Membership::Viewer } else { Membership::Rogue };
        let mut memberships = Vec::new();
        for database in 0..databases {
            // The first person owns everything, so that each database is created.
            let membership = match (who, random.below(12)) {
                (0, _) => Membership::Owner,
                (_, 0 | 1) => reader,
                _ => Membership::Editor,
            };
            if who == 0 || !random.one_in(5) {
                memberships.push((database, membership));
            }
        }
        Self { joins, memberships, versions: spoken(random), clock: Clock::draw(random) }
    }
}

/// A token that nobody else has.
pub fn token(random: &mut Random) -> Token {
    let bytes = [random.bytes(), random.bytes()].concat();
    Token::from_bytes(&bytes).expect("twice 16 bytes are as many as a token has")
}

/// Small limits, so that they are reached.
fn limits(random: &mut Random) -> Limits {
    let batch = usize::try_from(random.between(100, 2_000)).unwrap_or(100);
    Limits {
        batch,
        batch_documents: 1 + random.below(8),
        credit: batch * (1 + random.below(4)),
        window: (batch, 1 + random.below(batch)),
        offer: usize::try_from(random.between(60, 1_000)).unwrap_or(60),
        ..Limits::default()
    }
}

/// All versions of the protocol, or sometimes those of an earlier release.
fn spoken(random: &mut Random) -> &'static [u8] {
    if random.one_in(5) { &VERSIONS[..=random.below(VERSIONS.len() - 1)] } else { VERSIONS }
}
