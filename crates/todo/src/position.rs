//! The order of todos: texts that sort as the todos stand, with room after any of them.
//!
//! A position is a letter that tells how many digits follow, and the digits: `a0`, `a1`, …,
//! `az`, `b00`. So appending to a list makes a position of a few characters, however long the
//! list is. Todos of equal position, appended by people who didn't see each other, stand in the
//! order of their ids.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A position after `last`, or the first one. Any text will do as `last`.
pub fn after(last: Option<&str>) -> String {
    match last {
        None | Some("") => "a0".to_owned(),
        // What this module didn't make, or the very last position, is put after by lengthening it.
        Some(last) => next(last).unwrap_or_else(|| format!("{last}V")),
    }
}

fn next(position: &str) -> Option<String> {
    let (length, digits) = position.as_bytes().split_first()?;
    let count = usize::from(length.checked_sub(b'a')?) + 1;
    if !length.is_ascii_lowercase() || digits.len() != count {
        return None;
    }
    let mut digits: Vec<usize> = digits
        .iter()
        .map(|digit| DIGITS.iter().position(|known| known == digit))
        .collect::<Option<_>>()?;
    match digits.iter().rposition(|digit| *digit < DIGITS.len() - 1) {
        Some(at) => {
            digits[at] += 1;
            digits[at + 1..].fill(0);
            Some(spell(*length, &digits))
        }
        None if *length < b'z' => Some(spell(length + 1, &vec![0; count + 1])),
        None => None,
    }
}

fn spell(length: u8, digits: &[usize]) -> String {
    std::iter::once(char::from(length))
        .chain(digits.iter().map(|digit| char::from(DIGITS[*digit])))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn appending_stays_short_and_in_order() {
        let mut last = after(None);
        for _ in 0..100_000 {
            let next = after(Some(&last));
            assert!(next > last, "{next} after {last}");
            last = next;
        }
        assert!(last.len() <= 4, "{last}");
    }

    proptest! {
        #[test]
        fn after_anything(text in ".*") {
            prop_assert!(after(Some(&text)) > text);
        }
    }
}
