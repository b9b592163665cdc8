//! The program that `cargo xtask fuzz` builds and runs. The variable `SETTEE_FUZZ` names the target.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
mod fuzzing {
    use std::sync::OnceLock;

    static TARGET: OnceLock<settee_fuzz::Target> = OnceLock::new();

    fn chosen() -> settee_fuzz::Target {
        let name = std::env::var("SETTEE_FUZZ").unwrap_or_default();
        let target = settee_fuzz::TARGETS.iter().find(|(known, _)| *known == name);
        target.expect("SETTEE_FUZZ names no target").1
    }

    libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET.get_or_init(chosen)(data));
}

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("this program does nothing unless `cargo xtask fuzz` builds it");
}
