//! `cargo xtask fuzz`: looks for bytes that the store or the protocol can't cope with.
//!
//! `libFuzzer` watches which code an input reaches, for which the compiler has to leave marks. The
//! flags for that are stable; there is no sanitizer, since there is no unsafe code of ours.

use std::fs;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::process::{Program, say};
use crate::workspace;

/// What `settee-fuzz` knows.
const TARGETS: [&str; 6] = ["batch", "canonical", "message", "record", "session", "tree"];

/// Marks for the fuzzer, and every check that a release build leaves out. Comparisons aren't marked:
/// that would take half of the time, and formats are in the corpus already.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cdebug-assertions -Coverflow-checks -Ccodegen-units=1";

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Try one target only
    #[arg(value_parser = TARGETS)]
    target: Option<String>,
    /// How many inputs to try
    #[arg(long, value_name = "N", conflicts_with = "seconds")]
    runs: Option<u64>,
    /// How long to try each target
    #[arg(long, value_name = "S", default_value_t = 60)]
    seconds: u64,
    /// Add what reaches code that nothing in the corpus reaches to the corpus, instead of fuzzing
    #[arg(long, conflicts_with_all = ["runs", "seconds"])]
    keep: bool,
    /// Handed on to the fuzzer, after `--`
    #[arg(last = true)]
    rest: Vec<String>,
}

pub fn run(options: &Options) -> Result<()> {
    // A folder of its own, or the marks would have everything else built anew. And a target is
    // named for the build scripts' sake, which are not to be marked.
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
            // How often code is reached makes no difference, or there would be thousands.
            fuzzer = fuzzer.args(["-set_cover_merge=1", "-use_counters=0"]).arg(kept).arg(found);
        } else {
            fuzzer = fuzzer.arg(match options.runs {
                Some(runs) => format!("-runs={runs}"),
                None => format!("-max_total_time={}", options.seconds),
            });
            let failures = dir.join(format!("{target}-"));
            fuzzer = fuzzer.arg(format!("-artifact_prefix={}", failures.display()));
            // So many seconds for so few bytes are a finding. How often code is reached, and how
            // rarely by others, would take the fuzzer longer to weigh than the inputs take.
            let choices = ["-timeout=5", "-print_final_stats=1", "-entropic=0", "-use_counters=0"];
            fuzzer = fuzzer.args(choices).arg(found).arg(kept);
        }
        fuzzer.args(&options.rest).run()?;
    }
    if options.keep {
        say("look at what is new in crates/fuzz/corpus, and commit it");
    }
    Ok(())
}
