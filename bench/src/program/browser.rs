//! The store in Chromium: `tests/browser_store.rs` measures, and its output is read here.

use std::{
    env, fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::{Result, figure::Figure, server::build_folder};

/// `cargo xtask bench` sets them.
const DRIVER: &str = "CHROMEDRIVER";
const CHROMIUM: &str = "SETTEE_CHROMIUM";

pub fn figures() -> Result<Vec<Figure>> {
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
    let figures: Vec<Figure> = text.lines().filter_map(Figure::in_line).collect();
    if figures.is_empty() {
        return Err(format!("the tests tell no figures\n{text}").into());
    }
    Ok(figures)
}

/// The tests, built as the app is.
fn cargo(target: &Path, capabilities: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    // Where another cargo started this program, it has told about this package, in variables that
    // would make build scripts run again.
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
        .env("WASM_BINDGEN_TEST_TIMEOUT", "120")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    cargo
}

/// What the driver is told of the browser: as in the crates' tests, and where it is.
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
