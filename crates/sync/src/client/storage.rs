//! What the driver has read from the databases or written to them.

use std::sync::Arc;

use settee_store::{Counts, DocumentId, Record};

use super::{Client, ClientOutput, Replica, Verdict, replica::ClientReplica};
use crate::{
    digest::DocumentDigest,
    message::{BatchNumber, Close, OFFERS},
    time::Time,
};

impl Client {
    /// A local database has changed. These are its counts now.
    pub fn handle_news(&mut self, now: Time, replica: Replica, counts: Counts) {
        let Some(changed) = self.replicas.get_mut(&replica) else { return };
        let before = changed.status();
        changed.set_counts(counts);
        let is_different = before != changed.status();
        if changed.wants_channel(now) {
            self.open_due_channels(now);
        }
        self.read_pending(replica);
        if is_different {
            self.status_changed(now);
        }
    }

    /// The answer to [`ClientOutput::ReadPending`].
    pub fn handle_pending(&mut self, now: Time, replica: Replica, records: &[Arc<Record>]) {
        let others = self.weight_in_flight_elsewhere(replica);
        let Some(sender) = self.replicas.get_mut(&replica) else { return };
        let offers = self.version >= OFFERS;
        let (batches, offer) = sender.batches(now, records, offers, &self.send_window, others);
        for batch in batches {
            self.send(batch);
        }
        if let Some(offer) = offer {
            self.send(offer);
        }
    }

    /// The answer to [`ClientOutput::Find`], in the same order; `None` if nothing could be read.
    pub fn handle_found(&mut self, replica: Replica, found: Option<&[Option<Arc<Record>>]>) {
        let Some(offered) = self.replicas.get_mut(&replica) else { return };
        if let Some(lacking) = offered.found(found) {
            self.send(lacking);
        }
    }

    /// The answer to [`ClientOutput::Commit`]: how many documents the store has rejected, because
    /// they contradict what it has; `None` if nothing could be saved.
    pub fn handle_committed(
        &mut self,
        now: Time,
        replica: Replica,
        batch: BatchNumber,
        rejected: Option<usize>,
    ) {
        let Some(receiver) = self.replicas.get_mut(&replica) else { return };
        if let Some(rejected) = rejected {
            if let Some(acknowledge) = receiver.committed(batch, rejected) {
                if rejected > 0 {
                    let verdict = Verdict { checkpoint: receiver.checkpoint, ..Verdict::default() };
                    self.outputs.push_back(ClientOutput::Settle { replica, verdict });
                }
                self.send(acknowledge);
            }
        } else {
            self.handle_failed(now, replica);
        }
        self.status_changed(now);
    }

    /// The answer to [`ClientOutput::Digest`]; `None` if nothing could be read.
    pub fn handle_digests(
        &mut self,
        now: Time,
        replica: Replica,
        documents: Option<Vec<DocumentDigest>>,
    ) {
        let Some(comparing) = self.replicas.get_mut(&replica) else { return };
        match documents {
            Some(documents) => {
                if let Some(compare) = comparing.digested(now, documents) {
                    self.send(compare);
                }
            }
            None => self.close_for_now(now, replica, ClientReplica::failed_to_read),
        }
    }

    /// The answer to [`ClientOutput::Resend`]: whether the documents are marked as pending.
    pub fn handle_resent(&mut self, now: Time, replica: Replica, is_done: bool) {
        let Some(comparing) = self.replicas.get_mut(&replica) else { return };
        if !is_done {
            return self.handle_failed(now, replica);
        }
        if let Some(want) = comparing.marked() {
            self.send(want);
        }
        self.read_pending(replica);
    }

    /// The replica's store has failed: it could not store a verdict, or could not read what is
    /// pending. The channel is closed, and opened again after a while.
    pub fn handle_failed(&mut self, now: Time, replica: Replica) {
        self.close_for_now(now, replica, ClientReplica::failed_to_save);
    }

    /// The answer to [`ClientOutput::Settle`]: the verdict on these documents is stored.
    pub fn handle_settled(&mut self, replica: Replica, ids: &[DocumentId]) {
        if let Some(settled) = self.replicas.get_mut(&replica) {
            settled.settled(ids);
            self.read_pending(replica);
        }
    }

    /// Closes the replica's channel. `close` notes why, and until when.
    fn close_for_now(&mut self, now: Time, replica: Replica, close: fn(&mut ClientReplica, Time)) {
        let Some(failed) = self.replicas.get_mut(&replica) else { return };
        let channel = failed.channel();
        close(failed, now);
        if let Some(channel) = channel {
            self.send(Close { channel });
        }
        self.status_changed(now);
    }

    /// The weight of the batches in flight of other replicas.
    fn weight_in_flight_elsewhere(&self, replica: Replica) -> usize {
        let others = self.replicas.iter().filter(|(name, _)| **name != replica);
        others.map(|(_, other)| other.weight_in_flight()).sum()
    }

    /// Asks for pending documents, if there are any to send and there is credit.
    pub(super) fn read_pending(&mut self, replica: Replica) {
        let others = self.weight_in_flight_elsewhere(replica);
        let Some(sender) = self.replicas.get_mut(&replica) else { return };
        if let Some(limit) = sender.next_read(&self.send_window, others) {
            self.outputs.push_back(ClientOutput::ReadPending { replica, limit });
        }
    }
}
