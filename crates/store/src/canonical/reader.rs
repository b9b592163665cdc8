//! The tokens of a JSON text. Whether they are right is for the callers to say.

use std::borrow::Cow;

/// Where one is in a text.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// What is between the quotes of a string.
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a> {
    raw: &'a str,
    has_escapes: bool,
    has_controls: bool,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    pub fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The text from here to where another reader of it is.
    pub fn up_to(&self, end: &Self) -> Option<&'a str> {
        self.text.get(self.at..end.at)
    }

    /// Reads one byte.
    pub fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Reads this byte, or nothing.
    pub fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    pub fn string(&mut self) -> Option<Quoted<'a>> {
        self.take(b'"')?;
        let (start, bytes) = (self.at, self.text.as_bytes());
        let (mut has_escapes, mut has_controls) = (false, false);
        let mut at = start;
        loop {
            match *bytes.get(at)? {
                b'"' => break,
                b'\\' => {
                    has_escapes = true;
                    at += 1;
                }
                byte => has_controls |= byte < b' ',
            }
            at += 1;
        }
        self.at = at + 1;
        Some(Quoted { raw: self.text.get(start..at)?, has_escapes, has_controls })
    }

    /// Reads a number, `true`, `false` or `null`. It is empty if there is none.
    pub fn scalar(&mut self) -> &'a str {
        let rest = &self.text.as_bytes()[self.at..];
        let end = rest.iter().position(|byte| b",:]}\"[{".contains(byte));
        let start = self.at;
        self.at += end.unwrap_or(rest.len());
        &self.text[start..self.at]
    }

    /// Reads an object. At each field `each` gets the name, and has to read the value.
    pub fn fields(
        &mut self,
        each: &mut dyn FnMut(&mut Self, Quoted<'a>) -> Option<()>,
    ) -> Option<()> {
        self.take(b'{')?;
        if self.take(b'}').is_some() {
            return Some(());
        }
        loop {
            let name = self.string()?;
            self.take(b':')?;
            each(self, name)?;
            match self.next()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Reads an array. `each` has to read each item.
    pub fn items(&mut self, each: &mut dyn FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(b'[')?;
        if self.take(b']').is_some() {
            return Some(());
        }
        loop {
            each(self)?;
            match self.next()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Skips a value, however deep it is, and returns its text.
    pub fn skip(&mut self) -> Option<&'a str> {
        let (start, mut depth) = (self.at, 0_usize);
        loop {
            match self.peek()? {
                b'"' => drop(self.string()?),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' => self.at += 1,
                _ => drop(self.scalar()),
            }
            if depth == 0 {
                return self.text.get(start..self.at);
            }
        }
    }
}

impl<'a> Quoted<'a> {
    /// The string, if it is written as RFC 8785 prescribes: control characters, quotes and backslashes
    /// are escaped in the shortest way, and nothing else is.
    pub fn unescaped(self) -> Option<Cow<'a, str>> {
        if self.has_controls {
            return None;
        }
        if !self.has_escapes {
            return Some(Cow::Borrowed(self.raw));
        }
        let mut string = String::with_capacity(self.raw.len());
        let mut rest = self.raw;
        while let Some((before, after)) = rest.split_once('\\') {
            string.push_str(before);
            let (escape, length) = match after.as_bytes().first()? {
                b'"' => ('"', 1),
                b'\\' => ('\\', 1),
                b'b' => ('\u{8}', 1),
                b't' => ('\t', 1),
                b'n' => ('\n', 1),
                b'f' => ('\u{c}', 1),
                b'r' => ('\r', 1),
                b'u' => (control(after.get(1..5)?)?, 5),
                _ => return None,
            };
            string.push(escape);
            rest = &after[length..];
        }
        string.push_str(rest);
        Some(Cow::Owned(string))
    }
}

/// The character of an escape as `001f`.
fn control(digits: &str) -> Option<char> {
    let is_lower_case = digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let code = u8::from_str_radix(digits, 16).ok()?;
    let is_short = matches!(code, 0x8 | b'\t' | b'\n' | 0xc | b'\r');
    (is_lower_case && code < b' ' && !is_short).then_some(code.into())
}
