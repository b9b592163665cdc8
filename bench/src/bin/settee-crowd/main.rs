//! Native clients that write to one list, while an end-to-end test makes bad weather for them.

#[cfg(not(target_arch = "wasm32"))]
mod crowd;

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    crowd::main()
}

/// Cargo builds the program beside the browser's tests, where there is nothing to run.
#[cfg(target_arch = "wasm32")]
fn main() {}
