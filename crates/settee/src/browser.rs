//! What an app needs of its page, beside the databases.
//!
//! - [`address_bar`]: links to databases in the page's address.

pub mod address_bar;

pub use address_bar::AddressBar;

/// Scheme, host and port of the page.
pub fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

fn window() -> web_sys::Window {
    web_sys::window().expect("a page has a window")
}
