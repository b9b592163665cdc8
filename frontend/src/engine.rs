//! The engine, which syncs. It is a file of its own in what `cargo xtask` builds, and is loaded when the
//! list has been opened.

use settee::{Engine, store::backend::BoxFuture};

/// Runs the engine, once it is there.
pub fn run(engine: Engine) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        #[cfg(feature = "split")]
        apart::run(engine).await;
        #[cfg(not(feature = "split"))]
        engine.run().await;
    })
}

#[cfg(feature = "split")]
mod apart {
    use std::time::Duration;

    use settee::{Engine, client::runtime::sleep, store::backend::BoxFuture};
    use wasm_split_helpers::{SplitLoaderError, wasm_split};

    /// How soon a file that could not be loaded is asked for again: each time later than before.
    const FIRST: Duration = Duration::from_secs(1);
    const LAST: Duration = Duration::from_mins(1);

    pub async fn run(engine: Engine) {
        let mut pause = FIRST;
        // The service worker has it, unless this is the first visit.
        while load().await.is_err() {
            sleep(pause).await;
            pause = (pause * 2).min(LAST);
        }
        if let Ok(run) = begin(engine).await {
            run.await;
        }
    }

    #[wasm_split(sync, fallible, preload(load))]
    fn begin(engine: Engine) -> Result<BoxFuture<'static, ()>, SplitLoaderError> {
        Ok(Box::pin(engine.run()))
    }
}
