//! Files in which each line is a todo: check lists of Markdown, and plain text.

use super::{Item, Sheet, in_one_line};

/// What stands in front of a todo, and whether it is completed then.
const BOXES: [(&str, bool); 5] =
    [("[x]", true), ("[X]", true), ("[ ]", false), ("☑", true), ("☐", false)];

pub fn write(sheet: &Sheet, is_markdown: bool) -> String {
    let mut file = String::new();
    let name = in_one_line(&sheet.name);
    if !name.is_empty() {
        let heading = if is_markdown { "# " } else { "" };
        file.extend([heading, &name, "\n\n"]);
    }
    for Item { title, completed } in &sheet.items {
        let mark = match (is_markdown, completed) {
            (true, true) => "- [x] ",
            (true, false) => "- [ ] ",
            (false, true) => "☑ ",
            (false, false) => "☐ ",
        };
        file.extend([mark, &in_one_line(title), "\n"]);
    }
    file
}

pub fn read(file: &str) -> Sheet {
    let mut lines: Vec<&str> = file.lines().map(str::trim).collect();
    let mut name = String::new();
    let has_boxes = lines.iter().any(|line| boxed(line).is_some());
    let is_set_off = lines.get(1).is_none_or(|second| second.is_empty());
    let first = lines.first().copied().unwrap_or_default();
    if let Some(heading) = heading(first) {
        heading.clone_into(&mut name);
        lines.remove(0);
    } else if has_boxes && is_set_off && boxed(first).is_none() {
        // Where todos have boxes, a first line without one is the list's name.
        first.clone_into(&mut name);
        lines.remove(0);
    }
    lines.retain(|line| !line.is_empty());
    // "24. December" is no number of a list, unless all lines have one.
    let is_numbered = |(at, line): (usize, &&str)| {
        let (number, _) = line.split_once(['.', ')']).unwrap_or_default();
        number.parse() == Ok(at + 1)
    };
    let is_numbered = lines.iter().enumerate().all(is_numbered);
    let item = |line: &str| {
        let numbered = line.split_once(['.', ')']).filter(|_| is_numbered);
        let line = numbered.map_or(line, |(_, title)| title.trim());
        let plain = || (heading(line).unwrap_or_else(|| bare(line)), false);
        let (title, completed) = boxed(line).unwrap_or_else(plain);
        Item { title: title.to_owned(), completed }
    };
    Sheet { name, items: lines.into_iter().map(item).collect() }
}

/// The text of a heading.
fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    let is_heading = text.len() < line.len() && (text.is_empty() || text.starts_with(' '));
    is_heading.then(|| text.trim())
}

/// The text behind a box, if the line has one, and whether that is ticked.
fn boxed(line: &str) -> Option<(&str, bool)> {
    let line = bare(line);
    BOXES.iter().find_map(|(mark, completed)| {
        let text = line.strip_prefix(mark)?;
        // Brackets without a space behind them are part of the text.
        let is_box =
            !mark.ends_with(']') || text.is_empty() || text.starts_with(char::is_whitespace);
        is_box.then(|| (text.trim_start(), *completed))
    })
}

/// The text behind a bullet.
fn bare(line: &str) -> &str {
    let text = line.strip_prefix(['-', '*', '+', '•']).and_then(|text| text.strip_prefix(' '));
    text.map_or(line, str::trim_start)
}
