//! The engine as a file of its own, which a page loads when its databases are open.

use std::time::Duration;

use settee_client::runtime::sleep;
use settee_store::backend::BoxFuture;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

use super::engine::Engine;

/// How soon a file that could not be loaded is asked for again: each time later than before.
const FIRST: Duration = Duration::from_secs(1);
const LAST: Duration = Duration::from_mins(1);

/// Runs the engine, once it is there. A service worker has it, unless this is the first visit.
pub async fn run(engine: Engine) {
    let mut pause = FIRST;
    while load().await.is_err() {
        sleep(pause).await;
        pause = (pause * 2).min(LAST);
    }
    if let Ok(run) = begin(engine).await {
        run.await;
    }
}

#[allow(clippy::unnecessary_wraps, reason = "loading it may fail")]
#[wasm_split(sync, fallible, preload(load))]
fn begin(engine: Engine) -> Result<BoxFuture<'static, ()>, SplitLoaderError> {
    Ok(Box::pin(engine.run()))
}
