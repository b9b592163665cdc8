//! Clients that mean ill, on a thread of their own, so that ordinary ones wait for the server and not
//! for them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{runtime, sync::oneshot, task::JoinSet, time::sleep};

use super::Result;

/// How soon a client comes back after the server has closed its connection.
const PAUSE: Duration = Duration::from_millis(50);

/// How often the clients had their way, which shows that the server wasn't at rest.
#[derive(Debug, Clone, Default)]
pub struct Deeds(Arc<AtomicU32>);

impl Deeds {
    pub fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub fn so_far(&self) -> f64 {
        self.0.load(Ordering::Relaxed).into()
    }
}

/// It ends when this is dropped.
pub struct Attack(Option<(oneshot::Sender<()>, JoinHandle<()>)>);

impl Attack {
    /// Starts so many clients. However one of them ends, it begins again.
    pub fn start<F>(count: usize, client: impl Fn() -> F + Clone + Send + 'static) -> Result<Self>
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let run = async move {
            let again = |client: &_| again(Clone::clone(client));
            let _clients: JoinSet<()> = (0..count).map(|_| again(&client)).collect();
            // It fails when the other end is dropped, which says the same.
            let _ = stopped.await;
        };
        let thread = thread::spawn(move || runtime.block_on(run));
        Ok(Self(Some((stop, thread))))
    }
}

async fn again<F: Future<Output = Result<()>>>(client: impl Fn() -> F) {
    loop {
        let _ = client().await;
        sleep(PAUSE).await;
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.0.take() {
            drop(stop);
            // What it says is of no use to the figures.
            let _ = thread.join();
        }
    }
}
