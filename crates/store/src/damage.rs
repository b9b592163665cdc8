//! What was lost with records that can't be read.

use crate::{
    backend::{BackendError, Unreadable},
    database::Database,
    document_id::DocumentId,
    heap_sort::heap_sort,
};

/// The local document with the [`Lost`] edits that were noticed.
const LOST: &str = "_lost";

/// A document with lost edits, the update sequence of the record that they were in, and whether somebody
/// knows of that.
type Lost = (DocumentId, u64, bool);

/// What damage to records has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Damaged {
    /// How many documents can't be read. A record that doesn't even tell its document counts for ever.
    pub documents: usize,
    /// Of how many only an earlier record can be read.
    pub outdated: usize,
    /// How many have lost edits of this device that the server didn't have, as far as can be told and
    /// until [`Database::forget_lost`].
    pub lost: usize,
}

/// What there is now.
struct Found {
    documents: usize,
    outdated: usize,
    lost: Vec<Lost>,
}

impl Database {
    /// How many documents are damaged now, and how many have lost edits. Both end when a document is
    /// written anew, but for lost edits that [`Database::keep_lost`] has noted.
    pub async fn damaged(&self) -> Result<Damaged, BackendError> {
        let Some(Found { documents, outdated, lost }) = self.look().await? else {
            return Ok(Damaged::default());
        };
        let all = with(self.known_lost().await?, lost);
        let lost = all.iter().filter(|(.., is_known)| !is_known).count();
        Ok(Damaged { documents, outdated, lost })
    }

    /// Writes down which documents have lost edits. That has to come before the server gives them back,
    /// because afterwards nothing shows that more was there.
    pub async fn keep_lost(&self) -> Result<(), BackendError> {
        let Some(Found { lost, .. }) = self.look().await? else { return Ok(()) };
        let known = self.known_lost().await?;
        let all = with(known.clone(), lost);
        if all == known { Ok(()) } else { self.set_lost(&all).await }
    }

    /// Whoever made the lost edits was told of them.
    pub async fn forget_lost(&self) -> Result<(), BackendError> {
        let found = self.look().await?.map(|found| found.lost);
        // They would be found again.
        let found = found.unwrap_or_default().into_iter().map(|(id, seq, _)| (id, seq, true));
        self.set_lost(&found.collect::<Vec<_>>()).await
    }

    /// `None` if everything can be read.
    async fn look(&self) -> Result<Option<Found>, BackendError> {
        let unreadable = self.unreadable().await?;
        if unreadable.is_empty() {
            return Ok(None);
        }
        let count = unreadable.len();
        let named = |Unreadable { id, seq, has_edits, .. }: Unreadable| {
            Some((DocumentId::new(&id?).ok()?, seq, has_edits))
        };
        let mut named: Vec<_> = unreadable.into_iter().filter_map(named).collect();
        let of_nobody = count - named.len();
        // A log has several records of one document. The latest counts.
        heap_sort(&mut named, |(id, seq, _), (other, other_seq, _)| {
            id.cmp(other).then(other_seq.cmp(seq))
        });
        named.dedup_by(|(id, ..), (before, ..)| id == before);
        let records = self.records(named.iter().map(|(id, ..)| id.clone()).collect()).await?;
        let mut found = Found { documents: of_nobody, outdated: 0, lost: Vec::new() };
        for ((id, seq, has_edits), record) in named.into_iter().zip(records) {
            match record {
                None => found.documents += 1,
                Some(record) if record.seq < seq => found.outdated += 1,
                Some(_) => continue,
            }
            if has_edits {
                found.lost.push((id, seq, false));
            }
        }
        Ok(Some(found))
    }

    async fn known_lost(&self) -> Result<Vec<Lost>, BackendError> {
        let known = self.local(LOST).await?;
        Ok(known.and_then(|bytes| minicbor::decode(&bytes).ok()).unwrap_or_default())
    }

    async fn set_lost(&self, lost: &[Lost]) -> Result<(), BackendError> {
        let encode = || minicbor::to_vec(lost).expect("writing to memory doesn't fail");
        self.set_local(LOST, (!lost.is_empty()).then(encode)).await
    }
}

/// Those that are known, and those that are found beside them.
fn with(mut known: Vec<Lost>, found: Vec<Lost>) -> Vec<Lost> {
    for (id, seq, is_known) in found {
        if known.iter().all(|(other, other_seq, _)| (other, *other_seq) != (&id, seq)) {
            known.push((id, seq, is_known));
        }
    }
    known
}
