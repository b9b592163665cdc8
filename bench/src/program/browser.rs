//! The store in Chromium: runs `tests/browser_store` and reads its output.

use std::{
    env, fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::{Result, figure::Figure, server::build_folder};

/// Environment variables that `cargo xtask bench` sets.
const DRIVER: &str = "CHROMEDRIVER";
const CHROMIUM: &str = "SETTEE_CHROMIUM";
/// Limit for all systems together, in seconds. The slowest system takes most of it.
const PATIENCE_S: &str = "1200";

/// The figures, and which peers could not be measured.
#[derive(Debug, Default, PartialEq)]
pub struct Told {
    pub figures: Vec<Figure>,
    pub troubles: Vec<String>,
}

impl Told {
    fn in_text(text: &str) -> Self {
        let trouble = |line: &str| line.split_once("TROUBLE ").map(|(_, told)| told.to_owned());
        Self {
            figures: text.lines().filter_map(Figure::in_line).collect(),
            troubles: text.lines().filter_map(trouble).collect(),
        }
    }
}

pub fn measure() -> Result<Told> {
    if env::var_os(DRIVER).is_none() {
        return Err("`cargo xtask bench` finds a browser and its driver".into());
    }
    let capabilities = capabilities_file()?;
    let builds = build_folder()?;
    let target = builds.parent().unwrap_or(&builds).join("wasm-tests");
    let output = cargo(&target, capabilities.path()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!("the tests failed ({})\n{text}", output.status).into());
    }
    let told = Told::in_text(&text);
    if told.figures.is_empty() {
        return Err(format!("the tests tell no figures\n{text}").into());
    }
    Ok(told)
}

/// Runs the tests, built like the app.
fn cargo(target: &Path, capabilities: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    // If cargo has started this program, its variables describe this package. With them, build
    // scripts would run again.
    for (variable, _) in env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&variable);
        }
    }
    cargo
        .args(["test", "--profile", "wasm-release", "--target", "wasm32-unknown-unknown"])
        .args(["--package", "settee-bench", "--test", "browser_store", "--target-dir"])
        .arg(target)
        .args(["--", "--nocapture"])
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "wasm-bindgen-test-runner")
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", capabilities)
        .env("WASM_BINDGEN_TEST_TIMEOUT", PATIENCE_S)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    cargo
}

/// The driver's settings of the browser: those of the crates' tests, and the browser's path.
fn capabilities_file() -> Result<NamedTempFile> {
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/store/webdriver.json");
    let text = fs::read_to_string(&template)
        .map_err(|error| format!("{}: {error}", template.display()))?;
    let mut capabilities: Value = serde_json::from_str(&text)?;
    if let Some(chromium) = env::var_os(CHROMIUM) {
        capabilities["goog:chromeOptions"]["binary"] = json!(chromium.to_string_lossy());
    }
    let mut file = NamedTempFile::new()?;
    file.write_all(capabilities.to_string().as_bytes())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_are_figures_and_troubles() {
        let text = "running 1 test\nlog: FIGURE open1k_ms 2 ms settee\nlog: TROUBLE peer: gone\n";
        let figures = vec![Figure::new("open1k_ms", 2.0, "ms")];
        let troubles = vec!["peer: gone".to_owned()];
        assert_eq!(Told::in_text(text), Told { figures, troubles });
    }
}
