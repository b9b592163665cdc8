//! Frames from the client, and what follows from them.

use super::{
    Phase, Server, ServerOutput,
    channel::{Rejection, ServerChannel},
    comparison,
};
use crate::{
    access::{Denial, DenialCode},
    limits::{CREDENTIALS_LIMIT, NAME_LIMIT, STATE_LIMIT},
    message::{
        Acknowledge, Changes, Channel, Close, Closed, Compare, FrameError, GoodbyeCode, Hello,
        Here, Lacking, Message, OFFERS, Offer, Open, PARTS, Part, Pong, Received, Want,
    },
    parts::TooLong,
    time::Time,
};

impl Server {
    /// A frame has arrived from the client.
    pub fn handle_frame(&mut self, now: Time, frame: &[u8]) {
        if self.phase == Phase::Over {
            return;
        }
        let limit = if self.has_granted { self.limits.frame } else { self.limits.first_frame };
        if frame.len() > limit {
            return self.end(GoodbyeCode::TooLarge, "the frame is too large");
        }
        self.last_heard = now;
        match Message::decode(frame) {
            Ok(Some(Message::Part(part))) if self.has_parts() => self.on_part(now, part, limit),
            message => self.on_message(now, message),
        }
    }

    fn on_part(&mut self, now: Time, part: Part, limit: usize) {
        // The answers that are awaited may be queued behind the parts.
        self.sent.progressed(now);
        self.send(Received {});
        match self.received.add(now, part, limit) {
            Ok(None) => {}
            Ok(Some(frame)) => self.on_message(now, Message::decode(&frame)),
            Err(TooLong) => self.end(GoodbyeCode::TooLarge, "the frame in parts is too large"),
        }
    }

    fn has_parts(&self) -> bool {
        self.phase == Phase::Talking && self.version >= PARTS
    }

    fn on_message(&mut self, now: Time, message: Result<Option<Message>, FrameError>) {
        let message = match message {
            Ok(Some(message)) => message,
            Ok(None) => return,
            Err(error @ FrameError::Malformed(_)) => {
                return self.end(GoodbyeCode::Malformed, error.to_string());
            }
            Err(error @ FrameError::UnknownType(_)) => {
                return self.end(GoodbyeCode::UnknownType, error.to_string());
            }
        };
        match (self.phase, message) {
            (Phase::Greeting, Message::Hello(hello)) => self.on_hello(now, &hello),
            (Phase::Talking, Message::Ping(_)) => self.send(Pong {}),
            (Phase::Talking, Message::Pong(_)) => {}
            (Phase::Talking, Message::Open(open)) => self.on_open(open),
            (Phase::Talking, Message::Close(close)) => self.on_close(&close),
            (Phase::Talking, Message::Changes(changes)) => self.on_changes(changes),
            (Phase::Talking, Message::Acknowledge(acknowledge)) => {
                self.on_acknowledge(now, &acknowledge);
            }
            (Phase::Talking, Message::Offer(offer)) => self.on_offer(now, offer),
            (Phase::Talking, Message::Lacking(lacking)) => self.on_lacking(now, lacking),
            (Phase::Talking, Message::Compare(compare)) => self.on_compare(&compare),
            (Phase::Talking, Message::Want(want)) => self.on_want(now, want),
            (Phase::Talking, Message::Here(here)) => self.on_here(here),
            (Phase::Talking, Message::Received(_))
                if self.has_parts() && self.sent.answered(now) => {}
            _ => self.end(GoodbyeCode::OutOfPlace, "the message makes no sense here"),
        }
    }

    fn on_hello(&mut self, now: Time, hello: &Hello) {
        let common = self.versions.iter().copied().filter(|v| hello.versions.contains(v)).max();
        let Some(version) = common else {
            return self.end(GoodbyeCode::NoCommonVersion, "no version in common");
        };
        self.phase = Phase::Talking;
        self.pinged = now;
        let agent = self.agent.clone();
        self.version = version;
        self.send(Hello { versions: vec![version], agent });
    }

    fn on_open(&mut self, open: Open) {
        if self.highest_channel.is_some_and(|highest| open.channel <= highest) {
            return self.end(GoodbyeCode::OutOfPlace, "the channel's number was used before");
        }
        self.highest_channel = Some(open.channel);
        let denial = if open.database.is_empty() || open.database.len() > NAME_LIMIT {
            Some(Denial::new(DenialCode::Denied, "there is no database of that name"))
        } else if open.credentials.len() > CREDENTIALS_LIMIT {
            Some(Denial::new(DenialCode::Denied, "these credentials are too long"))
        } else if self.channels.len() >= self.limits.channels {
            Some(Denial::new(DenialCode::TooMany, "too many databases on one connection"))
        } else {
            None
        };
        if let Some(Denial { code, message }) = denial {
            return self.send(Closed { channel: open.channel, code, message });
        }
        let channel = ServerChannel::new(open.checkpoint, self.version >= OFFERS);
        let previous = self.channels.insert(open.channel, channel);
        assert!(previous.is_none(), "no two channels of a connection have the same number");
        assert!(self.channels.len() <= self.limits.channels, "channels keep to their limit");
        self.outputs.push_back(ServerOutput::Authorize(open));
    }

    fn on_close(&mut self, close: &Close) {
        if self.channels.remove(&close.channel).is_some() {
            self.outputs.push_back(ServerOutput::Release(close.channel));
        }
    }

    fn on_changes(&mut self, changes: Changes) {
        let number = changes.channel;
        let Some(channel) = self.channels.get_mut(&number) else {
            // Changes that were in flight when the channel was closed are ignored.
            if self.highest_channel.is_none_or(|highest| number > highest) {
                self.end(GoodbyeCode::OutOfPlace, "the channel was never opened");
            }
            return;
        };
        match channel.receive(changes, &self.limits) {
            Ok((batch, documents)) => {
                self.outputs.push_back(ServerOutput::Commit { channel: number, batch, documents });
            }
            Err(rejection) => self.reject(number, &rejection),
        }
    }

    fn on_offer(&mut self, now: Time, offer: Offer) {
        let number = offer.channel;
        let Some(channel) = self.channels.get_mut(&number) else { return };
        match channel.receive_offer(offer) {
            Ok(()) => self.advance(now, number),
            Err(rejection) => self.reject(number, &rejection),
        }
    }

    fn on_here(&mut self, here: Here) {
        let Here { channel: number, state } = here;
        let state = state.map(Vec::from);
        let Some(channel) = self.channels.get_mut(&number) else { return };
        if state.as_ref().is_some_and(|state| state.len() > STATE_LIMIT) {
            self.end(GoodbyeCode::TooLarge, "this is too much to tell of somebody");
        } else if channel.show(state.is_some()) {
            self.outputs.push_back(ServerOutput::Here { channel: number, state });
        } else {
            self.end(GoodbyeCode::OutOfPlace, "the channel is not open");
        }
    }

    fn reject(&mut self, number: Channel, rejection: &Rejection) {
        match rejection {
            Rejection::ReadOnly => {
                let denial = Denial::new(DenialCode::Downgraded, "this access is for reading only");
                self.deny(number, denial);
            }
            Rejection::Overload => {
                self.end(GoodbyeCode::Overload, "more was sent than there is credit for");
            }
            Rejection::NotOpen => self.end(GoodbyeCode::OutOfPlace, "the channel is not open"),
            Rejection::TooEarly => {
                self.end(GoodbyeCode::OutOfPlace, "the last offer is not answered");
            }
        }
    }

    fn on_acknowledge(&mut self, now: Time, acknowledge: &Acknowledge) {
        let Some(channel) = self.channels.get_mut(&acknowledge.channel) else { return };
        let batch = acknowledge.batch;
        if channel.acknowledged(now, batch, &mut self.send_window, &self.limits) {
            self.advance(now, acknowledge.channel);
        } else {
            self.end(GoodbyeCode::OutOfPlace, "no such batch waits for an acknowledgement");
        }
    }

    fn on_lacking(&mut self, now: Time, lacking: Lacking) {
        let number = lacking.channel;
        let Some(channel) = self.channels.get_mut(&number) else { return };
        if channel.offer_answered(lacking) {
            self.advance(now, number);
        } else {
            self.end(GoodbyeCode::OutOfPlace, "nothing of that kind was offered");
        }
    }

    fn on_compare(&mut self, compare: &Compare) {
        let Some(channel) = self.channels.get_mut(&compare.channel) else { return };
        let Some(buckets) = comparison::read_buckets(&compare.buckets) else {
            return self.end(GoodbyeCode::Malformed, "these are no digests");
        };
        if channel.compare(buckets) {
            self.outputs.push_back(ServerOutput::Digest { channel: compare.channel });
        } else {
            self.end(GoodbyeCode::OutOfPlace, "there is nothing to compare");
        }
    }

    fn on_want(&mut self, now: Time, want: Want) {
        let Some(channel) = self.channels.get_mut(&want.channel) else { return };
        if channel.want(want.ids) {
            self.advance(now, want.channel);
        } else {
            self.end(GoodbyeCode::OutOfPlace, "nothing was compared");
        }
    }
}
