//! Positions of rows: texts whose order is the order of the rows, with room between any two.
//!
//! A model keeps a position in a field and returns it from [`Model::order`](crate::Model::order).
//! To move a row is then an edit of that one field.
//!
//! A position is a path of integers. Paths are compared integer by integer, and a path sorts before
//! its extensions. An integer is written as a letter, which gives its sign and its number of digits,
//! followed by the digits: `a0`, `a1`, …, `az`, `b00` from zero upwards, and `Zz`, `Zy`, …, `Z0`,
//! `Yzz` below zero. The byte order of the texts is therefore the order of the paths.
//!
//! Appending yields a few characters, however many rows there are. So does inserting repeatedly
//! before the same row, or repeatedly after it. Only alternating between the two inside one gap
//! grows without bound, by about one character for every two insertions; [`make_room`] shortens
//! such positions again.
//!
//! Every other text is a valid position too, and is compared byte by byte.
//!
//! Two users who don't see each other's edits may choose the same position. Such rows are sorted by
//! their ids.

/// The length in bytes up to which positions may grow before [`make_room`] moves other rows.
pub const LENGTH_LIMIT: usize = 512;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Maximum number of digits of an integer. Nobody inserts 62¹⁰ rows.
const LONGEST: u32 = 10;
/// The step between integers after the first one of a path. The gap keeps paths short.
const STRIDE: i64 = 16;

/// A position after `last`, which may be any text. Without `last`, the position of a first row.
pub fn after(last: Option<&str>) -> String {
    match last {
        None | Some("") => encode(0),
        // Another text, which this module didn't make: a longer one comes after it.
        Some(last) => first_number(last)
            .map_or_else(|| format!("{last}V"), |(number, _)| encode(number.saturating_add(1))),
    }
}

/// A position after `before` and before `next`, which may be any texts. `None` stands for the start
/// or the end of the rows.
///
/// If no text lies between the two, because they are equal, in the wrong order or too close, the
/// result is after `before`.
pub fn between(before: Option<&str>, next: Option<&str>) -> String {
    let (before, Some(next)) = (before.unwrap_or_default(), next) else { return after(before) };
    let is_between = |position: &String| before < position.as_str() && position.as_str() < next;
    path(before)
        .zip(path(next))
        .and_then(|(before, next)| path_between(&before, &next))
        .filter(is_between)
        .or_else(|| text_between(before, next).filter(is_between))
        .unwrap_or_else(|| format!("{before}V"))
}

/// Positions that place a row directly after `before` and in front of the rows at `following`,
/// which are in ascending order.
///
/// The first result is the position of the row itself. Each further result is the new position of
/// the next row of `following`. A following row has to move if its position equals `before`, or if
/// a position in front of it would be longer than [`LENGTH_LIMIT`]. In the second case enough rows
/// move to leave room for hundreds of insertions.
pub fn make_room(before: Option<&str>, following: &[&str]) -> Vec<String> {
    let lowest = before.unwrap_or_default();
    let mut moved = following.iter().take_while(|next| **next <= lowest).count();
    let mut longest = LENGTH_LIMIT;
    while let Some(next) = following.get(moved) {
        if let Some(positions) = several(before, Some(next), moved + 1, longest) {
            return positions;
        }
        moved = 2 * moved + 1;
        longest = LENGTH_LIMIT / 4;
    }
    let mut positions: Vec<String> = Vec::with_capacity(following.len() + 1);
    for _ in 0..=following.len() {
        positions.push(after(positions.last().map(String::as_str).or(before)));
    }
    positions
}

/// `count` ascending positions between the two, or `None` if one would be longer than `longest`.
fn several(
    before: Option<&str>,
    next: Option<&str>,
    count: usize,
    longest: usize,
) -> Option<Vec<String>> {
    let mut positions: Vec<String> = Vec::with_capacity(count);
    for _ in 0..count {
        let position = between(positions.last().map(String::as_str).or(before), next);
        let is_between = next.is_none_or(|next| position.as_str() < next);
        if !is_between || position.len() > longest {
            return None;
        }
        positions.push(position);
    }
    Some(positions)
}

fn path_between(before: &[i64], next: &[i64]) -> Option<String> {
    let common = before.iter().zip(next).take_while(|(one, other)| one == other).count();
    let step = |level: usize| if level == 0 { 1 } else { STRIDE };
    let (shared, high) = (&next[..common], *next.get(common)?);
    let Some(low) = before.get(common).copied() else {
        return Some(encode_path(shared, high.checked_sub(step(common))?));
    };
    let gap = high.checked_sub(low)?;
    if gap > 1 {
        return Some(encode_path(shared, low + step(common).min(gap / 2)));
    }
    if next.len() > common + 1 {
        return Some(encode_path(shared, high));
    }
    let shared = &before[..=common];
    match before.get(common + 1) {
        Some(number) => Some(encode_path(shared, number.checked_add(STRIDE)?)),
        None => Some(encode_path(shared, 0)),
    }
}

/// A text between any two texts, or `None` if there is none.
fn text_between(before: &str, next: &str) -> Option<String> {
    let common: usize = before
        .chars()
        .zip(next.chars())
        .take_while(|(one, other)| one == other)
        .map(|(one, _)| one.len_utf8())
        .sum();
    let (mut text, high) = (next[..common].to_owned(), &next[common..]);
    let low = before[common..].chars().next();
    let mut high = high.chars();
    loop {
        let ceiling = high.next()?;
        if let Some(found) = character_between(low, ceiling) {
            text.push(found);
            return Some(text);
        }
        if low.is_some() {
            // Every extension of `before` sorts before `next`.
            return Some(lengthened(before, common));
        }
        if ceiling > '\0' {
            text.push_str("\0V");
            return Some(text);
        }
        text.push(ceiling);
    }
}

/// A character between the two, preferably a digit. The lowest digit is avoided, as it leaves
/// little room below it.
fn character_between(low: Option<char>, high: char) -> Option<char> {
    let fits = |digit: &char| low.is_none_or(|low| low < *digit) && *digit < high;
    let digits: Vec<char> =
        DIGITS[1..].iter().map(|digit| char::from(*digit)).filter(fits).collect();
    if let Some(digit) = digits.get(digits.len() / 2) {
        return Some(*digit);
    }
    let low = low.map_or(0, u32::from);
    let high = u32::from(high).min(0x7f);
    (high > low + 1).then(|| char::from_u32(low + (high - low) / 2)).flatten()
}

/// A short text after `before` that shares more than its first `common` bytes.
fn lengthened(before: &str, common: usize) -> String {
    let first = before[common..].chars().next().map_or(0, char::len_utf8);
    let rest = &before[common + first..];
    for (at, digit) in rest.char_indices() {
        if let Some(found) = character_between(Some(digit), '{') {
            return format!("{}{found}", &before[..common + first + at]);
        }
    }
    format!("{before}V")
}

/// The integers of a position, or `None` if this module didn't make it.
fn path(mut position: &str) -> Option<Vec<i64>> {
    let mut path = Vec::new();
    while !position.is_empty() {
        let (number, rest) = first_number(position)?;
        path.push(number);
        position = rest;
    }
    Some(path)
}

/// The integer at the start of a text, and the rest of the text.
fn first_number(position: &str) -> Option<(i64, &str)> {
    let letter = *position.as_bytes().first()?;
    let (length, is_negative) = match letter {
        b'a'..=b'z' => (u32::from(letter - b'a') + 1, false),
        b'A'..=b'Z' => (u32::from(b'Z' - letter) + 1, true),
        _ => return None,
    };
    let end = 1 + length as usize;
    if length > LONGEST || !position.is_char_boundary(end) {
        return None;
    }
    let mut number = 0;
    for digit in position.get(1..end)?.bytes() {
        let value = DIGITS.binary_search(&digit).ok()?;
        number = number * 62 + i64::try_from(value).ok()?;
    }
    let shorter = fewer_than(length);
    let number = if is_negative { number - fewer_than(length + 1) } else { number + shorter };
    Some((number, &position[end..]))
}

/// How many integers of one sign have fewer than `length` digits.
fn fewer_than(length: u32) -> i64 {
    (1..length).map(|length| 62_i64.pow(length)).sum()
}

fn encode_path(shared: &[i64], last: i64) -> String {
    shared.iter().chain([&last]).map(|number| encode(*number)).collect()
}

fn encode(number: i64) -> String {
    let size = if number < 0 { -(number + 1) } else { number };
    let mut length = 1;
    while length < LONGEST && fewer_than(length + 1) <= size {
        length += 1;
    }
    let below = size - fewer_than(length);
    let (first, mut value) =
        if number < 0 { (b'Z', 62_i64.pow(length) - 1 - below) } else { (b'a', below) };
    let mut digits = Vec::new();
    for _ in 0..length {
        digits.push(DIGITS[usize::try_from(value % 62).unwrap_or_default()]);
        value /= 62;
    }
    // At most LONGEST, so it fits.
    let offset = u8::try_from(length - 1).unwrap_or_default();
    digits.push(if number < 0 { first - offset } else { first + offset });
    digits.iter().rev().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn encoded_integers_sort_like_integers() {
        for number in [-250_000, -3_907, -3_906, -63, -62, -1, 0, 61, 62, 3_905, 3_906, 250_000] {
            assert_eq!(first_number(&encode(number)), Some((number, "")));
            assert!(encode(number) < encode(number + 1), "{number}");
        }
        assert_eq!([encode(0), encode(61), encode(62)], ["a0", "az", "b00"]);
        assert_eq!([encode(-1), encode(-62), encode(-63)], ["Zz", "Z0", "Yzz"]);
    }

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

    #[test]
    fn inserting_repeatedly_beside_one_row_stays_short() {
        let (low, high) = (after(None), after(Some("a0")));
        let (mut from_below, mut from_above, mut front) = (low.clone(), high.clone(), low.clone());
        for _ in 0..10_000 {
            let next = between(Some(&from_below), Some(&high));
            assert!(from_below < next && next < high);
            from_below = next;
            let next = between(Some(&low), Some(&from_above));
            assert!(low < next && next < from_above);
            from_above = next;
            let next = between(None, Some(&front));
            assert!(next < front);
            front = next;
        }
        for longest in [from_below, from_above, front] {
            assert!(longest.len() <= 8, "{longest}");
        }
    }

    #[test]
    fn there_is_room_below_the_lowest_characters() {
        for (low, high) in [("", "\u{1}"), ("a", "a\u{1}"), ("", "\0\u{1}")] {
            let position = between(Some(low), Some(high));
            assert!(low < position.as_str() && position.as_str() < high, "{position:?}");
        }
    }

    /// The worst case. Without `make_room` it would take thousands of bytes.
    #[test]
    fn alternating_in_one_gap_stays_within_the_limit() {
        let mut positions = vec!["a0".to_owned(), "a1".to_owned()];
        let mut at = 1;
        let mut rewritten = 0;
        for turn in 0..10_000 {
            let following: Vec<&str> = positions[at..].iter().map(String::as_str).collect();
            let mut made = make_room(Some(&positions[at - 1]), &following).into_iter();
            let own = made.next().unwrap();
            for (place, position) in made.enumerate() {
                positions[at + place] = position;
                rewritten += 1;
            }
            positions.insert(at, own);
            at += turn % 2;
        }
        assert!(positions.is_sorted_by(|one, other| one < other));
        assert!(positions.iter().all(|position| position.len() <= LENGTH_LIMIT));
        assert!(rewritten < 10_000, "{rewritten}");
    }

    #[test]
    fn alternating_grows_as_documented() {
        let (mut low, mut high) = ("a0".to_owned(), "a1".to_owned());
        for turn in 0..1000 {
            let next = between(Some(&low), Some(&high));
            assert!(low < next && next < high);
            *(if turn % 2 == 0 { &mut low } else { &mut high }) = next;
        }
        assert!((300..=512).contains(&low.len()), "{}", low.len());
    }

    #[test]
    fn rows_of_equal_position_move() {
        assert_eq!(make_room(Some("a0"), &["a0", "a0", "a1"]).len(), 3);
        let positions = make_room(Some("a0"), &["a0", "a0", "a1"]);
        assert!(positions.is_sorted_by(|one, other| one < other));
        assert!(positions.iter().all(|position| ("a0".."a1").contains(&position.as_str())));
        assert_eq!(make_room(None, &[]), ["a0"]);
        assert_eq!(make_room(Some("a0"), &["a0"]), ["a1", "a2"]);
        assert_eq!(make_room(None, &["", ""]), ["a0", "a1", "a2"]);
        assert_eq!(make_room(Some("a0"), &["a2"]), ["a1"]);
    }

    proptest! {
        #[test]
        fn after_anything(text in ".*") {
            prop_assert!(after(Some(&text)) > text);
        }

        #[test]
        fn between_anything_that_has_room(one in ".{0,6}", other in ".{0,6}") {
            let (low, high) = if one < other { (&one, &other) } else { (&other, &one) };
            // No text lies between a text and the same text followed by a NUL.
            prop_assume!(low != high && !high.contains('\0'));
            let position = between(Some(low), Some(high));
            prop_assert!(*low < position && position < *high, "{low:?} {position:?} {high:?}");
        }

        #[test]
        fn between_paths(one in prop::collection::vec(-70_i64..70, 1..5),
            other in prop::collection::vec(-70_i64..70, 1..5)) {
            let encoded = |path: &[i64]| path.iter().map(|number| encode(*number)).collect::<String>();
            prop_assert_eq!(one.cmp(&other), encoded(&one).cmp(&encoded(&other)));
            prop_assume!(one != other);
            let (low, high) = (encoded(one.clone().min(other.clone()).as_slice()), encoded(&one.max(other)));
            let position = between(Some(&low), Some(&high));
            prop_assert!(path(&position).is_some(), "{}", position);
            prop_assert!(low < position && position < high);
        }

        #[test]
        fn moved_rows_are_in_the_wanted_order(
            moves in prop::collection::vec((0_usize..20, 0_usize..20), 1..200),
            equal in any::<bool>(),
        ) {
            // The rows in the wanted order, and the position of each row.
            let mut wanted: Vec<usize> = (0..20).collect();
            let mut positions = vec!["a0".to_owned(); 20];
            if !equal {
                for at in 1..20 {
                    positions[at] = after(Some(&positions[at - 1]));
                }
            }
            for (from, to) in moves {
                let moved = wanted.remove(from);
                let to = to.min(wanted.len());
                let before = to.checked_sub(1).map(|at| positions[wanted[at]].clone());
                let following: Vec<&str> =
                    wanted[to..].iter().map(|row| positions[*row].as_str()).collect();
                let mut made = make_room(before.as_deref(), &following).into_iter();
                positions[moved] = made.next().unwrap();
                for (place, position) in made.enumerate() {
                    positions[wanted[to + place]] = position;
                }
                wanted.insert(to, moved);
                let mut sorted: Vec<usize> = (0..20).collect();
                sorted.sort_by_key(|row| (positions[*row].clone(), *row));
                prop_assert_eq!(&sorted, &wanted);
            }
        }
    }
}
