//! Todos that move to another list, also if the page is closed in between.

use std::collections::BTreeMap;

use leptos::prelude::*;
use settee::{
    Error, Glance, Settee, Standing,
    browser::alone,
    keys::random::random_name,
    leptos::{follow, position},
    store::Database,
};
use settee_todo::{
    moves::{Move, under_way, write_down},
    transfer::{Passed, TRANSFER_LIMIT, begin, go_on},
};
use wasm_bindgen_futures::spawn_local;

/// The database of this device that says which moves aren't done, and the name under which one tab changes it.
const MOVES: &str = "moves";

/// Moves or copies todos. Returns the way back of those that have gone.
pub async fn transfer(
    settee: &Settee,
    [from, to]: [&str; 2],
    todos: &[Passed],
    is_move: bool,
) -> Result<Vec<Passed>, Error> {
    let [here, there] = [settee.database(from).await?, settee.database(to).await?];
    let (here, there) = (here.database(), there.database());
    let mut back = Vec::new();
    for todos in todos.chunks(TRANSFER_LIMIT) {
        if !is_move {
            back.extend(begin(here, there, todos, None, position::after).await?);
            continue;
        }
        let (moves, name) = (settee.on_device(MOVES).await?, random_name());
        // What is written down and hasn't begun would be done for another tab.
        let begun = alone(MOVES, async {
            write_down(&moves, &name, [from, to]).await?;
            let went = begin(here, there, todos, Some(&name), position::after).await?;
            go_on(here, there, &name, true).await?;
            Ok::<_, Error>(went)
        });
        back.extend(begun.await?);
    }
    Ok(back)
}

/// Goes on with what has begun to move, here or in a page that was closed, until the servers have it. It ends with the
/// current owner.
pub fn follow_moves(settee: Settee) {
    let owner = Owner::current();
    spawn_local(async move {
        // What fails here is tried again with the next word of the server, and at the next start.
        let Ok(moves) = settee.on_device(MOVES).await else { return };
        let _ = resume(&settee, &moves, None).await;
        let go_on = || {
            let news = settee.glances();
            follow(news, async move |known| drop(resume(&settee, &moves, Some(&known)).await));
        };
        if let Some(owner) = owner {
            owner.with(go_on);
        }
    });
}

/// Goes on with all moves, or with those of which the server may have said something.
async fn resume(
    settee: &Settee,
    moves: &Database,
    known: Option<&BTreeMap<String, Glance>>,
) -> Result<(), Error> {
    if under_way(moves).await?.is_empty() {
        return Ok(());
    }
    alone(MOVES, async {
        let kept = settee.kept().await?;
        for begun in under_way(moves).await? {
            let glance = known.and_then(|known| known.get(&begun.to));
            let can_send = glance
                .is_none_or(|it| !matches!(it.standing, Standing::ReadOnly | Standing::Revoked));
            let has_answer = glance.is_some_and(|it| it.pending == 0) || !can_send;
            if known.is_some() && !has_answer {
                continue;
            }
            let is_kept = |list: &str| kept.values().any(|kept| kept.name == list);
            // With one of the lists, what there was to do is gone, too.
            let is_gone = !is_kept(&begun.from) || !is_kept(&begun.to);
            if is_gone || finish(settee, &begun, can_send).await.unwrap_or_default() {
                moves.remove(&begun.id).await?;
            }
        }
        Ok(())
    })
    .await
}

async fn finish(settee: &Settee, begun: &Move, can_send: bool) -> Result<bool, Error> {
    let [here, there] = [settee.database(&begun.from).await?, settee.database(&begun.to).await?];
    Ok(go_on(here.database(), there.database(), begun.id.as_str(), can_send).await?)
}
