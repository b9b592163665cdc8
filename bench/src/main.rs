//! Measures Settee. `cargo xtask bench` builds all prerequisites and runs this.

#[cfg(not(target_arch = "wasm32"))]
mod program;

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    program::main()
}

/// Cargo also builds this binary for the tests in the browser, where it has nothing to do.
#[cfg(target_arch = "wasm32")]
fn main() {}
