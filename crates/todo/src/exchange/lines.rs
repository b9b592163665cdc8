//! Files in which each line is a todo: check lists of Markdown, and plain text.

use super::{Item, Sheet, in_one_line};

/// What stands in front of a todo, and whether it is completed then. The longest of those that begin alike
/// comes first.
const BOXES: [(&str, bool); 5] =
    [("[x] ", true), ("[X] ", true), ("[ ] ", false), ("☑ ", true), ("☐ ", false)];

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
    let lines: Vec<&str> = file.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let heading = |line: &str| {
        let name = line.trim_start_matches('#');
        (name.len() < line.len() && (name.is_empty() || name.starts_with(' ')))
            .then(|| name.trim().to_owned())
    };
    let (mut name, mut items) = (String::new(), Vec::new());
    let has_boxes = lines.iter().any(|line| boxed(line).is_some());
    for (at, line) in lines.iter().enumerate() {
        if let Some(found) = heading(line) {
            if name.is_empty() {
                name = found;
            }
        } else if at == 0 && has_boxes && boxed(line).is_none() && is_plain(line) {
            // Where todos have boxes, a first line without one is the list's name.
            (*line).clone_into(&mut name);
        } else {
            let (title, completed) = boxed(line).unwrap_or_else(|| (bare(line), false));
            items.push(Item { title: title.to_owned(), completed });
        }
    }
    Sheet { name, items }
}

/// The text behind a box, if the line has one, and whether that is ticked.
fn boxed(line: &str) -> Option<(&str, bool)> {
    let line = bare(line);
    BOXES
        .iter()
        .find_map(|(mark, completed)| Some((line.strip_prefix(mark)?.trim_start(), *completed)))
}

/// The text behind the mark of a list, such as a bullet or a number.
fn bare(line: &str) -> &str {
    let numbered = line.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let behind = match line.strip_prefix(['-', '*', '+', '•']) {
        Some(rest) => rest,
        None if numbered.len() < line.len() => numbered.strip_prefix(['.', ')']).unwrap_or(line),
        None => return line,
    };
    behind.strip_prefix(' ').map_or(line, str::trim_start)
}

fn is_plain(line: &str) -> bool {
    bare(line).len() == line.len()
}
