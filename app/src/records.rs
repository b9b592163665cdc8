//! What a list says besides its todos, as it is read and whenever it changes.

use std::cell::Cell;

use settee::leptos::follow;
use settee::store::{Database, Record};
use settee_todo::list::each;

/// Reads all records of a list, and then those that change, as long as the component lives. Tells what was learnt of
/// them each time, and whether the list has any records yet.
pub fn follow_records<T: 'static>(
    list: Database,
    learn: fn(&Record) -> Option<T>,
    tell: impl Fn(Vec<T>, bool) + 'static,
) {
    let since = Cell::new(0);
    follow(list.watch(), async move |_| {
        let mut learnt = Vec::new();
        let mut take = |record: &Record| learnt.extend(learn(record));
        // If it can't be read, the list itself says so.
        let Ok(until) = each(&list, since.get(), &mut take).await else { return };
        since.set(until);
        tell(learnt, until > 0);
    });
}
