//! A server process with its default settings and a file on disk.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::time::{interval, sleep};

use super::Result;

/// The server's limit on connections, which is more than any case makes.
const CONNECTIONS: &str = "65535";
/// The unit of processor times in `/proc`.
const TICKS_PER_SECOND: u64 = 100;
/// How often the server's memory is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// A running server, which is killed when this is dropped.
pub struct Server {
    process: Child,
    address: String,
    /// Kept open, because the server writes to it.
    output: BufReader<ChildStdout>,
    data: TempDir,
}

impl Server {
    /// A server that only syncs.
    pub fn start() -> Result<Self> {
        let mut command = Command::new(program()?);
        command.arg("--sync-only");
        Self::launch(command)
    }

    /// A server with a site, which may have only so many files and sockets open.
    pub fn with_few_files(site: &Path, open_files: u16) -> Result<Self> {
        let mut command = Command::new("sh");
        let script = format!("ulimit -n {open_files} && exec \"$0\" \"$@\"");
        command.args(["-c", &script]).arg(program()?).env("LEPTOS_SITE_ROOT", site);
        command.env("LEPTOS_OUTPUT_NAME", "settee").env("LEPTOS_SITE_PKG_DIR", "pkg");
        // The hashes of another site may be beside the program.
        command.env("LEPTOS_HASH_FILE_NAME", "none.txt");
        Self::launch(command)
    }

    fn launch(mut command: Command) -> Result<Self> {
        let data = data_folder()?;
        let mut process = command
            .args(["--connections", CONNECTIONS])
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("the server has no output")?;
        let output = BufReader::new(output);
        let mut server = Self { process, address: String::new(), output, data };
        let mut line = String::new();
        server.output.read_line(&mut line)?;
        let (_, address) = line
            .trim()
            .rsplit_once("http://")
            .ok_or_else(|| format!("the server does not say where it is, but {line:?}"))?;
        address.clone_into(&mut server.address);
        Ok(server)
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
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

    /// The most memory while something goes on, in bytes, with its outcome.
    pub async fn most_memory_during<T>(
        &self,
        what: impl Future<Output = Result<T>>,
    ) -> Result<(T, f64)> {
        tokio::pin!(what);
        let (mut most, mut look) = (0.0_f64, interval(LOOK));
        loop {
            tokio::select! {
                done = &mut what => return Ok((done?, most)),
                _ = look.tick() => most = most.max(self.memory()?),
            }
        }
    }

    /// The most memory in a time, in bytes.
    pub async fn most_memory_for(&self, time: Duration) -> Result<f64> {
        let wait = async {
            sleep(time).await;
            Ok(())
        };
        Ok(self.most_memory_during(wait).await?.1)
    }

    /// The folder of its databases.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Ends the process. Its data stays.
    pub fn kill(&mut self) {
        // This fails only if the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
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
        self.kill();
    }
}

/// The server, in the same build as this program.
fn program() -> Result<PathBuf> {
    let program = build_folder()?.join("settee-server");
    if program.is_file() {
        return Ok(program);
    }
    Err(format!("there is no {}: `cargo xtask bench` builds it", program.display()).into())
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
