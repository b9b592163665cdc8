//! Code that is in a file of its own, which a page loads later: with the feature `split`, and
//! `cargo leptos --split`.

use std::time::Duration;

use settee_client::runtime::sleep;

/// How soon a file that could not be loaded is asked for again: each time later than before.
const FIRST: Duration = Duration::from_secs(1);
const LAST: Duration = Duration::from_mins(1);

/// Loads something as often as that takes. A service worker has the file, unless this is the first visit.
///
/// The kit's own code is in the file that `#[wasm_split(later)]` names. An app may put some of its own there.
pub async fn loaded<T, E>(load: impl AsyncFn() -> Result<T, E>) -> T {
    let mut pause = FIRST;
    loop {
        if let Ok(loaded) = load().await {
            return loaded;
        }
        sleep(pause).await;
        pause = (pause * 2).min(LAST);
    }
}
