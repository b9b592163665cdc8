//! What a device is told of a list while no page of it is open.

use serde::Serialize;
use settee_store::Document;

use crate::{
    Todo,
    document::{LINKS, TODO_PREFIX},
};

/// How many titles are named of what one person has done, and how many people.
const NAMED: usize = 3;
/// Longest part of a title that is shown, in characters.
const TITLE_SHOWN: usize = 60;

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

/// What others have done.
struct Deeds {
    who: String,
    added: Vec<String>,
    ticked: Vec<String>,
}

/// What to tell somebody who is called `who` of documents that have changed; `None` if there is nothing: what somebody
/// of that name has done isn't told. `name` is what the list is called.
pub fn notice(list: &str, name: &str, who: &str, changed: &[Document]) -> Option<Notice> {
    let mut all: Vec<Deeds> = Vec::new();
    for document in changed.iter().filter(|document| !document.deleted) {
        if !document.id.as_str().starts_with(TODO_PREFIX) {
            continue;
        }
        let Ok(todo) = document.body.read::<Todo>() else { continue };
        // Of other changes it isn't written down who has made them.
        let is_added = document.winner.generation() == 1;
        let by = match (is_added, todo.completed) {
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
    let title = if name.is_empty() { "A list of yours" } else { name };
    let path = LINKS.path(&list.parse().ok()?);
    Some(Notice { title: title.to_owned(), body: body.join("\n"), path, tag: list.to_owned() })
}

impl Notice {
    /// The bytes that travel: JSON.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts are JSON")
    }
}

impl Deeds {
    fn told(&self) -> String {
        let who = if self.who.is_empty() { "Somebody" } else { &self.who };
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

fn shown(title: &str) -> String {
    match title.char_indices().nth(TITLE_SHOWN) {
        Some((end, _)) => format!("{}…", title[..end].trim_end()),
        None => title.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at_once::at_once;
    use serde_json::json;
    use settee_store::{Database, Memory};

    const LIST: &str = "d8nky0yt022fvwnfrc45a38jg4";

    fn told(who: &str, write: impl Fn(&Database)) -> Option<Notice> {
        let list = Database::new(Memory::new([1; 16]));
        write(&list);
        let records = at_once(list.changes(0, 100)).unwrap();
        let changed: Vec<Document> = records.iter().filter_map(|it| it.document()).collect();
        notice(LIST, "Groceries", who, &changed)
    }

    fn put(list: &Database, id: &str, todo: &Todo) {
        at_once(list.put(&format!("{TODO_PREFIX}{id}"), todo)).unwrap();
    }

    fn added(title: &str, by: &str) -> Todo {
        Todo { title: title.to_owned(), by: by.to_owned(), ..Todo::default() }
    }

    #[test]
    fn who_has_done_what_is_told_in_a_few_words() {
        let write = |list: &Database| {
            at_once(list.put("list", &json!({"name": "Groceries"}))).unwrap();
            for (number, title) in ["Milk", "Butter", "Eggs", "Tea", "Salt"].iter().enumerate() {
                put(list, &number.to_string(), &added(title, "Bert"));
            }
            let bread = added("Bread", "Anna");
            put(list, "bread", &bread);
            put(list, "bread", &Todo { completed: true, ticked: "Bert".to_owned(), ..bread });
            put(list, "rice", &added(&"rice ".repeat(20), ""));
            put(list, "own", &added("Wine", "Anna"));
        };
        let rice = "rice ".repeat(12);
        let body = format!(
            "Bert added Milk, Butter, Eggs and 2 more, and ticked Bread\nSomebody added {}…",
            rice.trim_end()
        );
        let path = format!("/l/{LIST}");
        let expected = Notice { title: "Groceries".to_owned(), body, path, tag: LIST.to_owned() };
        assert_eq!(told("Anna", write), Some(expected));
    }

    #[test]
    fn own_and_unclear_changes_are_not_told() {
        let write = |list: &Database| {
            put(list, "1", &added("Milk", "Anna"));
            put(list, "2", &added("Tea", "Anna"));
            put(list, "2", &Todo { edited: "Bert".to_owned(), ..added("Green tea", "Anna") });
            put(list, "3", &added("Salt", "Bert"));
            at_once(list.remove(&settee_store::DocumentId::new("todo/3").unwrap())).unwrap();
        };
        assert_eq!(told("Anna", write), None);
        assert_eq!(told("", |list| put(list, "1", &added("Milk", ""))), None);
    }
}
