//! A server that browser tests connect to: an example of one of our crates, in a process of its own.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use crate::error::{Error, Result};
use crate::tools::Toolbox;
use crate::workspace;

/// Ends with this value.
pub struct ExampleServer {
    child: Child,
    /// Where it listens: a `ws://` address.
    pub url: String,
    /// Where the tests' page has to be served, so that it may connect.
    pub page: String,
}

impl ExampleServer {
    /// Builds and starts an example of a package.
    pub fn start(toolbox: &Toolbox, package: &str, features: &str, example: &str) -> Result<Self> {
        let build = toolbox.program("cargo").args(["build", "--package", package]);
        build.args(["--features", features, "--example", example]).run()?;
        let page = free_address()?;
        let program = workspace::target().join("debug/examples").join(example);
        let mut child = Command::new(&program)
            .arg(format!("http://{page}"))
            .stdout(Stdio::piped())
            .spawn()
            .map_err(Error::file(&program))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).map_err(Error::file(&program))?;
        }
        match line.trim().strip_prefix("listening on ") {
            Some(url) => Ok(Self { child, url: url.to_owned(), page }),
            None => Err(Error::advice(format!("{example} doesn't listen: {line}"))),
        }
    }
}

impl Drop for ExampleServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address of this machine that nobody uses now.
fn free_address() -> Result<String> {
    let failed = |error: std::io::Error| Error::advice(format!("no port is free: {error}"));
    let listener = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
    Ok(listener.local_addr().map_err(failed)?.to_string())
}
