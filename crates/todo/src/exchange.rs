//! Lists as files: what other programs and people can read, and what this app reads again.
//!
//! A file never changes a list that is there: what is read becomes a new one.

use std::borrow::Cow;

use serde_json::Value;
use thiserror::Error;

use crate::limits::{NAME_LIMIT, TITLE_LIMIT, cut, fits};

mod csv;
mod json;
mod lines;

/// Most todos that are taken from a file.
pub const TODOS_LIMIT: usize = 100_000;
/// Longest file that is read, in bytes.
pub const FILE_LIMIT: u32 = 16_000_000;

/// The fields of JSON that are read, in any kind of file.
pub const FIELDS: [&str; 9] = [
    "settee",
    "name",
    "todos",
    "title",
    "completed",
    "listContent",
    "text",
    "isChecked",
    "textContent",
];

/// A list on its way to a file or from one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sheet {
    /// What the list is called; empty if nothing says so.
    pub name: String,
    /// The todos, in their order.
    pub items: Vec<Item>,
}

/// A todo without its place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Item {
    pub title: String,
    pub completed: bool,
}

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// All that there is to a list: `{"settee": 1, "name": …, "todos": [{"title": …, "completed": …}]}`.
    Json,
    /// A check list, as notes and forges show it.
    Markdown,
    /// Lines with a box in front, for mails and messages.
    Text,
    /// A table of `title` and `completed` (RFC 4180).
    Csv,
}

/// Why a file can't become a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ExchangeError {
    #[error("There is nothing in this file that could be a todo.")]
    Empty,
    #[error("This is no list that Settee or Google Keep has saved.")]
    Json,
    #[error("This file was saved by a newer version of Settee.")]
    Newer,
    #[error("A table needs a column “title” or “content” in its first line.")]
    Columns,
    #[error("A list from a file has at most {TODOS_LIMIT} todos.")]
    TooMany,
    #[error("One of the lines is too long for a todo.")]
    TooLong,
    #[error("The letters of this file can’t be read. Save it in UTF-8 and try again.")]
    Encoding,
    #[error("A file has at most 16 MB.")]
    TooLarge,
}

impl Format {
    pub const ALL: [Self; 4] = [Self::Markdown, Self::Text, Self::Csv, Self::Json];

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "Settee’s own (JSON)",
            Self::Markdown => "Check list (Markdown)",
            Self::Text => "Plain text",
            Self::Csv => "Table (CSV)",
        }
    }

    /// How the names of such files end, and their media type.
    pub fn file(self) -> (&'static str, &'static str) {
        match self {
            Self::Json => ("json", "application/json"),
            Self::Markdown => ("md", "text/markdown"),
            Self::Text => ("txt", "text/plain"),
            Self::Csv => ("csv", "text/csv"),
        }
    }
}

impl Sheet {
    /// The list as a file of this kind.
    pub fn write(&self, format: Format) -> String {
        match format {
            Format::Json => json::write(self),
            Format::Markdown => lines::write(self, true),
            Format::Text => lines::write(self, false),
            Format::Csv => csv::write(self),
        }
    }

    /// Reads a file of any of the kinds, of Todoist's CSV, or of Google Keep's Takeout. What kind it is shows.
    /// `parse` reads JSON: a browser has its own reader.
    pub fn read(
        file: &[u8],
        parse: impl FnOnce(&str) -> Option<Value>,
    ) -> Result<Self, ExchangeError> {
        if file.len() > FILE_LIMIT as usize {
            return Err(ExchangeError::TooLarge);
        }
        let file = decoded(file)?;
        // Some programs begin a file with a mark of its encoding.
        let file = file.trim_start_matches('\u{feff}');
        let sheet = if file.trim_start().starts_with('{') {
            json::read(&parse(file).ok_or(ExchangeError::Json)?)?
        } else if csv::is_table(file) {
            csv::read(file)?
        } else {
            lines::read(file)
        };
        sheet.checked()
    }

    fn checked(mut self) -> Result<Self, ExchangeError> {
        self.items.iter_mut().for_each(|item| item.title = item.title.trim().to_owned());
        self.items.retain(|item| !item.title.is_empty());
        if self.items.is_empty() {
            return Err(ExchangeError::Empty);
        }
        if self.items.len() > TODOS_LIMIT {
            return Err(ExchangeError::TooMany);
        }
        if self.items.iter().any(|item| !fits(&item.title, TITLE_LIMIT)) {
            return Err(ExchangeError::TooLong);
        }
        self.name.truncate(cut(&self.name, NAME_LIMIT).len());
        Ok(self)
    }
}

/// The text of a file in UTF-8, or in UTF-16 with a mark of its order, as spreadsheets save it.
fn decoded(file: &[u8]) -> Result<Cow<'_, str>, ExchangeError> {
    let order: fn([u8; 2]) -> u16 = match file {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return str::from_utf8(file).map(Cow::from).map_err(|_| ExchangeError::Encoding),
    };
    let (pairs, rest) = file.as_chunks();
    let text = String::from_utf16(&pairs.iter().copied().map(order).collect::<Vec<_>>());
    text.ok().filter(|_| rest.is_empty()).map(Cow::from).ok_or(ExchangeError::Encoding)
}

/// A text without breaks, for files in which a line is a todo.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(file: &str) -> Result<Sheet, ExchangeError> {
        Sheet::read(file.as_bytes(), |json| serde_json::from_str(json).ok())
    }

    fn sheet(name: &str, items: &[(&str, bool)]) -> Sheet {
        let item = |(title, completed): &(&str, bool)| Item {
            title: (*title).to_owned(),
            completed: *completed,
        };
        Sheet { name: name.to_owned(), items: items.iter().map(item).collect() }
    }

    #[test]
    fn each_kind_looks_as_its_readers_expect() {
        let list = sheet("Trip", &[("Book the hut", true), ("Say \"hello\", twice", false)]);
        assert_eq!(
            list.write(Format::Markdown),
            "# Trip\n\n- [x] Book the hut\n- [ ] Say \"hello\", twice\n"
        );
        assert_eq!(list.write(Format::Text), "Trip\n\n☑ Book the hut\n☐ Say \"hello\", twice\n");
        assert_eq!(
            list.write(Format::Csv),
            "\u{feff}title,completed\r\nBook the hut,x\r\n\"Say \"\"hello\"\", twice\",\r\n"
        );
        let json: serde_json::Value = serde_json::from_str(&list.write(Format::Json)).unwrap();
        assert_eq!(json["settee"], 1);
        assert_eq!(json["todos"][0]["title"], "Book the hut");
    }

    #[test]
    fn files_of_others_are_read() {
        let todoist = "TYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE\n\
                       section,Food,,,,,,,,\ntask,\"Bread, dark\",,4,1,Anna (1),,,en,\n,,,,,,,,,\ntask,Jam,,1,2,,,,en,\n";
        let expected = sheet("", &[("Bread, dark", false), ("Jam", false)]);
        assert_eq!(read(todoist), Ok(expected));
        let keep = r#"{"title":"Groceries","isTrashed":false,"listContent":[{"text":"Milk","isChecked":true},{"text":"Eggs","isChecked":false}]}"#;
        let expected = sheet("Groceries", &[("Milk", true), ("Eggs", false)]);
        assert_eq!(read(keep), Ok(expected));
        let note = r#"{"title":"","textContent":"One\n\nTwo"}"#;
        assert_eq!(read(note), Ok(sheet("", &[("One", false), ("Two", false)])));
        let note = r#"{"title":"Week","textContent":"Call Bob\n\n☐ Milk"}"#;
        assert_eq!(read(note), Ok(sheet("Week", &[("Call Bob", false), ("Milk", false)])));
        let dates = "24. December: presents\n31. December: party";
        let items = [("24. December: presents", false), ("31. December: party", false)];
        assert_eq!(read(dates), Ok(sheet("", &items)));
        assert_eq!(read("1. One\n2) Two"), Ok(sheet("", &[("One", false), ("Two", false)])));
        let sections = "# Trip\n## Food\n- [ ] Bread\n- [ ]\n";
        assert_eq!(read(sections), Ok(sheet("Trip", &[("Food", false), ("Bread", false)])));
        let types = "Title,Type\nBread,Food\nJam,task";
        assert_eq!(read(types), Ok(sheet("", &[("Bread", false), ("Jam", false)])));
        let wide: Vec<u8> = "\u{feff}Title\tCompleted\nKäse\tWAHR"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(Sheet::read(&wide, |_| None), Ok(sheet("", &[("Käse", true)])));
        assert_eq!(Sheet::read(b"K\xe4se", |_| None), Err(ExchangeError::Encoding));
        let written = "## Camp\n* Tent\n+ [X] Stove\nRope\n\n- [ ]  Lamp \n";
        let items = [("Tent", false), ("Stove", true), ("Rope", false), ("Lamp", false)];
        assert_eq!(read(written), Ok(sheet("Camp", &items)));
        let spreadsheet = "\u{feff}Completed;Title\r\nyes;Bread\r\n;Jam";
        assert_eq!(read(spreadsheet), Ok(sheet("", &[("Bread", true), ("Jam", false)])));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for (file, error) in [
            ("", ExchangeError::Empty),
            (" \n# \n", ExchangeError::Empty),
            ("{", ExchangeError::Json),
            ("{\"a\": 1}", ExchangeError::Json),
            ("{\"settee\": 2}", ExchangeError::Newer),
            ("TYPE,DATE\ntask,now", ExchangeError::Columns),
        ] {
            assert_eq!(read(file), Err(error), "{file}");
        }
        let long = "x".repeat(TITLE_LIMIT + 1);
        assert_eq!(read(&long), Err(ExchangeError::TooLong));
        assert_eq!(read(&"a\n".repeat(TODOS_LIMIT + 1)), Err(ExchangeError::TooMany));
        assert_eq!(read(&" ".repeat(FILE_LIMIT as usize + 1)), Err(ExchangeError::TooLarge));
    }

    proptest! {
        /// Titles as the app has them: trimmed, and not empty. A name with a box of its own is taken for a todo.
        #[test]
        fn what_was_written_is_read_again(
            name in "[A-Za-zé,;\"0-9.-]([A-Za-zé,;\"0-9. -]{0,12}[A-Za-z])?",
            items in prop::collection::vec(("[^\\s\u{0}-\u{1f}]([ -~éß☐☑]{0,20}[^\\s\u{0}-\u{1f}])?", any::<bool>()), 1..20),
        ) {
            let items = items.into_iter().map(|(title, completed)| Item { title, completed });
            let list = Sheet { name, items: items.collect() };
            let json = read(&list.write(Format::Json));
            prop_assert_eq!(json.as_ref(), Ok(&list));
            let table = read(&list.write(Format::Csv)).unwrap();
            prop_assert_eq!(&table.items, &list.items);
            // A line's beginning may look like a mark of lists, and breaks are lost.
            for format in [Format::Markdown, Format::Text] {
                let lines = read(&list.write(format)).unwrap();
                prop_assert_eq!(&lines.name, &in_one_line(&list.name));
                let flat = list.items.iter().map(|item| (in_one_line(&item.title), item.completed));
                let read = lines.items.iter().map(|item| (in_one_line(&item.title), item.completed));
                prop_assert_eq!(read.collect::<Vec<_>>(), flat.collect::<Vec<_>>());
            }
        }

        #[test]
        fn no_file_is_too_odd_to_be_read(file in "\\PC{0,200}", start in "[{\"#\\-,;]{0,3}") {
            let _ = read(&format!("{start}{file}"));
        }
    }
}
