//! Frames from the server, and what follows from them.

use super::{Client, ClientOutput, Phase, Replica, replica::State, status::OfflineReason};
use crate::{
    access::Denial,
    message::{
        Acknowledge, Changes, Channel, Closed, Differences, FrameError, Goodbye, GoodbyeCode,
        Hello, Lacking, Message, OFFERS, Offer, Opened, Others, PARTS, Part, Pong, Received,
    },
    parts::TooLong,
    time::Time,
};

impl Client {
    /// A frame has arrived from the server.
    pub fn handle_frame(&mut self, now: Time, frame: &[u8]) {
        if !matches!(self.phase, Phase::Greeting { .. } | Phase::Online) {
            return;
        }
        self.last_heard = now;
        self.pinged = None;
        match Message::decode(frame) {
            Ok(Some(Message::Part(part))) if self.has_parts() => self.on_part(now, part),
            message => self.on_message(now, message),
        }
    }

    fn on_part(&mut self, now: Time, part: Part) {
        self.send(Received {});
        self.sent.progressed(now);
        match self.received.add(now, part, self.limits.frame) {
            Ok(None) => {}
            Ok(Some(frame)) => self.on_message(now, Message::decode(&frame)),
            Err(TooLong) => self.protocol_error(now),
        }
    }

    fn has_parts(&self) -> bool {
        matches!(self.phase, Phase::Online) && self.version >= PARTS
    }

    fn on_message(&mut self, now: Time, message: Result<Option<Message>, FrameError>) {
        match (&self.phase, message) {
            (_, Ok(None)) => {}
            (_, Ok(Some(Message::Goodbye(goodbye)))) => self.on_goodbye(now, &goodbye),
            (Phase::Greeting { .. }, Ok(Some(Message::Hello(hello)))) => self.on_hello(now, hello),
            (Phase::Online, Ok(Some(message))) => self.on_online_message(now, message),
            _ => self.protocol_error(now),
        }
    }

    fn on_hello(&mut self, now: Time, hello: Hello) {
        let [version] = hello.versions[..] else {
            return self.protocol_error(now);
        };
        if !self.versions.contains(&version) {
            return self.update_needed(now);
        }
        self.version = version;
        self.server = Some(hello.agent.into());
        self.phase = Phase::Online;
        self.offline = None;
        self.next_channel = 0;
        self.open_due_channels(now);
        self.status_changed(now);
    }

    fn on_goodbye(&mut self, now: Time, goodbye: &Goodbye) {
        match goodbye.code {
            GoodbyeCode::NoCommonVersion => self.update_needed(now),
            GoodbyeCode::Stopping | GoodbyeCode::Overload => {
                self.drop_connection(now, OfflineReason::ServerStopped);
            }
            GoodbyeCode::Silence => self.drop_connection(now, OfflineReason::Silence),
            _ => self.protocol_error(now),
        }
    }

    fn on_online_message(&mut self, now: Time, message: Message) {
        match message {
            Message::Ping(_) => {
                // The connection has lasted for a heartbeat, so the two sides understand each other.
                self.had_protocol_error = false;
                self.backoff.reset();
                self.send(Pong {});
            }
            Message::Pong(_) => {}
            Message::Opened(opened) => self.on_opened(now, &opened),
            Message::Closed(closed) => self.on_closed(now, closed),
            Message::Changes(changes) => self.on_changes(now, changes),
            Message::Acknowledge(acknowledge) => self.on_acknowledge(now, &acknowledge),
            Message::Offer(offer) if self.version >= OFFERS => self.on_offer(now, offer),
            Message::Lacking(lacking) if self.version >= OFFERS => self.on_lacking(now, lacking),
            Message::Differences(differences) => self.on_differences(now, differences),
            Message::Received(_) if self.has_parts() && self.sent.answered(now) => {}
            Message::Others(others) => self.on_others(now, others),
            Message::Hello(_)
            | Message::Goodbye(_)
            | Message::Open(_)
            | Message::Close(_)
            | Message::Offer(_)
            | Message::Lacking(_)
            | Message::Compare(_)
            | Message::Want(_)
            | Message::Part(_)
            | Message::Received(_)
            | Message::Here(_) => self.protocol_error(now),
        }
    }

    fn on_opened(&mut self, now: Time, opened: &Opened) {
        let Some(replica) = self.replica_of(opened.channel) else { return };
        let Some(opening) = self.replicas.get_mut(&replica) else { return };
        if !matches!(opening.state, State::Opening { .. }) {
            return self.protocol_error(now);
        }
        if opening.opened(opened, &self.limits) {
            self.outputs.push_back(ClientOutput::Digest { replica });
        }
        if !self.had_protocol_error {
            self.backoff.reset();
        }
        let here = opening.here().filter(|here| here.state.is_some());
        self.read_pending(replica);
        if let Some(here) = here {
            self.send(here);
        }
        self.status_changed(now);
    }

    fn on_others(&mut self, now: Time, others: Others) {
        let Some(replica) = self.replica_of(others.channel) else { return };
        let Some(replica) = self.replicas.get_mut(&replica) else { return };
        if replica.meet(others) {
            self.status_changed(now);
        } else {
            self.protocol_error(now);
        }
    }

    fn on_closed(&mut self, now: Time, closed: Closed) {
        let Some(replica) = self.replica_of(closed.channel) else { return };
        let Some(denied) = self.replicas.get_mut(&replica) else { return };
        denied.denied(now, Denial { code: closed.code, message: closed.message });
        self.status_changed(now);
    }

    fn on_changes(&mut self, now: Time, changes: Changes) {
        let Some(replica) = self.replica_of(changes.channel) else { return };
        let Some(receiver) = self.replicas.get_mut(&replica) else { return };
        let batch = changes.batch;
        let Some((documents, checkpoint)) = receiver.receive(changes) else {
            return self.protocol_error(now);
        };
        let reconciles = receiver.reconciles();
        self.outputs.push_back(ClientOutput::Commit {
            replica,
            batch,
            documents,
            checkpoint,
            reconciles,
        });
        self.status_changed(now);
    }

    fn on_acknowledge(&mut self, now: Time, acknowledge: &Acknowledge) {
        let Some(replica) = self.replica_of(acknowledge.channel) else { return };
        let Some(sender) = self.replicas.get_mut(&replica) else { return };
        match sender.acknowledged(now, acknowledge, &mut self.send_window) {
            Some(verdict) => self.outputs.push_back(ClientOutput::Settle { replica, verdict }),
            None => self.protocol_error(now),
        }
    }

    fn on_offer(&mut self, now: Time, offer: Offer) {
        let Some(replica) = self.replica_of(offer.channel) else { return };
        let Some(receiver) = self.replicas.get_mut(&replica) else { return };
        match receiver.receive_offer(offer) {
            Some(ids) => self.outputs.push_back(ClientOutput::Find { replica, ids }),
            None => self.protocol_error(now),
        }
    }

    fn on_lacking(&mut self, now: Time, lacking: Lacking) {
        let Some(replica) = self.replica_of(lacking.channel) else { return };
        let Some(sender) = self.replicas.get_mut(&replica) else { return };
        if !sender.offer_answered(lacking) {
            return self.protocol_error(now);
        }
        self.read_pending(replica);
    }

    fn on_differences(&mut self, now: Time, differences: Differences) {
        let Some(replica) = self.replica_of(differences.channel) else { return };
        let Some(comparing) = self.replicas.get_mut(&replica) else { return };
        match comparing.compared(differences) {
            Some(ids) => {
                self.outputs.push_back(ClientOutput::Resend { replica, ids });
                self.status_changed(now);
            }
            None => self.protocol_error(now),
        }
    }

    fn protocol_error(&mut self, now: Time) {
        self.drop_connection(now, OfflineReason::ProtocolError);
    }

    fn replica_of(&self, channel: Channel) -> Option<Replica> {
        debug_assert!(self.has_distinct_channels(), "no two replicas share a channel");
        let mut replicas = self.replicas.iter();
        replicas.find(|(_, replica)| replica.channel() == Some(channel)).map(|(name, _)| *name)
    }
}
