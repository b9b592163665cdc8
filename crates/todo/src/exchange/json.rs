//! Settee's own files, and the notes of Google Keep's Takeout.

use serde_json::Value;
use settee_store::Body;

use super::{ExchangeError, Item, Sheet, lines};

/// The version of the files that are written. A later one may only be read by a later program.
const VERSION: u64 = 1;

pub fn write(sheet: &Sheet) -> String {
    let mut file = object([("name", sheet.name.as_str().into()), ("settee", VERSION.into())]);
    // The object goes on with its todos, one in each line.
    file.pop();
    file.push_str(",\"todos\":[");
    for (at, Item { title, completed }) in sheet.items.iter().enumerate() {
        file.push_str(if at == 0 { "\n" } else { ",\n" });
        let todo = [("title", title.as_str().into()), ("completed", (*completed).into())];
        file.push_str(&object(todo));
    }
    file.push_str("\n]}\n");
    file
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> String {
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
    // What was in a list is no more than a body holds.
    Body::new(fields.collect()).map_or_else(|_| "{}".to_owned(), |body| body.as_str().to_owned())
}

pub fn read(file: &Value) -> Result<Sheet, ExchangeError> {
    let items = |name: &str, title: &str, completed: &str| {
        let item = |value: &Value| {
            let title = value.get(title)?.as_str()?.to_owned();
            Some(Item { title, completed: value.get(completed) == Some(&Value::Bool(true)) })
        };
        file.get(name)?.as_array()?.iter().map(item).collect::<Option<Vec<_>>>()
    };
    let name = |field: &str| {
        let name = file.get(field).and_then(Value::as_str);
        name.unwrap_or_default().trim().to_owned()
    };
    match file.get("settee").map(Value::as_u64) {
        Some(Some(VERSION)) => {
            let items = items("todos", "title", "completed").ok_or(ExchangeError::Json)?;
            Ok(Sheet { name: name("name"), items })
        }
        Some(_) => Err(ExchangeError::Newer),
        None => match (items("listContent", "text", "isChecked"), file.get("textContent")) {
            (Some(items), _) => Ok(Sheet { name: name("title"), items }),
            (None, Some(Value::String(text))) => {
                let (title, mut sheet) = (name("title"), lines::read(text));
                if !title.is_empty() && !sheet.name.is_empty() {
                    // The note's title is the list's name, and nothing of its text is lost.
                    let first = std::mem::take(&mut sheet.name);
                    sheet.items.insert(0, Item { title: first, completed: false });
                }
                if !title.is_empty() {
                    sheet.name = title;
                }
                Ok(sheet)
            }
            _ => Err(ExchangeError::Json),
        },
    }
}
