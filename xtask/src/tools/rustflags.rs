//! The flags by which cargo's compiler finds the private standard library.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use super::Toolbox;
use crate::error::{Error, Result};

/// Applies to the WebAssembly target only, so that the host's builds are not made anew.
const TARGET_FLAGS: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS";

/// A variable for the environment of cargo, and of programs that call cargo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rustflags {
    pub variable: &'static str,
    pub value: String,
}

impl Rustflags {
    /// Adds `--sysroot` to the flags that are in force already.
    pub fn for_sysroot(toolbox: &Toolbox, sysroot: &Path) -> Result<Self> {
        let sysroot = sysroot.to_string_lossy();
        if sysroot.contains(char::is_whitespace) {
            return Err(Error::advice(format!(
                "cargo splits flags at spaces, and {sysroot} has some: set XDG_CACHE_HOME to a folder without"
            )));
        }
        Ok(Self::of_environment(toolbox).with(&["--sysroot", &sysroot]))
    }

    /// The flags that are in force without any of ours.
    pub fn of_environment(toolbox: &Toolbox) -> Self {
        Self::in_force(|name| std::env::var(name).ok(), || configured(toolbox))
    }

    /// Cargo heeds the first of these sources and ignores the others, so the new flag has to go there.
    fn in_force(
        variable: impl Fn(&str) -> Option<String>,
        configured: impl FnOnce() -> Vec<String>,
    ) -> Self {
        for name in ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS"] {
            if let Some(value) = variable(name) {
                return Self { variable: name, value };
            }
        }
        let value = variable(TARGET_FLAGS).unwrap_or_else(|| configured().join(" "));
        Self { variable: TARGET_FLAGS, value }
    }

    pub fn with(mut self, flags: &[&str]) -> Self {
        let separator = if self.variable == "CARGO_ENCODED_RUSTFLAGS" { '\u{1f}' } else { ' ' };
        for flag in flags {
            if !self.value.is_empty() {
                self.value.push(separator);
            }
            self.value.push_str(flag);
        }
        self
    }
}

/// As a line for a shell.
impl fmt::Display for Rustflags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "export {}='{}'", self.variable, self.value.replace('\'', r"'\''"))
    }
}

/// `build.rustflags` of cargo's configuration, which cargo ignores as soon as there are flags for the
/// target. If the configuration has such flags, cargo adds the variable's to them.
fn configured(toolbox: &Toolbox) -> Vec<String> {
    if setting(toolbox, "target.wasm32-unknown-unknown.rustflags").is_some() {
        return Vec::new();
    }
    match setting(toolbox, "build.rustflags") {
        Some(serde_json::Value::String(flags)) => vec![flags],
        Some(serde_json::Value::Array(flags)) => {
            flags.iter().filter_map(|flag| flag.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}

fn setting(toolbox: &Toolbox, key: &str) -> Option<serde_json::Value> {
    let cargo = toolbox.program("cargo").args(["-Zunstable-options", "config", "get", key]);
    // The command is unstable, and this lets a stable cargo run it.
    let cargo = cargo.args(["--format", "json-value"]).env("RUSTC_BOOTSTRAP", "1");
    // Cargo fails if nothing is set.
    serde_json::from_str(&cargo.quietly(Duration::from_secs(20)).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(environment: &[(&str, &str)], configured: &[&str], expected: (&str, &str)) {
        let find = |name: &str| {
            let found = environment.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let configured = || configured.iter().map(|flag| (*flag).to_owned()).collect();
        let flags = Rustflags::in_force(find, configured).with(&["--sysroot", "/std"]);
        assert_eq!((flags.variable, flags.value.as_str()), expected);
    }

    #[test]
    fn the_sysroot_joins_the_flags_that_cargo_heeds() {
        check(&[], &[], (TARGET_FLAGS, "--sysroot /std"));
        check(&[], &["-Copt-level=1", "-g"], (TARGET_FLAGS, "-Copt-level=1 -g --sysroot /std"));
        check(&[(TARGET_FLAGS, "-g")], &["-v"], (TARGET_FLAGS, "-g --sysroot /std"));
        let both = [("RUSTFLAGS", "-Dwarnings"), (TARGET_FLAGS, "-g")];
        check(&both, &["-v"], ("RUSTFLAGS", "-Dwarnings --sysroot /std"));
        let encoded = [("CARGO_ENCODED_RUSTFLAGS", "-g"), ("RUSTFLAGS", "-v")];
        check(&encoded, &[], ("CARGO_ENCODED_RUSTFLAGS", "-g\u{1f}--sysroot\u{1f}/std"));
    }

    #[test]
    fn a_shell_can_read_the_line() {
        let flags = Rustflags { variable: "RUSTFLAGS", value: "--cfg a='b'".to_owned() };
        assert_eq!(flags.to_string(), r"export RUSTFLAGS='--cfg a='\''b'\'''");
    }
}
