//! What a device is told of a list while no page of it is open.

use std::sync::Arc;

use serde::Serialize;
use settee_store::{Body, Record};

use crate::{
    Todo,
    document::{LINKS, TODO_PREFIX},
};

/// How many titles are named of what one person has done, and how many people.
const NAMED: usize = 3;
/// Longest part of a title or a name that is shown, in characters. A push service takes less than 4 kB.
const TITLE_SHOWN: usize = 36;

/// What the service worker shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    pub title: String,
    pub body: String,
    /// What is opened by a tap.
    pub path: String,
    /// A notice takes the place of an earlier one with the same tag.
    pub tag: String,
}

/// Whether a new revision has ticked it. Where the one before isn't known any more, it isn't told.
fn is_ticked(record: &Record, told: u64) -> bool {
    let is_completed = |body: &Body| Some(body.read::<Todo>().ok()?.completed);
    record.bodies_since(told).any(|(before, now)| {
        is_completed(now) == Some(true) && before.and_then(is_completed) == Some(false)
    })
}

/// What others have done.
struct Deeds {
    who: String,
    added: Vec<String>,
    ticked: Vec<String>,
}

/// What to tell somebody who is called `who` of records that have changed; `None` if there is nothing: what somebody of
/// that name has done isn't told. `name` is what the list is called, and revisions after the update sequence `told` are
/// new.
pub fn notice(
    list: &str,
    name: &str,
    who: &str,
    told: u64,
    changed: &[Arc<Record>],
) -> Option<Notice> {
    let mut all: Vec<Deeds> = Vec::new();
    for record in changed.iter().filter(|record| record.id.as_str().starts_with(TODO_PREFIX)) {
        let Some(document) = record.document().filter(|document| !document.deleted) else {
            continue;
        };
        let Ok(todo) = document.body.read::<Todo>() else { continue };
        // Who has added it is told of others who tick it.
        let is_added = record.is_new_since(told) && todo.by != who;
        // Of other changes it isn't written down who has made them.
        let by = match (is_added, todo.completed && is_ticked(record, told)) {
            (true, _) => todo.by,
            (false, true) => todo.ticked,
            (false, false) => continue,
        };
        if by == who {
            continue;
        }
        let at = all.iter().position(|deeds| deeds.who == by).unwrap_or_else(|| {
            all.push(Deeds { who: by, added: Vec::new(), ticked: Vec::new() });
            all.len() - 1
        });
        let titles = if is_added { &mut all[at].added } else { &mut all[at].ticked };
        titles.push(todo.title);
    }
    if all.is_empty() {
        return None;
    }
    let mut body: Vec<String> = all.iter().take(NAMED).map(Deeds::told).collect();
    if all.len() > NAMED {
        body.push("Others have changed it, too.".to_owned());
    }
    let title = if name.is_empty() { "A list of yours".to_owned() } else { shown(name) };
    let path = LINKS.path(&list.parse().ok()?);
    Some(Notice { title, body: body.join("\n"), path, tag: list.to_owned() })
}

impl Notice {
    /// The bytes that travel: JSON.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts are JSON")
    }
}

impl Deeds {
    fn told(&self) -> String {
        let who = if self.who.is_empty() { "Somebody".to_owned() } else { shown(&self.who) };
        let deeds = [("added", &self.added), ("ticked", &self.ticked)];
        let deeds = deeds.into_iter().filter(|(_, titles)| !titles.is_empty());
        let deeds: Vec<String> =
            deeds.map(|(deed, titles)| format!("{deed} {}", listed(titles))).collect();
        format!("{who} {}", deeds.join(", and "))
    }
}

fn listed(titles: &[String]) -> String {
    let mut listed: Vec<String> = titles.iter().take(NAMED).map(|title| shown(title)).collect();
    let more = titles.len().saturating_sub(NAMED);
    if more > 0 {
        listed.push(format!("{more} more"));
    }
    match listed.pop() {
        Some(last) if !listed.is_empty() => format!("{} and {last}", listed.join(", ")),
        last => last.unwrap_or_default(),
    }
}

fn shown(text: &str) -> String {
    let mut letters = text.chars().map(|it| if it.is_control() { ' ' } else { it });
    let mut shown: String = letters.by_ref().take(TITLE_SHOWN).collect();
    if letters.next().is_some() {
        shown.truncate(shown.trim_end().len());
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at_once::at_once;
    use serde_json::json;
    use settee_store::{Database, Memory};

    const LIST: &str = "d8nky0yt022fvwnfrc45a38jg4";

    fn told(who: &str, before: impl Fn(&Database), write: impl Fn(&Database)) -> Option<Notice> {
        let list = Database::new(Memory::new([1; 16]));
        before(&list);
        let told = list.seq();
        write(&list);
        let changed = at_once(list.changes(told, 1_000)).unwrap();
        notice(LIST, "Groceries", who, told, &changed)
    }

    fn nothing(_: &Database) {}

    fn put(list: &Database, id: &str, todo: &Todo) {
        at_once(list.put(&format!("{TODO_PREFIX}{id}"), todo)).unwrap();
    }

    fn added(title: &str, by: &str) -> Todo {
        Todo { title: title.to_owned(), by: by.to_owned(), ..Todo::default() }
    }

    fn ticked(todo: &Todo, by: &str) -> Todo {
        Todo { completed: true, ticked: by.to_owned(), ..todo.clone() }
    }

    #[test]
    fn who_has_done_what_is_told_in_a_few_words() {
        let bread = added("Bread", "Anna");
        let write = |list: &Database| {
            at_once(list.put("list", &json!({"name": "Groceries"}))).unwrap();
            put(list, "0", &added("Mlk", "Bert"));
            for (number, title) in ["Milk", "Butter", "Eggs", "Tea", "Salt"].iter().enumerate() {
                put(list, &number.to_string(), &added(title, "Bert"));
            }
            put(list, "bread", &ticked(&bread, "Bert"));
            put(list, "rice", &added(&"rice\n".repeat(20), ""));
            put(list, "own", &added("Wine", "Anna"));
        };
        let body = "Bert added Milk, Butter, Eggs and 2 more, and ticked Bread\n\
                    Somebody added rice rice rice rice rice rice rice r…";
        let expected = Notice {
            title: "Groceries".to_owned(),
            body: body.to_owned(),
            path: format!("/l/{LIST}"),
            tag: LIST.to_owned(),
        };
        assert_eq!(told("Anna", |list| put(list, "bread", &bread), write), Some(expected));
    }

    #[test]
    fn own_old_and_unclear_changes_are_not_told() {
        let tea = added("Tea", "Bert");
        let before = |list: &Database| {
            put(list, "1", &tea);
            put(list, "2", &tea);
            put(list, "2", &ticked(&tea, "Bert"));
            put(list, "3", &tea);
        };
        let moved = |todo: Todo| Todo { position: "b".to_owned(), ..todo };
        let write = |list: &Database| {
            put(list, "1", &Todo { edited: "Bert".to_owned(), ..added("Green tea", "Bert") });
            put(list, "2", &moved(ticked(&tea, "Bert")));
            put(list, "3", &ticked(&tea, "Anna"));
            put(list, "4", &added("Milk", "Anna"));
            put(list, "5", &added("Salt", "Bert"));
            at_once(list.remove(&settee_store::DocumentId::new("todo/5").unwrap())).unwrap();
        };
        assert_eq!(told("Anna", before, write), None);
        let by_nobody = |list: &Database| put(list, "1", &added("Milk", ""));
        assert_eq!(told("", nothing, by_nobody), None);
        // Others may tick what one has just added.
        let own_ticked = |list: &Database| {
            let own = added("Bread", "Anna");
            put(list, "6", &own);
            at_once(list.to_send(usize::MAX)).unwrap();
            put(list, "6", &ticked(&own, "Bert"));
        };
        assert_eq!(told("Anna", nothing, own_ticked).unwrap().body, "Bert ticked Bread");
        // What was moved after it was ticked was ticked all the same.
        let both = |list: &Database| {
            put(list, "3", &ticked(&tea, "Carl"));
            put(list, "3", &moved(ticked(&tea, "Carl")));
        };
        assert_eq!(told("Anna", before, both).unwrap().body, "Carl ticked Tea");
    }

    #[test]
    fn the_longest_notice_fits_into_a_push_message() {
        let write = |list: &Database| {
            for person in 0..5 {
                let who = format!("{person}{}", "🛋".repeat(29));
                for number in 0..8 {
                    let id = format!("{person}-{number}");
                    let todo = added(&"\u{1}🛋\"\\".repeat(100), &who);
                    put(list, &id, &if number < 4 { todo } else { ticked(&todo, &who) });
                }
            }
        };
        let list = |list: &Database| {
            for person in 0..5 {
                for number in 4..8 {
                    put(list, &format!("{person}-{number}"), &added("old", "somebody"));
                }
            }
        };
        let notice = told("Anna", list, write).unwrap();
        assert_eq!(notice.body.lines().count(), 4);
        assert!(notice.encode().len() <= 3_993, "{}", notice.encode().len());
    }
}
