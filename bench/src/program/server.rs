//! A server process with its default settings and a file on disk.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use super::Result;

/// The server's limit on connections, which is more than any case makes.
const CONNECTIONS: &str = "65535";
/// The unit of processor times in `/proc`.
const TICKS_PER_SECOND: u64 = 100;

/// A running server, which is killed when this is dropped.
pub struct Server {
    process: Child,
    address: String,
    /// Kept open, because the server writes to it.
    output: BufReader<ChildStdout>,
    _data: TempDir,
}

impl Server {
    pub fn start() -> Result<Self> {
        let program = build_folder()?.join("settee-server");
        if !program.is_file() {
            let advice = "`cargo xtask bench` builds it";
            return Err(format!("there is no {}: {advice}", program.display()).into());
        }
        let data = data_folder()?;
        let mut process = Command::new(program)
            .args(["--sync-only", "--connections", CONNECTIONS])
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("the server has no output")?;
        let output = BufReader::new(output);
        let mut server = Self { process, address: String::new(), output, _data: data };
        let mut line = String::new();
        server.output.read_line(&mut line)?;
        let (_, address) = line
            .trim()
            .rsplit_once("http://")
            .ok_or_else(|| format!("the server does not say where it is, but {line:?}"))?;
        address.clone_into(&mut server.address);
        Ok(server)
    }

    /// The address of the sync protocol.
    pub fn url(&self) -> String {
        format!("ws://{}/sync", self.address)
    }

    /// Resident memory of the process, in bytes.
    pub fn memory(&self) -> Result<f64> {
        let status = self.told("status")?;
        let kibibytes = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB"))
            .ok_or("the system tells no VmRSS of the server")?;
        Ok(kibibytes.trim().parse::<f64>()? * 1024.0)
    }

    /// Processor time that the process has used so far.
    pub fn processor_time(&self) -> Result<Duration> {
        let ticks = ticks(&self.told("stat")?)?;
        Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
    }

    /// Reads a file of `/proc` about the process.
    fn told(&self, what: &str) -> Result<String> {
        let file = format!("/proc/{}/{what}", self.process.id());
        Ok(fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?)
    }
}

/// User and system time of a process, in ticks.
fn ticks(stat: &str) -> Result<u64> {
    // The program's name is in brackets, and may contain anything.
    let (_, fields) = stat.rsplit_once(')').ok_or("the system names no program")?;
    let mut times = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    match (times.next(), times.next()) {
        (Some(own), Some(system)) => Ok(own? + system?),
        _ => Err("the system tells no times of the server".into()),
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // This fails only if the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The folder where cargo puts this program and the server.
pub fn build_folder() -> Result<PathBuf> {
    let program = env::current_exe()?;
    Ok(program.parent().map(Path::to_owned).ok_or("this program is in no folder")?)
}

/// A temporary folder on disk, where durable writes are real: on many machines the system's own
/// temporary folder is in memory.
pub fn data_folder() -> Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("bench-").tempdir_in(build_folder()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_times_count() -> Result<()> {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 90 0 3 0 250 50 9 9 20 0 4 0 100 1000 200";
        assert_eq!(ticks(stat)?, 300);
        assert!(ticks("7 (settee-server) S 1").is_err());
        Ok(())
    }
}
