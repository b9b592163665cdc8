//! Links that open lists: what becomes of the secret in the address.
//!
//! It stays there until this device keeps it for good. Where that can't be, it leaves the address at
//! once, and the page shows the link, to be copied.

use settee::{
    Error, Settee,
    keys::link::{Address, Place, Secret},
    store::BackendError,
};
use settee_app::LinkState;

use crate::page;

/// Takes in what the page's address says.
pub async fn take_in(settee: &Settee) -> Result<LinkState, Error> {
    let address = page::address();
    let (Place::Database(list), Secret::Token(token)) = (&address.place, &address.secret) else {
        // Nothing of it opens anything.
        page::clear_secret();
        return Ok(if address.is_broken() { LinkState::Broken } else { LinkState::Good });
    };
    match settee.join(list, token.clone()).await {
        Ok(()) => Ok(settle(settee, &address)),
        Err(Error::Backend(BackendError::Blocked)) => Ok(give_up()),
        Err(error) => Err(error),
    }
}

/// Takes the secret out of the address if it needn't, or can't, stay there any longer.
pub fn settle(settee: &Settee, address: &Address) -> LinkState {
    let Place::Database(list) = &address.place else { return LinkState::Good };
    if settee.is_saved(list.as_str()) {
        page::clear_secret();
        LinkState::Good
    } else if settee.is_in_memory() {
        give_up()
    } else {
        // It is tried again, also by the next page that is loaded from this address.
        LinkState::NotKept(page::link())
    }
}

fn give_up() -> LinkState {
    let link = page::link();
    page::clear_secret();
    LinkState::NotKept(link)
}
