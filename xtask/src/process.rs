//! Running a program: every visible run prints one line first, and every failure is an [`Error`].

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::workspace;

/// Tells the person at the screen what happens now.
pub fn say(text: impl AsRef<str>) {
    eprintln!("» {}", text.as_ref());
}

/// A program with its arguments, run in the workspace's root unless told otherwise.
pub struct Program {
    command: Command,
    shown: String,
}

impl Program {
    pub fn new(name: impl AsRef<OsStr>) -> Self {
        let name = name.as_ref();
        let mut command = Command::new(name);
        command.current_dir(workspace::root());
        for (variable, _) in std::env::vars_os() {
            if describes_this_package(&variable) {
                command.env_remove(variable);
            }
        }
        let shown = Path::new(name).file_name().unwrap_or(name);
        Self { command, shown: shown.to_string_lossy().into_owned() }
    }

    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        let arg = arg.as_ref();
        self.shown.push(' ');
        self.shown.push_str(&arg.to_string_lossy());
        self.command.arg(arg);
        self
    }

    pub fn args<A: AsRef<OsStr>>(self, args: impl IntoIterator<Item = A>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// What the printed line says instead of the whole command.
    pub fn shown_as(mut self, text: &str) -> Self {
        text.clone_into(&mut self.shown);
        self
    }

    /// Runs it with this program's own input and output, and wants it to succeed.
    pub fn run(mut self) -> Result<()> {
        say(&self.shown);
        let status = self.command.status();
        let status = status.map_err(|source| self.not_started(source))?;
        self.judge(status, String::new())
    }

    /// Runs it, hands each line of its output on while printing it, and says whether it succeeded.
    pub fn stream(mut self, mut each: impl FnMut(&str)) -> Result<bool> {
        say(&self.shown);
        self.command.stdout(Stdio::piped());
        let child = self.command.spawn();
        let mut child = child.map_err(|source| self.not_started(source))?;
        if let Some(output) = child.stdout.take() {
            for line in BufReader::new(output).split(b'\n').map_while(std::io::Result::ok) {
                let line = String::from_utf8_lossy(&line);
                println!("{line}");
                each(&line);
            }
        }
        let status = child.wait().map_err(|source| self.not_started(source))?;
        Ok(status.success())
    }

    /// Runs it unseen for no longer than `limit`, and returns what it printed.
    pub fn quietly(mut self, limit: Duration) -> Result<String> {
        self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        lead_own_group(&mut self.command);
        let child = self.command.spawn();
        let mut child = child.map_err(|source| self.not_started(source))?;
        let output = child.stdout.take().map(read_aside);
        let errors = child.stderr.take().map(read_aside);
        let Some(status) = wait_for(&mut child, limit) else {
            stop(&mut child);
            let command = self.shown;
            return Err(Error::Expired { command, limit });
        };
        let output = output.and_then(|reader| reader.join().ok()).unwrap_or_default();
        let errors = errors.and_then(|reader| reader.join().ok()).unwrap_or_default();
        self.judge(status, last_lines(&errors))?;
        Ok(output)
    }

    /// Becomes that program, so that it gets the terminal's and the system's signals itself.
    #[cfg(unix)]
    pub fn replace(mut self) -> Error {
        use std::os::unix::process::CommandExt as _;
        say(&self.shown);
        let source = self.command.exec();
        self.not_started(source)
    }

    fn not_started(&self, source: std::io::Error) -> Error {
        let command = self.shown.clone();
        Error::Spawn { command, source }
    }

    fn judge(self, status: ExitStatus, detail: String) -> Result<()> {
        if status.success() {
            return Ok(());
        }
        let command = self.shown;
        Err(Error::Failed { command, status, detail })
    }
}

/// Whether there is a program of that name in one of the folders.
pub fn find_on_path(name: &str, path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// `cargo run` tells us about our own package. Handed on to another cargo, these variables would
/// make build scripts that watch them run again.
fn describes_this_package(variable: &OsString) -> bool {
    let name = variable.to_string_lossy();
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

fn read_aside(mut source: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is still worth showing.
        let _ = source.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The end of what a program said, where the reason usually is.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let skipped = lines.len().saturating_sub(12);
    lines[skipped..].iter().fold(String::new(), |all, line| all + "\n" + line)
}

fn wait_for(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let start = Instant::now();
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if start.elapsed() >= limit {
            return None;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(unix)]
fn lead_own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(not(unix))]
fn lead_own_group(_: &mut Command) {}

/// Ends the child and whatever it has started; `npx` and `rustup` both run others.
fn stop(child: &mut Child) {
    #[cfg(unix)]
    {
        let group = format!("-{}", child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
    }
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_past_its_limit_is_stopped_with_its_children() {
        let start = Instant::now();
        let program = Program::new("sh").args(["-c", "sleep 20 & wait"]);
        let result = program.quietly(Duration::from_millis(100));
        assert!(matches!(result, Err(Error::Expired { .. })));
        assert!(start.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn a_failing_program_is_an_error_with_its_words() {
        let program = Program::new("sh").args(["-c", "echo no such luck >&2; exit 3"]);
        let error = program.quietly(Duration::from_secs(5)).err();
        let text = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(text.contains("no such luck"), "{text}");
    }

    #[test]
    fn each_line_is_handed_on() -> Result<()> {
        let mut lines = Vec::new();
        let program = Program::new("sh").args(["-c", "printf 'one\\ntwo'; exit 1"]);
        let success = program.stream(|line| lines.push(line.to_owned()))?;
        assert!(!success);
        assert_eq!(lines, ["one", "two"]);
        Ok(())
    }
}
