//! What the server says, and what follows from it.

use super::{Client, ClientOutput, Phase, Replica, replica::State, status::OfflineReason};
use crate::{
    access::Denial,
    message::{
        Channel, Closed, FrameError, Goodbye, GoodbyeCode, Hello, Message, OFFERS, PARTS, Part,
        Pong, Received,
    },
    parts::TooLong,
    time::Time,
};

impl Client {
    pub fn handle_frame(&mut self, now: Time, frame: &[u8]) {
        if !matches!(self.phase, Phase::Greeting { .. } | Phase::Online) {
            return;
        }
        self.heard = now;
        self.asked = None;
        match Message::decode(frame) {
            Ok(Some(Message::Part(part))) if self.has_parts() => self.take_part(now, part),
            message => self.read(now, message),
        }
    }

    fn take_part(&mut self, now: Time, part: Part) {
        self.send(Received {});
        self.sent.heard(now);
        match self.received.add(now, part, self.limits.frame) {
            Ok(None) => {}
            Ok(Some(frame)) => self.read(now, Message::decode(&frame)),
            Err(TooLong) => self.drop_connection(now, OfflineReason::Misunderstanding),
        }
    }

    fn has_parts(&self) -> bool {
        matches!(self.phase, Phase::Online) && self.version >= PARTS
    }

    fn read(&mut self, now: Time, message: Result<Option<Message>, FrameError>) {
        match (&self.phase, message) {
            (_, Ok(None)) => {}
            (_, Ok(Some(Message::Goodbye(goodbye)))) => self.dismissed(now, &goodbye),
            (Phase::Greeting { .. }, Ok(Some(Message::Hello(hello)))) => self.greeted(now, &hello),
            (Phase::Online, Ok(Some(message))) => self.take(now, message),
            _ => self.drop_connection(now, OfflineReason::Misunderstanding),
        }
    }

    fn greeted(&mut self, now: Time, hello: &Hello) {
        let [version] = hello.versions[..] else {
            return self.drop_connection(now, OfflineReason::Misunderstanding);
        };
        if !self.versions.contains(&version) {
            return self.outdated(now);
        }
        self.version = version;
        self.phase = Phase::Online;
        self.offline = None;
        self.next_channel = 0;
        self.open_what_waits(now);
        self.tell(now);
    }

    fn dismissed(&mut self, now: Time, goodbye: &Goodbye) {
        match goodbye.code {
            GoodbyeCode::NoCommonVersion => self.outdated(now),
            GoodbyeCode::Stopping | GoodbyeCode::Overload => {
                self.drop_connection(now, OfflineReason::ServerStopped);
            }
            GoodbyeCode::Silence => self.drop_connection(now, OfflineReason::Silence),
            _ => self.drop_connection(now, OfflineReason::Misunderstanding),
        }
    }

    fn take(&mut self, now: Time, message: Message) {
        match message {
            Message::Ping(_) => {
                // The connection has lasted for a heartbeat: it was worth making.
                self.is_wary = false;
                self.backoff.reset();
                self.send(Pong {});
            }
            Message::Pong(_) => {}
            Message::Opened(opened) => {
                let Some(replica) = self.replica_of(opened.channel) else { return };
                let Some(opening) = self.replicas.get_mut(&replica) else { return };
                if !matches!(opening.state, State::Opening { .. }) {
                    return self.drop_connection(now, OfflineReason::Misunderstanding);
                }
                if opening.opened(&opened, &self.limits) {
                    self.outputs.push_back(ClientOutput::Digest { replica });
                }
                if !self.is_wary {
                    self.backoff.reset();
                }
                self.read_pending(replica);
                self.tell(now);
            }
            Message::Closed(closed) => self.closed(now, closed),
            Message::Changes(changes) => {
                let Some(replica) = self.replica_of(changes.channel) else { return };
                let Some(receiver) = self.replicas.get_mut(&replica) else { return };
                let batch = changes.batch;
                let Some((documents, checkpoint)) = receiver.take(changes) else {
                    return self.drop_connection(now, OfflineReason::Misunderstanding);
                };
                let commit = ClientOutput::Commit { replica, batch, documents, checkpoint };
                self.outputs.push_back(commit);
                self.tell(now);
            }
            Message::Acknowledge(landed) => {
                let Some(replica) = self.replica_of(landed.channel) else { return };
                let Some(sender) = self.replicas.get_mut(&replica) else { return };
                match sender.landed(now, &landed, &mut self.pace) {
                    Some(verdict) => {
                        self.outputs.push_back(ClientOutput::Settle { replica, verdict });
                    }
                    None => self.drop_connection(now, OfflineReason::Misunderstanding),
                }
            }
            Message::Offer(_) | Message::Lacking(_) if self.version < OFFERS => {
                self.drop_connection(now, OfflineReason::Misunderstanding);
            }
            Message::Lacking(lacking) => {
                let Some(replica) = self.replica_of(lacking.channel) else { return };
                let Some(sender) = self.replicas.get_mut(&replica) else { return };
                if !sender.answered(lacking) {
                    return self.drop_connection(now, OfflineReason::Misunderstanding);
                }
                self.read_pending(replica);
            }
            Message::Offer(offer) => {
                let Some(replica) = self.replica_of(offer.channel) else { return };
                let Some(receiver) = self.replicas.get_mut(&replica) else { return };
                match receiver.take_offer(offer) {
                    Some(ids) => self.outputs.push_back(ClientOutput::Find { replica, ids }),
                    None => self.drop_connection(now, OfflineReason::Misunderstanding),
                }
            }
            Message::Differences(differences) => {
                let Some(replica) = self.replica_of(differences.channel) else { return };
                let Some(comparing) = self.replicas.get_mut(&replica) else { return };
                match comparing.compared(differences) {
                    Some(ids) => {
                        self.outputs.push_back(ClientOutput::Resend { replica, ids });
                        self.tell(now);
                    }
                    None => self.drop_connection(now, OfflineReason::Misunderstanding),
                }
            }
            Message::Received(_) if self.has_parts() && self.sent.answered(now) => {}
            Message::Hello(_)
            | Message::Goodbye(_)
            | Message::Open(_)
            | Message::Close(_)
            | Message::Compare(_)
            | Message::Want(_)
            | Message::Part(_)
            | Message::Received(_) => {
                self.drop_connection(now, OfflineReason::Misunderstanding);
            }
        }
    }

    fn closed(&mut self, now: Time, closed: Closed) {
        let Some(replica) = self.replica_of(closed.channel) else { return };
        let Some(denied) = self.replicas.get_mut(&replica) else { return };
        denied.denied(now, Denial { code: closed.code, message: closed.message });
        self.tell(now);
    }

    fn replica_of(&self, channel: Channel) -> Option<Replica> {
        let mut replicas = self.replicas.iter();
        replicas.find(|(_, replica)| replica.channel() == Some(channel)).map(|(name, _)| *name)
    }
}
