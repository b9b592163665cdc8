//! Measures Settee. `cargo xtask bench` builds what this needs, and runs it.

#[cfg(not(target_arch = "wasm32"))]
mod program;

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    program::main()
}

/// Cargo builds the program beside the browser's tests, where there is nothing to run.
#[cfg(target_arch = "wasm32")]
fn main() {}
