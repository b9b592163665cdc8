//! Stopping: the signals that ask for it, and a flag that all tasks wait for.

use std::io;

use tokio::sync::watch;

/// Sets the flag that each [`Stopping`] waits for.
#[derive(Debug)]
pub(crate) struct Stop(watch::Sender<bool>);

/// Waits until the server stops.
#[derive(Debug, Clone)]
pub(crate) struct Stopping(watch::Receiver<bool>);

pub(crate) fn channel() -> (Stop, Stopping) {
    let (sender, receiver) = watch::channel(false);
    (Stop(sender), Stopping(receiver))
}

impl Stop {
    pub fn tell(&self) {
        self.0.send_replace(true);
    }
}

impl Stopping {
    pub fn is_told(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns at once if the server is already stopping, or if its [`Stop`] is gone.
    pub async fn told(&mut self) {
        let _ = self.0.wait_for(|told| *told).await;
    }
}

/// Ends with the first SIGINT or SIGTERM from now on.
#[cfg(unix)]
pub fn signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ends with the first Ctrl-C from now on.
#[cfg(not(unix))]
pub fn signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
