//! Code that the first screen does without. With the feature `split` it is in a file of its own, which a
//! page loads when its list is open.

use crate::keeper::{Keeper, With};

#[cfg(all(feature = "split", target_arch = "wasm32"))]
pub async fn keeper(with: With) -> Keeper {
    settee::apart::loaded(async || begin(with.clone()).await).await
}

#[cfg(all(feature = "split", target_arch = "wasm32"))]
#[allow(clippy::unnecessary_wraps, reason = "loading it may fail")]
#[wasm_split_helpers::wasm_split(later, fallible)]
fn begin(with: With) -> Result<Keeper, wasm_split_helpers::SplitLoaderError> {
    Ok(Keeper::begin(with))
}

#[cfg(not(all(feature = "split", target_arch = "wasm32")))]
#[allow(clippy::unused_async, reason = "elsewhere it is loaded")]
pub async fn keeper(with: With) -> Keeper {
    Keeper::begin(with)
}
