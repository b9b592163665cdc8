//! The binary: flags in, exit code out.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use settee::server::shutdown;
use settee_server::{Config, Error, Service, telemetry};
use tokio::net::TcpListener;

fn main() -> ExitCode {
    let config = Config::parse();
    telemetry::init(config.log_format);
    match run(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("settee-server: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(config: &Config) -> Result<(), Error> {
    let stop = shutdown::signal()?;
    let service = Service::open(config.settings()?).await?;
    let address = config.listen();
    let listener =
        TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
    announce(&listener)?;
    service.serve(listener, stop).await
}

/// Whoever started the server reads the address here. With port 0 nobody else knows it.
fn announce(listener: &TcpListener) -> Result<(), Error> {
    let address = listener.local_addr()?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on http://{address}")?;
    Ok(stdout.flush()?)
}
