//! Chromium and its `WebDriver`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Toolbox, cache_dir, debian};
use crate::error::{Error, Result};
use crate::process::{Program, say};
use crate::workspace;

const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// How long Playwright's download may take where there is another way.
const SHORT: Duration = Duration::from_secs(90);
/// How long it may take where there is no other way.
const LONG: Duration = Duration::from_mins(15);

/// Debian's Chromium only recommends fonts, but without any, pages have no text.
const DEBIAN: &[&str] = &["chromium", "chromium-driver", "chromium-sandbox", "fonts-liberation"];

#[derive(Debug)]
pub struct Browser {
    pub chromium: PathBuf,
    pub chromedriver: PathBuf,
    /// Whether chromedriver finds this Chromium without its path.
    pub known_place: bool,
}

/// Tries the machine's browser first, then Playwright's, then Debian's.
pub fn prepare(toolbox: &Toolbox) -> Result<Browser> {
    if let Some(browser) = installed(toolbox) {
        return Ok(browser);
    }
    let from_debian = toolbox.ways.registries() && toolbox.find("apt-get").is_some();
    if toolbox.ways.usual() {
        let limit = if from_debian { SHORT } else { LONG };
        match from_playwright(toolbox, limit) {
            Ok(browser) => return Ok(browser),
            Err(_) if from_debian => {
                say("  Playwright can't get it now; installing Debian's Chromium instead");
            }
            Err(error) => return Err(advice(&error)),
        }
    }
    let missing = "there is no chromium with a chromedriver of its version";
    debian::install(toolbox, missing, DEBIAN)?;
    installed(toolbox).ok_or_else(|| advice(&Error::advice(missing)))
}

/// A browser and a driver of the same version on PATH.
fn installed(toolbox: &Toolbox) -> Option<Browser> {
    let chromedriver = toolbox.find("chromedriver")?;
    let driver_version = version(toolbox, &chromedriver)?;
    let same_major = |chromium: &PathBuf| {
        let found = version(toolbox, chromium);
        found.is_some_and(|found| major(&found) == major(&driver_version))
    };
    let chromium = NAMES.iter().filter_map(|name| toolbox.find(name)).find(same_major)?;
    Some(Browser { chromium, chromedriver, known_place: true })
}

/// Playwright has a browser but no driver for it. The driver comes from the source of that browser's
/// build.
fn from_playwright(toolbox: &Toolbox, limit: Duration) -> Result<Browser> {
    let node = || toolbox.program("node").dir(&workspace::end2end());
    let ask = "console.log(require('playwright-core').chromium.executablePath())";
    let chromium = node().args(["-e", ask]).quietly(Duration::from_secs(20))?;
    let chromium = PathBuf::from(chromium.trim());
    if !chromium.is_file() {
        let seconds = limit.as_secs();
        say(format!("npx playwright install chromium (for at most {seconds} s)"));
        npx(toolbox, &["playwright", "install", "chromium"]).quietly(limit)?;
    }
    let version = version(toolbox, &chromium).ok_or_else(|| {
        Error::advice(
            "Playwright's Chromium does not start: run `npx playwright install-deps chromium`",
        )
    })?;
    let chromedriver = driver_for(toolbox, &version, limit)?;
    Ok(Browser { chromium, chromedriver, known_place: false })
}

fn driver_for(toolbox: &Toolbox, version: &str, limit: Duration) -> Result<PathBuf> {
    let root = cache_dir("chromedriver", version)?;
    // The installer chooses a path in that folder and prints it. We keep it in a file.
    let place = root.join("place");
    if let Ok(path) = workspace::read(&place)
        && Path::new(&path).is_file()
    {
        return Ok(PathBuf::from(path));
    }
    let driver = format!("chromedriver@{version}");
    say(format!("npx @puppeteer/browsers install {driver}"));
    let install = ["--yes", "@puppeteer/browsers@2.9.0", "install", &driver, "--path"];
    let answer = npx(toolbox, &install).arg(&root).quietly(limit)?;
    let path = answer
        .lines()
        .find_map(|line| line.trim().strip_prefix(&driver)?.strip_prefix(' '))
        .ok_or_else(|| {
            Error::advice(format!("the installer of {driver} does not print its path"))
        })?;
    workspace::write(&place, path)?;
    Ok(PathBuf::from(path))
}

fn npx(toolbox: &Toolbox, arguments: &[&str]) -> Program {
    toolbox.program("npx").args(arguments).dir(&workspace::end2end())
}

fn version(toolbox: &Toolbox, program: &Path) -> Option<String> {
    let asked = toolbox.program(program).arg("--version");
    let answer = asked.quietly(Duration::from_secs(20)).ok()?;
    version_in(&answer).map(str::to_owned)
}

/// The first word that consists of numbers and dots, as in `Chromium 156.0.8078.79 built on …`.
fn version_in(answer: &str) -> Option<&str> {
    let numeric =
        |word: &&str| word.contains('.') && word.split('.').all(|part| part.parse::<u32>().is_ok());
    answer.split_whitespace().find(numeric)
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

fn advice(error: &Error) -> Error {
    Error::advice(format!(
        "{error}\n\nThe tests need Chromium and the chromedriver of the same version on PATH. On Debian: \
         `apt-get install {}`.",
        DEBIAN.join(" ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_the_browsers_answers() {
        assert_eq!(version_in("Chromium 156.0.8078.79 built on Debian 12"), Some("156.0.8078.79"));
        assert_eq!(version_in("ChromeDriver 156.0.1.2 (a21c-refs/x@{#1704})"), Some("156.0.1.2"));
        assert_eq!(version_in("command not found..."), None);
        assert_eq!(major("156.0.8078.79"), "156");
    }
}
