//! Native clients that write to one list, while an end-to-end test simulates faults.

#[cfg(not(target_arch = "wasm32"))]
mod crowd;

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    crowd::main()
}

/// Cargo also builds this binary for the tests in the browser, where it has nothing to do.
#[cfg(target_arch = "wasm32")]
fn main() {}
