//! Writing canonical JSON, in one pass.

use std::{cmp::Ordering, fmt::Write};

use serde_json::{Map, Value};

use super::number;
use crate::heap_sort::heap_sort;

pub fn to_string(fields: &Map<String, Value>) -> String {
    let mut text = String::with_capacity(128);
    write_object(fields, &mut text);
    text
}

/// RFC 8785 orders names by their UTF-16 code units.
pub fn in_order(one: &str, other: &str) -> Ordering {
    // The bytes have the same order, but for characters from U+E000 in both.
    let is_high = |name: &str| name.bytes().any(|byte| byte >= 0xee);
    if is_high(one) && is_high(other) {
        one.encode_utf16().cmp(other.encode_utf16())
    } else {
        one.cmp(other)
    }
}

fn write_value(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => number::write(number, text),
        Value::String(string) => write_string(string, text),
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write_value(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => write_object(fields, text),
    }
}

fn write_object(fields: &Map<String, Value>, text: &mut String) {
    let mut sorted: Vec<(&String, &Value)> = fields.iter().collect();
    // Usually they are in that order already.
    heap_sort(&mut sorted, |(one, _), (other, _)| in_order(one, other));
    text.push('{');
    for (at, (name, value)) in sorted.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        write_string(name, text);
        text.push(':');
        write_value(value, text);
    }
    text.push('}');
}

pub fn write_string(string: &str, text: &mut String) {
    text.push('"');
    let mut rest = string;
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\')
    {
        text.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            0x08 => text.push_str("\\b"),
            b'\t' => text.push_str("\\t"),
            b'\n' => text.push_str("\\n"),
            0x0c => text.push_str("\\f"),
            b'\r' => text.push_str("\\r"),
            control => drop(write!(text, "\\u{control:04x}")),
        }
        rest = &rest[at + 1..];
    }
    text.push_str(rest);
    text.push('"');
}
