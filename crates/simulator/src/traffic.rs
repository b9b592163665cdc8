//! What is sent over the links, and what arrives.

use settee_sync::message::{Message, Part};

use crate::{
    context::Context,
    event::Event,
    link::{Direction, LinkId, Parcel},
    trace::describe,
};

impl Context {
    /// Sends a frame, which may be lost or duplicated on its way.
    pub fn send(&mut self, link: LinkId, direction: Direction, frame: Vec<u8>) {
        self.trace.mark(&frame);
        self.tally.count("frames sent");
        self.trace.note(self.now, || format!("link {link} {direction:?}: {}", describe(&frame)));
        let message = match Message::decode(&frame) {
            Ok(Some(Message::Part(part))) => self.join(link, direction, part),
            message => message.ok().flatten(),
        };
        if matches!(message, Some(Message::Offer(_))) {
            self.tally.count("offers");
        }
        if self.random.one_in(self.faults.loss) {
            self.tally.count("fault: a frame lost, and all after it");
            self.note(|| format!("link {link} {direction:?}: lost, as all that follows"));
            if self.random.one_in(2) {
                self.network.go_silent(link, direction.back());
            }
            self.network.go_silent(link, direction);
        }
        if self.random.one_in(self.faults.duplication) {
            self.tally.count("fault: a frame comes twice");
            self.put(link, direction, Parcel::Frame(frame.clone()));
        }
        self.put(link, direction, Parcel::Frame(frame));
    }

    /// Adds a part that was sent, and returns the message once it is complete.
    fn join(&mut self, link: LinkId, direction: Direction, part: Part) -> Option<Message> {
        let whole = self.network.pipe(link, direction)?.join(part)?;
        self.tally.count("frames sent in parts");
        let text = || format!("link {link} {direction:?}: altogether {}", describe(&whole));
        self.trace.note(self.now, text);
        Message::decode(&whole).ok().flatten()
    }

    /// One side closes. Everything that it has sent arrives first.
    pub fn hang_up(&mut self, link: LinkId, outwards: Direction) {
        self.network.go_silent(link, outwards.back());
        self.put(link, outwards, Parcel::End);
    }

    /// The connection breaks, and both sides are told.
    pub fn cut(&mut self, link: LinkId) {
        for direction in [Direction::Up, Direction::Down] {
            self.network.go_silent(link, direction);
            if let Some(pipe) = self.network.pipe(link, direction) {
                pipe.is_dead = false;
            }
            self.put(link, direction, Parcel::End);
        }
    }

    fn put(&mut self, id: LinkId, direction: Direction, parcel: Parcel) {
        let (quickest, slowest) = self.faults.delay;
        let delay = self.random.millis(quickest, slowest);
        let Some(pipe) = self.network.pipe(id, direction) else { return };
        if pipe.is_dead {
            return;
        }
        if let Parcel::Frame(frame) = &parcel {
            pipe.bytes += frame.len();
        }
        pipe.latest = pipe.latest.max(self.now + delay).max(pipe.stalled_until);
        pipe.parcels.push_back(parcel);
        self.agenda.plan(pipe.latest, Event::Arrive(id, direction));
    }

    /// The parcel that arrives now, unless the link is stalled or dead.
    pub fn take_parcel(&mut self, id: LinkId, direction: Direction) -> Option<Parcel> {
        let pipe = self.network.pipe(id, direction)?;
        if pipe.stalled_until > self.now {
            self.agenda.plan(pipe.stalled_until, Event::Arrive(id, direction));
            return None;
        }
        let parcel = pipe.parcels.pop_front()?;
        if let Parcel::Frame(frame) = &parcel {
            pipe.bytes -= frame.len();
        }
        Some(parcel)
    }
}
