//! `cargo xtask fuzz`: looks for bytes that break the store or the protocol.
//!
//! `libFuzzer` observes which code an input reaches. The compiler instruments the code for that, by
//! stable flags. There is no sanitizer, because we have no unsafe code.

use std::fs;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::process::{Program, say};
use crate::workspace;

/// The targets of `settee-fuzz`.
const TARGETS: [&str; 6] = ["batch", "canonical", "message", "record", "session", "tree"];

/// Instrumentation for the fuzzer, and the checks that a release build omits. Comparisons aren't
/// instrumented: that would double the time, and the corpus has the formats already.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cdebug-assertions -Coverflow-checks -Ccodegen-units=1";

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Fuzz one target only
    #[arg(value_parser = TARGETS)]
    target: Option<String>,
    /// How many inputs to try
    #[arg(long, value_name = "N", conflicts_with = "seconds")]
    runs: Option<u64>,
    /// How long to try each target
    #[arg(long, value_name = "S", default_value_t = 60)]
    seconds: u64,
    /// Don't fuzz, but add the inputs that reach new code to the corpus
    #[arg(long, conflicts_with_all = ["runs", "seconds"])]
    keep: bool,
    /// Arguments for the fuzzer, after `--`
    #[arg(last = true)]
    rest: Vec<String>,
}

pub fn run(options: &Options) -> Result<()> {
    // Without a separate folder, the flags would cause rebuilds of everything else. With a named
    // target, build scripts aren't instrumented.
    let dir = workspace::target().join("fuzz");
    let host = Program::new("rustc").args(["--print", "host-tuple"]);
    let host = host.quietly(Duration::from_mins(1))?.trim().to_owned();
    let build = Program::new("cargo").args(["build", "--release", "--package", "settee-fuzz"]);
    let build = build.args(["--target", &host]);
    build.env("CARGO_TARGET_DIR", &dir).env("RUSTFLAGS", FLAGS).run()?;
    let program = dir.join(host).join("release/settee-fuzz");

    for target in
        TARGETS.iter().filter(|name| options.target.as_deref().is_none_or(|t| t == **name))
    {
        let kept = workspace::root().join("crates/fuzz/corpus").join(target);
        let found = dir.join("corpus").join(target);
        for folder in [&kept, &found] {
            fs::create_dir_all(folder).map_err(Error::file(folder))?;
        }
        let fuzzer = Program::new(&program).shown_as(&format!("fuzzing {target}"));
        let mut fuzzer = fuzzer.env("SETTEE_FUZZ", target);
        if options.keep {
            // Without hit counts, which would add thousands of inputs.
            fuzzer = fuzzer.args(["-set_cover_merge=1", "-use_counters=0"]).arg(kept).arg(found);
        } else {
            fuzzer = fuzzer.arg(match options.runs {
                Some(runs) => format!("-runs={runs}"),
                None => format!("-max_total_time={}", options.seconds),
            });
            let failures = dir.join(format!("{target}-"));
            fuzzer = fuzzer.arg(format!("-artifact_prefix={}", failures.display()));
            // An input that takes 5 s is a finding. Without entropic scheduling and hit counts, the
            // fuzzer spends its time on inputs, and not on choosing them.
            let choices = ["-timeout=5", "-print_final_stats=1", "-entropic=0", "-use_counters=0"];
            fuzzer = fuzzer.args(choices).arg(found).arg(kept);
        }
        fuzzer.args(&options.rest).run()?;
    }
    if options.keep {
        say("review the new files in crates/fuzz/corpus, and commit them");
    }
    Ok(())
}
