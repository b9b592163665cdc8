//! Whether a text is canonical, without making values of it.

use std::borrow::Cow;

use super::{number, reader::Reader, writer::in_order};
use crate::body::{BodyError, DEPTH_LIMIT};

/// Whether the text is one value in the form of RFC 8785. Fails with [`BodyError::NotCanonical`], or with
/// [`BodyError::TooDeep`] if the value is nested too deep for a body.
pub fn check(text: &str) -> Result<(), BodyError> {
    let (mut reader, mut is_too_deep) = (Reader::new(text), false);
    let is_canonical = value(&mut reader, DEPTH_LIMIT, &mut is_too_deep).is_some();
    match is_canonical && reader.is_at_end() {
        true => Ok(()),
        false if is_too_deep => Err(BodyError::TooDeep),
        false => Err(BodyError::NotCanonical),
    }
}

fn value(reader: &mut Reader<'_>, depth: usize, is_too_deep: &mut bool) -> Option<()> {
    let is_container = matches!(reader.peek(), Some(b'{' | b'['));
    if is_container && depth == 0 {
        *is_too_deep = true;
        return None;
    }
    match reader.peek()? {
        b'"' => drop(reader.string()?.unescaped()?),
        b'{' => {
            let mut before: Option<Cow<'_, str>> = None;
            reader.fields(&mut |reader, name| {
                let name = name.unescaped()?;
                if before.take().is_some_and(|before| in_order(&before, &name).is_ge()) {
                    return None;
                }
                before = Some(name);
                value(reader, depth - 1, is_too_deep)
            })?;
        }
        b'[' => reader.items(&mut |reader| value(reader, depth - 1, is_too_deep))?,
        _ => match reader.scalar() {
            "null" | "true" | "false" => {}
            text => number::is_canonical(text).then_some(())?,
        },
    }
    Some(())
}
