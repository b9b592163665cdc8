//! Reactions to what is watched.

use leptos::{
    prelude::{Owner, on_cleanup},
    task::spawn_local,
};
use tokio::sync::watch;

/// Does something with a value, and again after each change to it. It ends with the reactive owner
/// that this is called under, such as a component, or when nobody can change the value any more.
///
/// While a reaction is awaited, changes are passed over, but for the latest.
///
/// ```
/// use leptos::prelude::*;
/// use settee_leptos::follow;
/// use settee_store::Database;
///
/// #[component]
/// fn Count(database: Database) -> impl IntoView {
///     let count = RwSignal::new(0);
///     Effect::new(move || {
///         let database = database.clone();
///         follow(database.watch(), async move |_| {
///             if let Ok(counts) = database.counts().await {
///                 count.try_set(counts.documents);
///             }
///         });
///     });
///     view! { <p>{count} " documents"</p> }
/// }
/// ```
pub fn follow<T: Clone + 'static>(mut news: watch::Receiver<T>, react: impl AsyncFn(T) + 'static) {
    let mut ended = end_of_owner();
    spawn_local(async move {
        loop {
            let now = news.borrow_and_update().clone();
            react(now).await;
            let is_over = tokio::select! {
                biased;
                _ = ended.changed() => true,
                changed = news.changed() => changed.is_err(),
            };
            if is_over {
                break;
            }
        }
    });
}

/// Does something with each value that `next` brings, until it brings no more. It ends with the reactive owner
/// that this is called under, as [`follow`] does.
pub fn follow_each<T>(
    mut next: impl AsyncFnMut() -> Option<T> + 'static,
    mut react: impl FnMut(T) + 'static,
) {
    let mut ended = end_of_owner();
    spawn_local(async move {
        loop {
            let value = tokio::select! {
                biased;
                _ = ended.changed() => None,
                value = next() => value,
            };
            match value {
                Some(value) => react(value),
                None => break,
            }
        }
    });
}

/// What closes when the current owner ends.
fn end_of_owner() -> watch::Receiver<()> {
    let (alive, ended) = watch::channel(());
    if Owner::current().is_some() {
        on_cleanup(move || drop(alive));
    } else {
        // It lasts as long as the program.
        std::mem::forget(alive);
    }
    ended
}
