//! Firefox and `WebKitGTK` with their `WebDriver`s, for the main flows of the app.

use std::time::Duration;

use super::{Toolbox, cargo_tools, debian};
use crate::error::{Error, Result};

/// Programs, and the Debian package that has each of them.
const PROGRAMS: &[(&str, &str)] = &[
    ("firefox", "firefox-esr"),
    ("WebKitWebDriver", "webkit2gtk-driver"),
    ("gjs", "gjs"),
    // The browser with `WebKitGTK` has no mode without a display.
    ("xvfb-run", "xvfb"),
    ("xauth", "xauth"),
];

/// What `gjs` needs to use `WebKitGTK`, and the Debian package that has it.
const BINDINGS: (&str, &str) =
    ("imports.gi.versions.WebKit2 = '4.1'; imports.gi.WebKit2", "gir1.2-webkit2-4.1");

/// Without any fonts, pages have no text.
const FONTS: &str = "fonts-liberation";

/// Uses the machine's programs, and gets from Debian what is missing.
pub fn prepare(toolbox: &mut Toolbox) -> Result<()> {
    let lacking = missing(toolbox);
    if !lacking.is_empty() {
        let names: Vec<_> = lacking.iter().map(|(name, _)| *name).collect();
        let without = format!("the tests in Firefox and WebKitGTK need {}", names.join(", "));
        if !toolbox.ways.registries() {
            return Err(Error::advice(format!(
                "{without}: install it, or leave out `--ways usual`"
            )));
        }
        let packages: Vec<_> = lacking.iter().map(|(_, package)| *package).chain([FONTS]).collect();
        debian::install(toolbox, &without, &packages)?;
        if let Some((name, package)) = missing(toolbox).first() {
            return Err(Error::advice(format!("{package} is installed, but {name} doesn't run")));
        }
    }
    cargo_tools::geckodriver().prepare(toolbox)
}

/// The names of the programs that the machine lacks, with their packages.
fn missing(toolbox: &Toolbox) -> Vec<(&'static str, &'static str)> {
    let lacks = |(program, _): &&(&str, &str)| toolbox.find(program).is_none();
    let mut missing: Vec<_> = PROGRAMS.iter().filter(lacks).copied().collect();
    let (script, package) = BINDINGS;
    let bindings = toolbox.program("gjs").args(["-c", script]).quietly(Duration::from_secs(20));
    if bindings.is_err() {
        missing.push(("WebKitGTK for gjs", package));
    }
    missing
}
