//! Building the whole app: the server, and the site that it serves to browsers.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::process::Program;
use crate::tools::{self, Toolbox};
use crate::workspace;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    Debug,
    Release,
}

impl Profile {
    pub fn from_flag(release: bool) -> Self {
        if release { Self::Release } else { Self::Debug }
    }

    /// The server's binary. cargo-leptos puts [`NAMES`] beside it.
    pub fn server(self) -> PathBuf {
        self.folder().join("settee-server")
    }

    /// The program of native clients that some end-to-end tests start.
    pub fn crowd(self) -> PathBuf {
        self.folder().join("settee-crowd")
    }

    fn folder(self) -> PathBuf {
        workspace::target().join(match self {
            Self::Debug => "debug",
            Self::Release => "release",
        })
    }
}

const LEPTOS: &str = "cargo-leptos";
/// The hashes in the names of the site's files.
const NAMES: &str = "hash.txt";

/// Prepares the tools and builds. A failed build is an error, but `cargo leptos end-to-end` would
/// exit with success.
pub fn build(toolbox: &mut Toolbox, profile: Profile) -> Result<()> {
    prepare(toolbox, profile)?;
    leptos(toolbox, profile, "build")?.run()
}

/// Builds the site alone as for a release, with compressed files.
pub fn build_for_browsers(toolbox: &mut Toolbox) -> Result<()> {
    prepare(toolbox, Profile::Release)?;
    leptos(toolbox, Profile::Release, "build")?.arg("--frontend-only").run()
}

/// Builds the site as for a release, and a server for it. Returns the server's binary, which has the names of
/// that site's files beside it.
pub fn with_light_site(toolbox: &mut Toolbox, profile: Profile) -> Result<PathBuf> {
    build_for_browsers(toolbox)?;
    // The server of cargo-leptos' debug build is compiled with erased components, and so are its pages.
    let cargo = toolbox.program("cargo").args(["build", "--package", "settee-server"]);
    match profile {
        Profile::Debug => cargo.run()?,
        Profile::Release => cargo.arg("--release").run()?,
    }
    let folder = workspace::target().join("xtask/light");
    std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    let server = folder.join("settee-server");
    let names = Profile::Release.folder().join(NAMES);
    for (from, to) in [(profile.server(), &server), (names, &folder.join(NAMES))] {
        std::fs::copy(&from, to).map_err(Error::file(&from))?;
    }
    Ok(server)
}

/// A command of `cargo leptos`, which puts what the first screen doesn't need into a file of its own.
pub fn leptos(toolbox: &Toolbox, profile: Profile, command: &str) -> Result<Program> {
    let split = [command, "--split", "--lib-features", "split"];
    Ok(match profile {
        Profile::Debug => toolbox.program(LEPTOS).args(split),
        Profile::Release => {
            toolbox.releasing(LEPTOS)?.args(split).args(["--release", "--precompress"])
        }
    })
}

pub fn prepare(toolbox: &mut Toolbox, profile: Profile) -> Result<()> {
    toolbox.prepare(tools::BUILD)?;
    match profile {
        Profile::Debug => Ok(()),
        Profile::Release => toolbox.prepare(tools::RELEASE),
    }
}

/// The built server, in the environment that cargo-leptos would give it.
pub fn server(profile: Profile) -> Program {
    Program::new(profile.server())
        .env("LEPTOS_OUTPUT_NAME", "settee")
        .env("LEPTOS_SITE_ROOT", workspace::site())
        .env("LEPTOS_SITE_PKG_DIR", "pkg")
        .env("LEPTOS_SITE_ADDR", "127.0.0.1:3000")
        .env("LEPTOS_HASH_FILES", "true")
}

/// A program that is told the paths of the server, its site and the native clients.
pub fn told(program: Program, profile: Profile) -> Program {
    program
        .env("SETTEE_SERVER", profile.server())
        .env("SETTEE_CROWD", profile.crowd())
        .env("SETTEE_SITE", workspace::site())
}
