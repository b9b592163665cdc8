//! Tables (RFC 4180), with a comma, a semicolon or a tab between the columns.

use super::{ExchangeError, Item, Sheet};

/// Names of the column with the todos: this app's, and Todoist's.
const TITLES: [&str; 2] = ["title", "content"];
/// In Todoist's files other rows are sections and notes.
const TYPE: &str = "type";
const TASK: &str = "task";
const COMPLETED: &str = "completed";
/// What stands in that column for a todo that is not.
const NOT_COMPLETED: [&str; 8] = ["", "false", "no", "0", "falsch", "nein", "faux", "non"];

pub fn write(sheet: &Sheet) -> String {
    // The mark at the beginning tells spreadsheets the encoding.
    let mut file = format!("\u{feff}title,{COMPLETED}\r\n");
    for Item { title, completed } in &sheet.items {
        file.push_str(&quoted(title));
        // Spreadsheets translate truth values, and leave a letter as it is.
        file.push_str(if *completed { ",x\r\n" } else { ",\r\n" });
    }
    file
}

/// Whether the first line names columns that a table of todos has.
pub fn is_table(file: &str) -> bool {
    let names = heading(file);
    let has = |name: &str| names.iter().any(|known| known == name);
    names.len() > 1 && (has(TYPE) || TITLES.into_iter().any(has))
}

pub fn read(file: &str) -> Result<Sheet, ExchangeError> {
    let names = heading(file);
    let column = |name: &str| names.iter().position(|known| known == name);
    let title = TITLES.into_iter().find_map(column).ok_or(ExchangeError::Columns)?;
    // Other tables have types of their own.
    let kind = column(TYPE).filter(|_| names[title] == TITLES[1]);
    let completed = column(COMPLETED);
    let rows = rows(file, separator(file)).into_iter().skip(1);
    let item = |row: Vec<String>| {
        let cell = |at: Option<usize>| at.and_then(|at| row.get(at)).map(|cell| cell.trim());
        let is_task =
            kind.is_none() || cell(kind).is_some_and(|kind| kind.eq_ignore_ascii_case(TASK));
        let is_completed = cell(completed)
            .is_some_and(|cell| !NOT_COMPLETED.iter().any(|no| cell.eq_ignore_ascii_case(no)));
        is_task.then(|| Item {
            title: row.get(title).cloned().unwrap_or_default(),
            completed: is_completed,
        })
    };
    Ok(Sheet { name: String::new(), items: rows.filter_map(item).collect() })
}

/// The names of the columns, in lower case.
fn heading(file: &str) -> Vec<String> {
    let first = file.lines().next().unwrap_or_default();
    let mut rows = rows(first, separator(file));
    let names = if rows.is_empty() { Vec::new() } else { rows.swap_remove(0) };
    names.into_iter().map(|name| name.trim().to_ascii_lowercase()).collect()
}

/// What is most often in the first line.
fn separator(file: &str) -> char {
    let first = file.lines().next().unwrap_or_default();
    let count = |separator: &char| first.matches(*separator).count();
    [',', ';', '\t'].into_iter().rev().max_by_key(count).unwrap_or(',')
}

fn rows(file: &str, separator: char) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut is_quoted = false;
    let mut letters = file.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' if is_quoted => is_quoted = false,
            '"' if cell.is_empty() => is_quoted = true,
            '\r' if !is_quoted && letters.peek() == Some(&'\n') => {}
            '\n' if !is_quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            letter if letter == separator && !is_quoted => row.push(std::mem::take(&mut cell)),
            letter => cell.push(letter),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', ';', '\t', '"', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
