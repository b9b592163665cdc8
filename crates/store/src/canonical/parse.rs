//! From text to values.

use serde_json::{Map, Value};

use super::{number, reader::Reader};
use crate::body::DEPTH_LIMIT;

/// The value of a canonical text. A text that isn't canonical may have another value, or none.
pub fn parse(text: &str) -> Option<Value> {
    let mut reader = Reader::new(text);
    let value = value(&mut reader, DEPTH_LIMIT)?;
    reader.is_at_end().then_some(value)
}

fn value(reader: &mut Reader<'_>, depth: usize) -> Option<Value> {
    Some(match reader.peek()? {
        b'"' => Value::String(reader.string()?.unescaped()?.into_owned()),
        b'{' => {
            let (depth, mut fields) = (depth.checked_sub(1)?, Map::new());
            reader.fields(&mut |reader, name| {
                let name = name.unescaped()?.into_owned();
                fields.insert(name, value(reader, depth)?);
                Some(())
            })?;
            Value::Object(fields)
        }
        b'[' => {
            let (depth, mut items) = (depth.checked_sub(1)?, Vec::new());
            reader.items(&mut |reader| {
                items.push(value(reader, depth)?);
                Some(())
            })?;
            Value::Array(items)
        }
        _ => match reader.scalar() {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            text => Value::Number(number::read(text)?),
        },
    })
}
