//! The server's side: an axum router for the page, the service worker and the site's files.

mod assets;
mod build;
mod document;
mod error;
mod file;
mod headers;
mod loader;
mod policy;
mod preload;
mod render;
mod routes;
mod service_worker;
mod shell;
mod site;

pub use error::ShellError;
pub use headers::security_headers;
pub use shell::{Ready, Shell};
pub use site::Site;
