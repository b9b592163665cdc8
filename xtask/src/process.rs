//! Running programs. Every visible run prints a line first, and every failure is an [`Error`].

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::workspace;

/// Tells the user what happens now.
pub fn say(text: impl AsRef<str>) {
    eprintln!("» {}", text.as_ref());
}

/// A program with its arguments. It runs in the workspace's root by default.
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

    /// Replaces the command in the line that is printed.
    pub fn shown_as(mut self, text: &str) -> Self {
        text.clone_into(&mut self.shown);
        self
    }

    /// Runs it with this program's input and output. Its failure is an error.
    pub fn run(mut self) -> Result<()> {
        say(&self.shown);
        let status = self.command.status();
        let status = status.map_err(|source| self.not_started(source))?;
        self.judge(status, String::new())
    }

    /// Runs it, prints its output and passes each line on, and returns whether it succeeded.
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

    /// Runs it without showing its output, for at most `limit`, and returns that output.
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

    /// Replaces this process by the program, which then receives signals directly.
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

/// The program of that name, in the first folder that has it.
pub fn find_on_path(name: &str, path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// `cargo run` describes our own package in variables. Another cargo would run the build scripts
/// that watch them again.
fn describes_this_package(variable: &OsString) -> bool {
    let name = variable.to_string_lossy();
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

fn read_aside(mut source: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // After an error, the bytes that were read before it are still useful.
        let _ = source.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The last lines of an output, which usually give the reason of a failure.
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

/// Stops the child and its children: `npx` and `rustup` start other programs.
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
    fn a_program_that_exceeds_its_limit_is_an_error() {
        let result = Program::new("sleep").arg("20").quietly(Duration::ZERO);
        assert!(matches!(result, Err(Error::Expired { .. })));
    }

    #[test]
    fn stopping_a_program_stops_its_children() -> std::io::Result<()> {
        let script = "(sleep 20; echo survived) & echo started; wait";
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped());
        lead_own_group(&mut command);
        let mut child = command.spawn()?;
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut said = String::new();
        output.read_line(&mut said)?;
        stop(&mut child);
        // The output ends when the last process that could write to it has ended.
        output.read_to_string(&mut said)?;
        assert_eq!(said, "started\n");
        Ok(())
    }

    #[test]
    fn a_failure_quotes_the_programs_output() {
        let program = Program::new("sh").args(["-c", "echo no such luck >&2; exit 3"]);
        let error = program.quietly(Duration::from_secs(5)).err();
        let text = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(text.contains("no such luck"), "{text}");
    }

    #[test]
    fn each_line_is_passed_on() -> Result<()> {
        let mut lines = Vec::new();
        let program = Program::new("sh").args(["-c", "printf 'one\\ntwo'; exit 1"]);
        let success = program.stream(|line| lines.push(line.to_owned()))?;
        assert!(!success);
        assert_eq!(lines, ["one", "two"]);
        Ok(())
    }
}
