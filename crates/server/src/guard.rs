//! What an app hands in may panic or hang. Here that becomes a failure like any other.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use settee_store::BackendError;
use thiserror::Error;
use tokio::time::timeout;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum Failure {
    #[error("it took too long")]
    TimedOut,
    #[error("it panicked")]
    Panicked,
    #[error("the validator gave {given} verdicts on {asked} documents")]
    Verdicts { asked: usize, given: usize },
    #[error("the grant doesn't hold any more")]
    Withheld,
    #[error("{0}")]
    Store(#[from] BackendError),
}

/// The answer, unless there is none within the limit.
pub async fn guarded<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, Failure> {
    // What a panic leaves behind belongs to the app's own code, which is called anew.
    match timeout(limit, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(Failure::Panicked),
        Err(_) => Err(Failure::TimedOut),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn panics_and_hangs_are_failures() {
        let soon = Duration::from_millis(1);
        assert!(matches!(guarded(soon, async { 1 }).await, Ok(1)));
        let panics = guarded(soon, async { panic!("on purpose") });
        assert!(matches!(panics.await, Err(Failure::Panicked)));
        let hangs = guarded(soon, std::future::pending::<()>());
        assert!(matches!(hangs.await, Err(Failure::TimedOut)));
    }
}
