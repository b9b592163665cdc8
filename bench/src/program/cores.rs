//! Which cores programs run on. A server that shares a core with its clients seems slower than it is.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::LazyLock,
    thread,
};

use super::Result;

/// How many there were when this was first asked.
static COUNT: LazyLock<usize> =
    LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from));

/// A program on the first core, or on any where there is only one.
pub fn on_the_first(program: &Path) -> Command {
    if *COUNT < 2 {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", "0"]).arg(program);
    command
}

/// Leaves the first core to others from now on, where there are several.
pub fn leave_the_first() -> Result<()> {
    if *COUNT < 2 {
        return Ok(());
    }
    let (others, process) = (format!("1-{}", *COUNT - 1), std::process::id().to_string());
    let status = Command::new("taskset")
        .args(["--all-tasks", "--cpu-list", "--pid", &others, &process])
        .stdout(Stdio::null())
        .status()
        .map_err(|error| format!("taskset: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("taskset failed ({status})").into()) }
}
