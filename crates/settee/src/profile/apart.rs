//! The engine as a part of a file of its own, which a page loads when its databases are open.

use settee_store::backend::BoxFuture;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

use super::engine::Engine;
use crate::apart::loaded;

/// Runs the engine, once it is there.
pub async fn run(engine: Engine) {
    loaded(load).await;
    if let Ok(run) = begin(engine).await {
        run.await;
    }
}

#[allow(clippy::unnecessary_wraps, reason = "loading it may fail")]
#[wasm_split(later, fallible, preload(load))]
fn begin(engine: Engine) -> Result<BoxFuture<'static, ()>, SplitLoaderError> {
    Ok(Box::pin(engine.run()))
}
