//! Todos that move to another list, also if the page is closed in between.

use serde_json::{Map, Value};
use settee::{Error, Settee, keys::random::random_name, leptos::position, store::DocumentId};
use settee_todo::transfer::{Passed, TRANSFER_LIMIT, begin, finish};

/// The database of this device that says which moves aren't done.
const MOVES: &str = "moves";
const FROM: &str = "from";
const TO: &str = "to";

/// Moves or copies todos. Says how many there were.
pub async fn transfer(
    settee: &Settee,
    [from, to]: [&str; 2],
    todos: &[Passed],
    is_move: bool,
) -> Result<usize, Error> {
    let [here, there] = [settee.database(from).await?, settee.database(to).await?];
    let (here, there) = (here.database(), there.database());
    let mut count = 0;
    for todos in todos.chunks(TRANSFER_LIMIT) {
        if !is_move {
            count += begin(here, there, todos, None, position::after).await?;
            continue;
        }
        let (moves, name) = (settee.on_device(MOVES).await?, random_name());
        let id = DocumentId::new(&name).expect("a short name is an id");
        let mut lists = Map::new();
        lists.insert(FROM.to_owned(), from.into());
        lists.insert(TO.to_owned(), to.into());
        moves.patch_fields(&name, lists).await?;
        count += begin(here, there, todos, Some(&name), position::after).await?;
        finish(here, there, &name).await?;
        moves.remove(&id).await?;
    }
    Ok(count)
}

/// Finishes what a page had begun before it was closed.
pub async fn resume(settee: &Settee) -> Result<(), Error> {
    let moves = settee.on_device(MOVES).await?;
    for record in moves.changes(0, usize::MAX).await? {
        let Some(begun) = record.document().filter(|it| !it.deleted) else { continue };
        let fields = begun.body.fields();
        let list = |field: &str| fields.get(field).and_then(Value::as_str).unwrap_or_default();
        // One of the lists may be gone since, and with it what there was to do.
        if let Ok(here) = settee.database(list(FROM)).await
            && let Ok(there) = settee.database(list(TO)).await
        {
            finish(here.database(), there.database(), begun.id.as_str()).await?;
        }
        moves.remove(&begun.id).await?;
    }
    Ok(())
}
