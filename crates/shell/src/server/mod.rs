//! The server's side: an axum router for the page, the service worker and the site's files.

mod assets;
mod document;
mod error;
mod headers;
mod policy;
mod render;
mod routes;
mod service_worker;
mod shell;
mod site;

pub use error::ShellError;
pub use headers::security_headers;
pub use shell::Shell;
pub use site::Site;
