//! A server process with its default settings and a file on disk.

use std::{
    env,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;
use tokio::time::{interval, sleep};

use super::{Result, cores, usage};

/// The server's limit on connections, which is more than any case makes.
const CONNECTIONS: &str = "65535";
/// How often the server's memory is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// A running server, which is killed when this is dropped.
pub struct Server {
    process: Child,
    address: String,
    /// Kept open, because the server writes to it.
    output: BufReader<ChildStdout>,
    data: Arc<TempDir>,
}

impl Server {
    /// A server that only syncs.
    pub fn start() -> Result<Self> {
        let mut command = Command::new(program()?);
        command.arg("--sync-only");
        Self::launch(command, Arc::new(data_folder()?))
    }

    /// A server that only syncs, on a core of its own where there are several.
    pub fn apart() -> Result<Self> {
        let mut command = cores::on_the_first(&program()?);
        command.arg("--sync-only");
        Self::launch(command, Arc::new(data_folder()?))
    }

    /// Ends the server, and starts it again with its data. Only syncs.
    pub fn again(mut self) -> Result<Self> {
        self.kill();
        let mut command = Command::new(program()?);
        command.arg("--sync-only");
        Self::launch(command, self.data.clone())
    }

    /// A server with a site, which may have only so many files and sockets open.
    pub fn with_few_files(site: &Path, open_files: u16) -> Result<Self> {
        let mut command = Command::new("sh");
        let script = format!("ulimit -n {open_files} && exec \"$0\" \"$@\"");
        command.args(["-c", &script]).arg(program()?).env("LEPTOS_SITE_ROOT", site);
        command.env("LEPTOS_OUTPUT_NAME", "settee").env("LEPTOS_SITE_PKG_DIR", "pkg");
        // The hashes of another site may be beside the program.
        command.env("LEPTOS_HASH_FILE_NAME", "none.txt");
        Self::launch(command, Arc::new(data_folder()?))
    }

    fn launch(mut command: Command, data: Arc<TempDir>) -> Result<Self> {
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
        usage::memory(self.process.id())
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
        usage::processor_time(self.process.id())
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
