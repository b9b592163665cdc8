//! Why a shell can't be built.

use std::{io, path::PathBuf};

use leptos::config::errors::LeptosConfigError;
use thiserror::Error;

/// Why a [`Shell`](crate::Shell) can't be built, or a [`Site`](crate::Site) isn't found.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ShellError {
    /// The folder of the built site isn't there.
    #[error("there is no built site in {}; `cargo leptos build` makes one", folder.display())]
    NoSite {
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A file or folder of the site can't be read.
    #[error("can't read the site's file {}: {source}", file.display())]
    Site {
        /// The file or folder.
        file: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file of the build isn't served, so no browser could keep the build.
    #[error(
        "the build's file {address} can't be served: {problem}; is the site that of `hash.txt`?"
    )]
    File {
        /// Its address, such as `/pkg/app.js`.
        address: String,
        /// What is wrong.
        problem: String,
    },
    /// The operating system doesn't say where this program is.
    #[error("can't find the folder of this program: {0}")]
    Program(io::Error),
    /// The `LEPTOS_` variables of the environment can't be read.
    #[error("can't read what cargo-leptos says in the environment: {0}")]
    Configuration(#[from] LeptosConfigError),
    /// Each route has a parameter, so the service worker has no address to fetch the page from.
    #[error("the shell needs a route without parameters, such as `/`")]
    NoPlainRoute,
    /// The view ends with something other than a page: a redirect, or an error's status.
    #[error("the shell's view answers with status {status} instead of a page")]
    Status {
        /// The status of HTTP, such as 302.
        status: u16,
    },
    /// The view waits for something that doesn't come.
    #[error("the shell's view wasn't rendered within {seconds} s")]
    Slow {
        /// How long it was waited for.
        seconds: u64,
    },
    /// The page is too long, or isn't text.
    #[error("the rendered page can't be read: {0}")]
    Page(Box<dyn std::error::Error + Send + Sync>),
    /// A source of the content security policy, or the permissions policy, can't be a header.
    #[error("not a header's value: {value:?}")]
    Header {
        /// What was given.
        value: String,
    },
}
