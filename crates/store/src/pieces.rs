//! The fields of a body, as pieces of its text.
//!
//! In canonical JSON equal values have equal texts. So a merge compares texts, and doesn't turn
//! them into values, which take a hundred times the memory.

use std::borrow::Cow;

use crate::body::DEPTH_LIMIT;

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
        let mut reader = Reader { text: body, at: 0 };
        let whole = reader.value(DEPTH_LIMIT + 1).filter(|_| reader.at == body.len());
        whole
            .filter(|piece| piece.fields.is_some())
            .unwrap_or(Piece { text: "{}", fields: Some(Box::default()) })
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads a value. Objects below `depth` aren't taken apart.
    fn value(&mut self, depth: usize) -> Option<Piece<'a>> {
        let start = self.at;
        let fields = if self.peek()? == b'{' && depth > 0 {
            Some(self.fields(depth - 1)?)
        } else {
            self.skip()?;
            None
        };
        Some(Piece { text: self.text.get(start..self.at)?, fields })
    }

    fn fields(&mut self, depth: usize) -> Option<Box<[Field<'a>]>> {
        self.at += 1;
        let mut fields = Vec::new();
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(Box::default());
        }
        loop {
            let name = self.name()?;
            self.expect(b':')?;
            fields.push(Field { name, value: self.value(depth)? });
            let next = self.peek()?;
            self.at += 1;
            match next {
                b',' => {}
                b'}' => return Some(fields.into_boxed_slice()),
                _ => return None,
            }
        }
    }

    fn name(&mut self) -> Option<Cow<'a, str>> {
        let start = self.at;
        self.string()?;
        let quoted = self.text.get(start..self.at)?;
        if quoted.contains('\\') {
            return serde_json::from_str(quoted).ok().map(Cow::Owned);
        }
        quoted.get(1..quoted.len() - 1).map(Cow::Borrowed)
    }

    /// Skips a value, however deep it is.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => self.string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' => self.at += 1,
                _ => self.scalar(),
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn string(&mut self) -> Option<()> {
        self.expect(b'"')?;
        loop {
            let next = self.peek()?;
            self.at += if next == b'\\' { 2 } else { 1 };
            if next == b'"' {
                return Some(());
            }
        }
    }

    fn scalar(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let end = rest.iter().position(|byte| b",:]}\"[{".contains(byte));
        self.at += end.unwrap_or(rest.len());
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        let is_right = self.peek()? == byte;
        self.at += 1;
        is_right.then_some(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
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
