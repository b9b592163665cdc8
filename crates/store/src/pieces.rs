//! The fields of a body, as pieces of its text.
//!
//! In canonical JSON equal values have equal texts. So a merge compares texts, and doesn't turn
//! them into values, which take a hundred times the memory.

use std::borrow::Cow;

use crate::{body::DEPTH_LIMIT, canonical::Reader};

/// A value in a body.
#[derive(Debug, Clone)]
pub struct Piece<'a> {
    /// The value as JSON.
    pub text: &'a str,
    /// The fields of an object, in the order of the text; `None` for any other value.
    pub fields: Option<Box<[Field<'a>]>>,
}

/// A field of an object.
#[derive(Debug, Clone)]
pub struct Field<'a> {
    pub name: Cow<'a, str>,
    pub value: Piece<'a>,
}

impl<'a> Piece<'a> {
    /// The pieces of a body. A text that is no object counts as an empty one: only a damaged disk
    /// has such a body.
    pub fn of(body: &'a str) -> Self {
        let mut reader = Reader::new(body);
        let whole = piece(&mut reader, DEPTH_LIMIT + 1).filter(|_| reader.is_at_end());
        whole
            .filter(|piece| piece.fields.is_some())
            .unwrap_or(Piece { text: "{}", fields: Some(Box::default()) })
    }
}

/// Reads a value. Objects below `depth` aren't taken apart.
fn piece<'a>(reader: &mut Reader<'a>, depth: usize) -> Option<Piece<'a>> {
    if reader.peek()? != b'{' || depth == 0 {
        return Some(Piece { text: reader.skip()?, fields: None });
    }
    let (start, mut fields) = (reader.clone(), Vec::new());
    reader.fields(&mut |reader, name| {
        fields.push(Field { name: name.unescaped()?, value: piece(reader, depth - 1)? });
        Some(())
    })?;
    Some(Piece { text: start.up_to(reader)?, fields: Some(fields.into_boxed_slice()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<'a>(piece: &'a Piece<'_>) -> Vec<(&'a str, &'a str)> {
        let fields = piece.fields.iter().flatten();
        fields.map(|field| (&*field.name, field.value.text)).collect()
    }

    #[test]
    fn fields_are_found() {
        let piece = Piece::of(r#"{"a":[{"":0},"]"],"b":{"c":1,"d":{}},"e\"\\":"x\"}","é":-1.5}"#);
        assert_eq!(
            names(&piece),
            [
                ("a", r#"[{"":0},"]"]"#),
                ("b", r#"{"c":1,"d":{}}"#),
                ("e\"\\", r#""x\"}""#),
                ("é", "-1.5")
            ]
        );
        let fields = piece.fields.unwrap();
        assert_eq!(names(&fields[1].value), [("c", "1"), ("d", "{}")]);
        assert!(fields[0].value.fields.is_none());
        assert_eq!(names(&Piece::of("{}")), []);
    }

    #[test]
    fn damaged_bodies_are_empty() {
        let deep = r#"{"a":"#.repeat(10_000);
        for damaged in [
            "",
            "[]",
            "1",
            "{",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1"#,
            r#"{"a":1}}"#,
            "{\"a\\",
            &deep,
        ] {
            assert_eq!(names(&Piece::of(damaged)), [], "{damaged}");
        }
    }
}
