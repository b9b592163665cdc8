//! The offline shell of a cargo-leptos app: it opens without its server after the first visit.
//!
//! With the feature `server`, a [`Shell`] makes an axum router of the page, a service worker that
//! keeps the build in the browser, and the files that cargo-leptos has built: hashed ones are cached
//! as immutable, compressed copies are served where there are any. The page gets a content security
//! policy that names its inline scripts by their hash, and all answers get security headers.
//!
//! With the feature `browser`, [`register`] starts the service worker and tells of newer builds, and
//! [`ask_to_persist`] asks the browser to keep what the app stores.
#![cfg_attr(
    feature = "server",
    doc = r#"
```no_run
use axum::{Router, routing::get};
use leptos::prelude::*;
use settee_shell::{Shell, Site, security_headers};

fn document(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <title>"Recipes"</title>
                <HydrationScripts options />
            </head>
            <body><main>"Loading…"</main></body>
        </html>
    }
}

# async fn serve() -> Result<(), Box<dyn std::error::Error>> {
let site = Site::find("recipes")?;
let shell = Shell::new(site, document).route("/").route("/recipe/{id}").build().await?;
let api = Router::new().route("/api/health", get(async || "ok"));
let app = security_headers(api).merge(shell);
let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
axum::serve(listener, app).await?;
# Ok(())
# }
```
"#
)]
//!
//! # Layout
//!
//! - `server/shell.rs`: the builder and its router; `render.rs` renders the view, `document.rs` is a
//!   text with its tag.
//! - `server/site.rs`: where the built site is; `assets.rs` serves its files.
//! - `server/service_worker.rs` and the scripts beside it; `routes.rs` tells them the page's addresses.
//! - `server/policy.rs`: the page's content security policy; `headers.rs`: the other headers.
//! - `browser.rs`: what the page calls.
#![warn(missing_docs)]

#[cfg(feature = "browser")]
mod browser;
#[cfg(feature = "server")]
mod server;

#[cfg(feature = "browser")]
pub use browser::{RegisterError, UpdateWaiting, ask_to_persist, register};
#[cfg(feature = "server")]
pub use server::{Shell, ShellError, Site, security_headers};

/// Compiles the examples in the README.
#[cfg(all(doctest, feature = "browser", feature = "server"))]
#[doc = include_str!("../README.md")]
struct Readme;
