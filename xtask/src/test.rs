//! `cargo xtask test`: all tests, and a last line that counts them.

use std::fs;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::example_server::ExampleServer;
use crate::packages::{BROWSER, Group, HOSTILE, NATIVE, WASM_TARGET};
use crate::process::{Program, say};
use crate::site::{self, Profile};
use crate::size;
use crate::tally::Tally;
use crate::tools::{self, Toolbox, Ways};
use crate::workspace;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Run one kind of tests only
    #[arg(long, value_enum)]
    only: Option<Kind>,
    /// Run only the end-to-end tests whose title or file matches this
    #[arg(long, value_name = "PATTERN")]
    grep: Option<String>,
    /// Use a release build in the end-to-end tests
    #[arg(long)]
    release: bool,
    /// Where missing tools may come from
    #[arg(long, value_enum, default_value_t)]
    ways: Ways,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Rust tests on this machine
    Native,
    /// Rust tests as WebAssembly in a headless browser
    Browser,
    /// Whether the app is as light as it should be
    Size,
    /// The built app in Chromium, driven by Playwright
    E2e,
    /// The main flows of the built app, in other browsers
    Engines,
    /// What meets people with ill will: some of the Rust tests (only when it is named)
    Hostile,
}

/// Runs the suites one after the other, even after a failure, and returns whether all succeeded.
pub fn run(options: &Options) -> bool {
    let chosen = |kind| options.only.is_none_or(|only| only == kind);
    let mut toolbox = Toolbox::new(options.ways);
    let mut report = Report::default();
    if chosen(Kind::Native) {
        for group in NATIVE {
            report.run(group.name, || native(&toolbox, group));
        }
    }
    if chosen(Kind::Browser) {
        for group in BROWSER {
            report.run(group.name, || browser(&mut toolbox, group));
        }
    }
    let profile = Profile::from_flag(options.release);
    let grep = options.grep.as_deref();
    if chosen(Kind::E2e) {
        report.run("end to end", || end_to_end(&mut toolbox, profile, grep));
    }
    // A pattern for the tests in Chromium may match none of these.
    let mut has_light_site = false;
    if options.only == Some(Kind::Engines) || chosen(Kind::Engines) && grep.is_none() {
        let run = || engines(&mut toolbox, profile, grep, &mut has_light_site);
        report.run("other engines", run);
    }
    if chosen(Kind::Size) {
        report.run("size", || weigh(&mut toolbox, has_light_site));
    }
    if options.only == Some(Kind::Hostile) {
        for (package, features, files, names) in HOSTILE {
            let cargo = toolbox.program("cargo").args(["test", "--no-fail-fast"]);
            let cargo = cargo.args(["--package", package, "--features", features]);
            let files = files.iter().flat_map(|file| ["--test", file]);
            let cargo = cargo.args(files).arg("--").args(names.iter().copied());
            report.run(package, || counting(cargo));
        }
    }
    report.close()
}

/// What the runner of a suite counted, and whether it succeeded.
type Outcome = Result<(Tally, bool)>;

#[derive(Default)]
struct Report {
    total: Tally,
    lines: Vec<String>,
}

impl Report {
    /// Runs a suite. Its time includes what has to be built for it.
    fn run(&mut self, suite: &str, run: impl FnOnce() -> Outcome) {
        let start = Instant::now();
        let (counted, succeeded) = match run() {
            Ok(result) => result,
            Err(error) => {
                say(format!("{suite}: {error}"));
                (Tally::default(), false)
            }
        };
        let (tally, reason) = counted.judged(succeeded);
        let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        let seconds = start.elapsed().as_secs();
        self.lines.push(format!("{suite}: {tally}{reason}, in {seconds} s"));
        self.total += tally;
    }

    fn close(&self) -> bool {
        println!();
        for line in &self.lines {
            println!("  {line}");
        }
        println!("{}", self.total);
        self.total.failed == 0
    }
}

fn native(toolbox: &Toolbox, group: &Group) -> Outcome {
    let cargo = toolbox.program("cargo").args(["test", "--no-fail-fast"]);
    let tests = group.test.into_iter().flat_map(|test| ["--test", test]);
    counting(cargo.args(group.arguments()).args(tests))
}

/// Runs `tests/browser*.rs` of a package. They have their own target folder, because cargo would
/// otherwise build shared dependencies again whenever native tests follow browser tests.
fn browser(toolbox: &mut Toolbox, group: &Group) -> Outcome {
    toolbox.prepare(tools::BROWSER_TESTS)?;
    let browser = toolbox.browser()?;
    let folder = workspace::target().join("wasm-tests");
    let mut cargo = toolbox
        .program("cargo")
        .args(["test", "--no-fail-fast", "--target", WASM_TARGET, "--target-dir"])
        .arg(&folder)
        .args(["--test", "browser*"])
        .args(group.arguments())
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "wasm-bindgen-test-runner")
        // The default for all tests of a file is 20 s, which is too short on a busy machine.
        .env("WASM_BINDGEN_TEST_TIMEOUT", "120")
        .env("CHROMEDRIVER", &browser.chromedriver);
    let server = match (group.server, group.packages) {
        (Some((example, feature)), [package, ..]) => {
            Some(ExampleServer::start(toolbox, package, feature, example)?)
        }
        _ => None,
    };
    if let Some(server) = &server {
        cargo = cargo
            .env("SETTEE_NOTES_SERVER", &server.url)
            .env("WASM_BINDGEN_TEST_ADDRESS", &server.page);
    }
    if !browser.known_place {
        let capabilities = capabilities_for(&browser.chromium)?;
        let file = folder.join("webdriver.json");
        workspace::write(&file, &capabilities)?;
        cargo = cargo.env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", &file);
    }
    counting(cargo)
}

/// The crate's `webdriver.json` with the path of a browser that chromedriver wouldn't find.
fn capabilities_for(chromium: &std::path::Path) -> Result<String> {
    let template = workspace::root().join("crates/store/webdriver.json");
    let text = workspace::read(&template)?;
    let invalid = |_| Error::advice(format!("{} is not JSON", template.display()));
    let mut capabilities: serde_json::Value = serde_json::from_str(&text).map_err(invalid)?;
    capabilities["goog:chromeOptions"]["binary"] = chromium.to_string_lossy().into();
    Ok(capabilities.to_string())
}

/// Each budget is a test. Comes behind what needs the debug build's site, because it makes another.
fn weigh(toolbox: &mut Toolbox, has_light_site: bool) -> Outcome {
    if !has_light_site {
        site::build_for_browsers(toolbox)?;
    }
    let mut tally = Tally::default();
    for is_kept in size::measure()? {
        *(if is_kept { &mut tally.passed } else { &mut tally.failed }) += 1;
    }
    Ok((tally, tally.failed == 0))
}

fn end_to_end(toolbox: &mut Toolbox, profile: Profile, grep: Option<&str>) -> Outcome {
    // This comes before the build, because it fails sooner.
    toolbox.prepare(tools::END_TO_END)?;
    site::build(toolbox, profile)?;
    build_crowd(toolbox, profile)?;
    tested(playwright(toolbox, profile)?, grep)
}

/// The site is that of a release in any case, because nothing else has been trimmed. The server needn't be,
/// which would take minutes to build.
fn engines(
    toolbox: &mut Toolbox,
    profile: Profile,
    grep: Option<&str>,
    has_light_site: &mut bool,
) -> Outcome {
    toolbox.prepare(tools::ENGINES)?;
    let server = site::with_light_site(toolbox, profile)?;
    *has_light_site = true;
    let xvfb = with_app(toolbox.program("xvfb-run"), profile).args(["-a", "npx", "playwright"]);
    let xvfb = xvfb.env("SETTEE_SERVER", server);
    tested(xvfb.args(["test", "--config=engines.config.ts"]), grep)
}

/// Runs Playwright, and counts by its report.
fn tested(playwright: Program, grep: Option<&str>) -> Outcome {
    let file = workspace::target().join("playwright.json");
    if file.exists() {
        fs::remove_file(&file).map_err(Error::file(&file))?;
    }
    let playwright = playwright
        .arg("--reporter=list,json")
        .args(grep.map(|pattern| format!("--grep={pattern}")))
        .env("PLAYWRIGHT_JSON_OUTPUT_FILE", &file);
    let succeeded = playwright.stream(|_| {})?;
    // A run that wrote no report was interrupted, and counts as a failure.
    let report = workspace::read(&file).unwrap_or_default();
    let tally = Tally::from_playwright(&report).unwrap_or_default();
    Ok((tally, succeeded))
}

/// Builds the native clients that some tests start. This needs a separate call of cargo, because the
/// server enables other features of the dependencies that both share.
fn build_crowd(toolbox: &Toolbox, profile: Profile) -> Result<()> {
    let cargo = toolbox.program("cargo").args(["build", "--package", "settee-bench"]);
    let cargo = cargo.args(["--bin", "settee-crowd"]);
    match profile {
        Profile::Debug => cargo.run(),
        Profile::Release => cargo.arg("--release").run(),
    }
}

/// `playwright test` in Chromium.
pub fn playwright(toolbox: &Toolbox, profile: Profile) -> Result<Program> {
    let playwright = with_app(toolbox.program("npx"), profile).args(["playwright", "test"]);
    Ok(playwright.env("SETTEE_CHROMIUM", &toolbox.browser()?.chromium))
}

/// A program in the folder of the end-to-end tests that is told where the app is.
fn with_app(program: Program, profile: Profile) -> Program {
    site::told(program.dir(&workspace::end2end()), profile)
}

/// Runs tests and adds up the summaries of all test binaries.
fn counting(program: Program) -> Outcome {
    let mut tally = Tally::default();
    let succeeded = program.stream(|line| tally += Tally::from_line(line).unwrap_or_default())?;
    Ok((tally, succeeded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_that_cannot_run_is_a_failure_and_the_rest_still_counts() {
        let mut report = Report::default();
        report.run("first", || Err(Error::advice("no browser")));
        report.run("second", || Ok((Tally { passed: 2, failed: 0 }, true)));
        assert!(report.lines[1].starts_with("second: 2 passed, 0 failed, in "));
        assert_eq!(report.total, Tally { passed: 2, failed: 1 });
        assert!(!report.close());
    }

    #[test]
    fn the_browsers_path_is_added_to_the_capabilities() -> Result<()> {
        let text = capabilities_for(std::path::Path::new("/some/chromium"))?;
        assert!(text.contains(r#""binary":"/some/chromium""#), "{text}");
        assert!(text.contains("--no-sandbox"), "{text}");
        Ok(())
    }
}
