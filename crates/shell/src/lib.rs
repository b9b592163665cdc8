//! The offline shell of a cargo-leptos app: it opens without its server after the first visit.
//!
//! With the feature `server`, a [`Shell`] makes an axum router of the page, a service worker that
//! keeps the build in the browser, and the files that cargo-leptos has built: hashed ones are cached
//! as immutable, compressed copies are served where there are any. The page gets a content security
//! policy that names its inline scripts by their hash, and all answers get security headers.
//!
//! A script in the page brings in the next build: see [the page](#the-page). With the feature
//! `browser`, the app tells it that it runs ([`started`]) and when it breaks ([`explain_panics`]), and
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
            <body>
                <main>"Loading…"</main>
                <p data-shell="ready" hidden>
                    "There is a new version. " <button data-shell-renew>"Update"</button>
                </p>
                <p data-shell="unloaded" hidden>
                    "The app can’t be loaded. " <button data-shell-renew>"Try again"</button>
                </p>
            </body>
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
//! # The page
//!
//! The script shows what the view has for it, with these attributes. The sentences are the app's:
//!
//! - `data-shell="ready" hidden`: a newer build is installed and waits.
//! - `data-shell="unloaded" hidden`: the app hasn't started, because a file is gone, or cut, or late.
//! - `data-shell="broken" hidden`: the app has started, and has [broken down](break_down).
//! - `data-shell-renew`, on a button or a link in these: a click fetches what is new or missing, and
//!   reloads the page.
//!
//! The script looks for another build when the page is loaded, shown, or back online, and once an
//! hour. That build is taken by a click, or by itself when a page is loaded anew or hidden, as long as
//! no other tab is visible. Each tab is reloaded then, or as soon as it loses nothing by that. Each file
//! is checked against the hash that the server has told of it, so a portal's page or half a file is
//! never kept.
//!
//! # Layout
//!
//! - `server/shell.rs`: the builder and its router; `render.rs` renders the view, `document.rs` is a
//!   text with its tag.
//! - `server/site.rs`: where the built site is; `assets.rs` serves its files, `file.rs` is one of them
//!   as browsers know it.
//! - `server/build.rs`: page and service worker of one build. `service_worker.rs` and the scripts beside
//!   it; `routes.rs` tells them the page's addresses; `loader.rs` has the page's script, `preload.rs` what it
//!   asks for early.
//! - `server/policy.rs`: the page's content security policy; `headers.rs`: the other headers.
//! - `browser.rs`: what the app calls.
#![warn(missing_docs)]

#[cfg(feature = "browser")]
mod browser;
#[cfg(feature = "server")]
mod server;

#[cfg(feature = "browser")]
pub use browser::{
    ask_to_persist, break_down, end_notices, explain_panics, look_for_update, notices, server_is,
    started,
};
#[cfg(feature = "server")]
pub use server::{Ready, Shell, ShellError, Site, security_headers};

/// Compiles the examples in the README.
#[cfg(all(doctest, feature = "browser", feature = "server"))]
#[doc = include_str!("../README.md")]
struct Readme;
