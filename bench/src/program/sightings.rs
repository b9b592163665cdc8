//! Which documents arrive at a reader, and when.

use std::time::Instant;

use settee_store::{BackendError, DocumentId, Feed};
use tokio::sync::mpsc;

pub type Sighting = (DocumentId, Instant);

/// Sends the id of each document when the changes feed delivers it.
pub async fn report(
    mut feed: Feed,
    sightings: mpsc::UnboundedSender<Sighting>,
) -> Result<(), BackendError> {
    while let Some(records) = feed.next().await? {
        let now = Instant::now();
        for record in records {
            if sightings.send((record.id.clone(), now)).is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}
