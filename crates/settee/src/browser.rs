//! What an app needs of its page, beside the databases.
//!
//! - [`address_bar`]: links to databases in the page's address.
//! - [`alone`]: work that one tab at a time does.

pub mod address_bar;

pub use address_bar::AddressBar;
pub use settee_client::browser::alone;

/// Scheme, host and port of the page.
pub fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

fn window() -> web_sys::Window {
    web_sys::window().expect("a page has a window")
}
