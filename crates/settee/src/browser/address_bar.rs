//! Links to databases in the page's address.
//!
//! A secret stays there until the device keeps it for good. Where that can't be, it leaves the address
//! at once, and the app shows the link, to be copied.
//!
//! ```no_run
//! # use settee::{Error, LinkState, Settee, browser::{AddressBar, address_bar::Following}, keys::LinkFormat};
//! const ADDRESS: AddressBar = AddressBar::new(LinkFormat::new("/notes/"));
//!
//! async fn take_in(settee: &Settee, show: impl Fn(LinkState) + 'static) -> Result<Following, Error> {
//!     show(ADDRESS.take_in(settee).await?);
//!     Ok(ADDRESS.follow(settee, show))
//! }
//! ```

use gloo_events::EventListener;
use settee_client::runtime::spawn;
use settee_keys::{
    DatabaseId, LinkFormat, Token,
    link::{Address, has_secret},
};
use tokio::sync::watch;
use web_sys::wasm_bindgen::JsValue;

use super::{origin, window};
use crate::{Error, LinkOutcome, LinkState, Settee};

/// The page's address, in an app whose links look so.
#[derive(Debug, Clone, Copy)]
pub struct AddressBar {
    links: LinkFormat,
}

/// Links are followed until this is dropped.
pub struct Following {
    _pasted: EventListener,
}

impl AddressBar {
    /// With links of this format.
    pub const fn new(links: LinkFormat) -> Self {
        Self { links }
    }

    /// What the address says.
    pub fn read(self) -> Address {
        let path = window().location().pathname().unwrap_or_default();
        self.links.read(&path, &fragment())
    }

    /// An invitation to a database of the server that the page came from.
    pub fn invitation(self, id: &DatabaseId, token: &Token) -> String {
        self.links.invitation(&origin(), id, token)
    }

    /// Keeps what the address opens, and takes the secret out of it as soon as it needn't, or can't,
    /// stay there.
    pub async fn take_in(self, settee: &Settee) -> Result<LinkState, Error> {
        let (link, address) = (link(), self.read());
        let outcome = settee.take_in(&address).await?;
        // Another link may have been pasted meanwhile.
        if outcome != LinkOutcome::NotYet && link == self::link() {
            clear_secret();
        }
        Ok(LinkState::of(outcome, &address, link))
    }

    /// Goes on telling how it goes with links: with one that the device could not keep at first, and
    /// with those that come into the address later. Pasted there, they change the fragment only, so
    /// that the page stays.
    pub fn follow(self, settee: &Settee, tell: impl Fn(LinkState) + 'static) -> Following {
        let (sender, mut pasted) = watch::channel(());
        let listener =
            EventListener::new(&window(), "hashchange", move |_| sender.send_replace(()));
        let (settee, mut unsaved) = (settee.clone(), settee.unsaved());
        spawn(async move {
            loop {
                if has_secret(&fragment()) {
                    let state = self.take_in(&settee).await;
                    let not_yet = |_| LinkState::of(LinkOutcome::NotYet, &self.read(), link());
                    tell(state.unwrap_or_else(not_yet));
                }
                let is_over = tokio::select! {
                    // The listener is gone with what this has returned.
                    pasted = pasted.changed() => pasted.is_err(),
                    changed = unsaved.changed() => changed.is_err(),
                };
                if is_over {
                    return;
                }
            }
        });
        Following { _pasted: listener }
    }
}

/// It must not be seen over a shoulder, nor stay in the history.
fn clear_secret() {
    if has_secret(&fragment())
        && let (Ok(path), Ok(history)) = (window().location().pathname(), window().history())
    {
        // It fails on pages without an address of their own, which have no secret either.
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&path));
    }
}

/// The address as a whole, which may hold a secret.
fn link() -> String {
    window().location().href().unwrap_or_default()
}

fn fragment() -> String {
    window().location().hash().unwrap_or_default()
}
