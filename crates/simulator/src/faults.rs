//! What may go wrong, and how often.
//!
//! Each seed draws its own mix. If everything went wrong all the time, nothing would get far enough to go
//! wrong in an interesting way.

use crate::random::Random;

/// A fault that happens at a time of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The connection is gone, and both sides are told.
    Cut,
    /// Nothing arrives any more, and nobody is told.
    Silence,
    /// Nothing arrives for a while, and then everything does.
    Stall,
    /// A client can't reach the server for a while.
    Partition,
    /// A device says that it has no network, and later that it has.
    Offline,
    /// Somebody closes the laptop's lid, or taps on the status.
    Wake,
    CrashClient,
    CrashServer,
    StopServer,
    /// A client has no room to save for a while.
    Quota,
    /// The server's databases are compacted, or a client's.
    Compact,
    /// The server's databases are backed up; or they are restored, rolled back or deleted.
    Lose,
    /// A client's disks are backed up, or restored.
    RestoreClient,
    /// A client's disks are copied to another device, which goes on independently.
    CloneClient,
    /// A person loses access to a database, or has another role in it, for a while.
    Permission,
    /// A device sleeps, and its clock has jumped when it wakes.
    Sleep,
    /// Another tab begins to sync, and the one that does so already isn't told.
    TakeOver,
}

const KINDS: [Kind; 17] = [
    Kind::Cut,
    Kind::Silence,
    Kind::Stall,
    Kind::Partition,
    Kind::Offline,
    Kind::Wake,
    Kind::CrashClient,
    Kind::CrashServer,
    Kind::StopServer,
    Kind::Quota,
    Kind::Compact,
    Kind::Lose,
    Kind::RestoreClient,
    Kind::CloneClient,
    Kind::Permission,
    Kind::Sleep,
    Kind::TakeOver,
];

#[derive(Debug, Clone, Default)]
pub struct Faults {
    pub kinds: Vec<Kind>,
    /// The mean pause between them, in milliseconds.
    pub pause: u64,
    /// The shortest and the longest time that a frame takes, in milliseconds.
    pub delay: (u64, u64),
    /// Once in so many frames. 0 means never, here and below.
    pub loss: u64,
    pub duplication: u64,
    /// Once in so many commits.
    pub client_crash: u64,
    pub server_crash: u64,
    pub server_failure: u64,
    /// Of those of a clerk.
    pub clerk_crash: u64,
    /// Once in so many channels opened.
    pub unavailable: u64,
}

/// The outcome of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Done,
    /// The process dies before anything is written.
    CrashBefore,
    /// The process dies after the commit is durable, before it hears of that.
    CrashAfter,
    /// It fails.
    Fail,
    /// It succeeds, but takes so long that it counts as failed.
    Late,
}

impl Faults {
    pub fn draw(random: &mut Random) -> Self {
        let mut sometimes = |first, last| {
            let rate = random.between(first, last);
            if random.one_in(2) { rate } else { 0 }
        };
        let loss = sometimes(50, 500);
        let client_crash = sometimes(10, 100);
        let server_crash = sometimes(20, 200);
        let server_failure = sometimes(5, 50);
        let unavailable = sometimes(3, 10);
        let clerk_crash = sometimes(3, 20);
        let quickest = random.between(1, 40);
        Self {
            kinds: KINDS.into_iter().filter(|_| random.one_in(2)).collect(),
            pause: random.between(400, 6_000),
            delay: (quickest, quickest + random.between(0, 200)),
            loss,
            duplication: if random.one_in(6) { random.between(20, 200) } else { 0 },
            client_crash,
            server_crash,
            server_failure,
            clerk_crash,
            unavailable,
        }
    }

    /// No more faults. Frames take as long as before.
    pub fn end(&mut self) {
        *self = Self { delay: self.delay, ..Self::default() };
    }

    pub fn client_commit(&self, random: &mut Random) -> Fate {
        match (random.one_in(self.client_crash), random.one_in(2)) {
            (false, _) => Fate::Done,
            (true, false) => Fate::CrashBefore,
            (true, true) => Fate::CrashAfter,
        }
    }

    pub fn server_commit(&self, random: &mut Random) -> Fate {
        self.commit_of(random, self.server_crash)
    }

    /// A commit of a clerk, which the server dies in more often: there are few.
    pub fn clerk_commit(&self, random: &mut Random) -> Fate {
        self.commit_of(random, self.clerk_crash)
    }

    fn commit_of(&self, random: &mut Random, crash: u64) -> Fate {
        let is_first = random.one_in(2);
        if random.one_in(crash) {
            if is_first { Fate::CrashBefore } else { Fate::CrashAfter }
        } else if random.one_in(self.server_failure) {
            if is_first { Fate::Fail } else { Fate::Late }
        } else {
            Fate::Done
        }
    }
}
