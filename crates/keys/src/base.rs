//! Bytes as text, in base 32 and base 64. Written here for the weight of a browser's build: a library
//! for any base takes 50 kB of WebAssembly, and these two take 2.

/// An alphabet whose size is a power of two. Text has no padding, and each text stands for other bytes.
#[derive(Debug, Clone, Copy)]
pub struct Base {
    alphabet: &'static [u8],
    /// Bits of a letter.
    bits: u32,
}

/// Crockford's base 32, in lower case: no letter looks like a digit.
pub const BASE32: Base = Base { alphabet: b"0123456789abcdefghjkmnpqrstvwxyz", bits: 5 };
/// Base 64 for addresses (RFC 4648, base64url).
pub const BASE64URL: Base =
    Base { alphabet: b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", bits: 6 };

impl Base {
    /// The bytes as text.
    pub fn encode(self, bytes: &[u8]) -> String {
        let mut text = String::with_capacity((bytes.len() * 8).div_ceil(self.bits as usize));
        let (mut buffer, mut held) = (0_u32, 0);
        for byte in bytes {
            buffer = buffer << 8 | u32::from(*byte);
            held += 8;
            while held >= self.bits {
                held -= self.bits;
                text.push(self.letter(buffer >> held));
            }
        }
        if held > 0 {
            text.push(self.letter(buffer << (self.bits - held)));
        }
        text
    }

    /// The bytes that a text stands for. `None` if it has other letters, or if no bytes are written so.
    pub fn decode(self, text: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(text.len() * self.bits as usize / 8);
        let (mut buffer, mut held) = (0_u32, 0);
        for letter in text.bytes() {
            let value = self.alphabet.iter().position(|known| *known == letter)?;
            buffer = (buffer << self.bits | u32::try_from(value).ok()?) & 0xffff;
            held += self.bits;
            if held >= 8 {
                held -= 8;
                bytes.push(u8::try_from(buffer >> held & 0xff).ok()?);
            }
        }
        // What is left over is less than a letter, and zero.
        let is_exact = held < self.bits && buffer & ((1 << held) - 1) == 0;
        is_exact.then_some(bytes)
    }

    fn letter(self, value: u32) -> char {
        let mask = (1 << self.bits) - 1;
        char::from(self.alphabet[(value & mask) as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::{BASE64URL_NOPAD, Specification};

    #[test]
    fn they_are_what_the_library_makes_of_any_bytes() {
        let mut crockford = Specification::new();
        crockford.symbols.push_str("0123456789abcdefghjkmnpqrstvwxyz");
        let crockford = crockford.encoding().unwrap();
        for length in 0..70 {
            let bytes: Vec<u8> = (0..length).map(|n: u8| n.wrapping_mul(37) ^ 0xa5).collect();
            for (ours, library) in [(BASE32, &crockford), (BASE64URL, &BASE64URL_NOPAD)] {
                let text = ours.encode(&bytes);
                assert_eq!(text, library.encode(&bytes));
                assert_eq!(ours.decode(&text), Some(bytes.clone()));
            }
        }
    }

    #[test]
    fn what_the_library_refuses_is_refused() {
        let letters = "AZaz09-_ =é";
        for one in letters.chars() {
            for other in letters.chars() {
                for text in [format!("{one}"), format!("{one}{other}"), format!("AA{one}{other}A")]
                {
                    let library = BASE64URL_NOPAD.decode(text.as_bytes()).ok();
                    assert_eq!(BASE64URL.decode(&text), library, "{text}");
                }
            }
        }
    }
}
