//! When those who were invited by a personal link were last here.
//!
//! The clerk on the server writes it down by day, for owners, whose devices show it offline. Everybody on the list can
//! read it, as they can read who was invited. It is only told: nothing goes by it.

use serde_json::{Map, Value};
use settee_store::DocumentId;

/// Where it is: for the id of each invitation, the latest day on which somebody came with it, counted from the first of
/// January 1970 by the server's clock.
pub const SEEN: &str = "clerk/seen";

/// The day on which somebody with this invitation was last here.
pub fn last_seen(seen: &Map<String, Value>, invitation: &DocumentId) -> Option<u64> {
    seen.get(invitation.as_str())?.as_u64()
}
