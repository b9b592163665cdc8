//! The order of todos: texts that sort as the todos stand, with room between any two of them.
//!
//! A position is a path of whole numbers, compared one by one; a path stands before those that go
//! on from it. A number is a letter that tells how many digits follow, and the digits: `a0`, `a1`,
//! …, `az`, `b00`, and below nought `Zz`, `Zy`, …, `Z0`, `Yzz`. So appending to a list makes a
//! position of a few characters, however long the list is, and so does inserting again and
//! again before or after the same todo. Only taking turns between the two grows without end, by
//! about one character for each two turns; see [`make_room`] for what is done then.
//!
//! Any other text is a position too: what this module didn't make is compared as it is.
//!
//! Todos of equal position, put there by people who didn't see each other, stand in the order of
//! their ids.

use crate::validate::POSITION_LIMIT;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Most digits of a number. Nobody inserts 62¹⁰ todos.
const LONGEST: u32 = 10;
/// What is left free between numbers below the first, so that few insertions lengthen the path.
const STRIDE: i64 = 16;

/// A position after `last`, or the first one. Any text will do as `last`.
pub fn after(last: Option<&str>) -> String {
    match last {
        None | Some("") => spell(0),
        // What this module didn't make is put after by lengthening it.
        Some(last) => first_number(last)
            .map_or_else(|| format!("{last}V"), |(number, _)| spell(number.saturating_add(1))),
    }
}

/// A position between two, of which `before` is the smaller; `None` is the end of the list. Any
/// texts will do, but there has to be something between them: where there isn't, because they are
/// equal or the wrong way round, what comes back is after `before`.
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

/// The positions that put a todo directly after `before`, and in front of those `following`,
/// which are given in their order. The first is the todo's own. Each further one is for the next of
/// those following, which has to give way: it has the same position as `before`, or there is no
/// room left in front of it that a position of [`POSITION_LIMIT`] bytes could name. Then so many
/// give way that there is room for hundreds of turns to come.
pub fn make_room(before: Option<&str>, following: &[&str]) -> Vec<String> {
    let lowest = before.unwrap_or_default();
    let mut giving_way = following.iter().take_while(|next| **next <= lowest).count();
    let mut longest = POSITION_LIMIT;
    while let Some(next) = following.get(giving_way) {
        if let Some(positions) = several(before, Some(next), giving_way + 1, longest) {
            return positions;
        }
        giving_way = 2 * giving_way + 1;
        longest = POSITION_LIMIT / 4;
    }
    let mut positions: Vec<String> = Vec::with_capacity(following.len() + 1);
    for _ in 0..=following.len() {
        positions.push(after(positions.last().map(String::as_str).or(before)));
    }
    positions
}

/// Rising positions between two, if there are such of at most so many bytes.
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
        return Some(spell_path(shared, high.checked_sub(step(common))?));
    };
    let gap = high.checked_sub(low)?;
    if gap > 1 {
        return Some(spell_path(shared, low + step(common).min(gap / 2)));
    }
    if next.len() > common + 1 {
        return Some(spell_path(shared, high));
    }
    let shared = &before[..=common];
    match before.get(common + 1) {
        Some(number) => Some(spell_path(shared, number.checked_add(STRIDE)?)),
        None => Some(spell_path(shared, 0)),
    }
}

/// Between texts of any kind. `None` where nothing is.
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
            // Whatever begins with all of `before` is below `next`.
            return Some(lengthened(before, common));
        }
        text.push(ceiling);
    }
}

/// A character between two, a digit if there is one. Never the lowest digit without need: there
/// is little room below it.
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

/// A text after `before` that begins as it does for more than `common` bytes, and is short.
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

/// A position that this module has made, as numbers.
fn path(mut position: &str) -> Option<Vec<i64>> {
    let mut path = Vec::new();
    while !position.is_empty() {
        let (number, rest) = first_number(position)?;
        path.push(number);
        position = rest;
    }
    Some(path)
}

/// The number that a text begins with, and the rest of it.
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

/// How many numbers of one sign have less digits than that.
fn fewer_than(length: u32) -> i64 {
    (1..length).map(|length| 62_i64.pow(length)).sum()
}

fn spell_path(shared: &[i64], last: i64) -> String {
    shared.iter().chain([&last]).map(|number| spell(*number)).collect()
}

fn spell(number: i64) -> String {
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
    // No more than LONGEST.
    let offset = u8::try_from(length - 1).unwrap_or_default();
    digits.push(if number < 0 { first - offset } else { first + offset });
    digits.iter().rev().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_spelt_in_their_order() {
        for number in [-250_000, -3_907, -3_906, -63, -62, -1, 0, 61, 62, 3_905, 3_906, 250_000] {
            assert_eq!(first_number(&spell(number)), Some((number, "")));
            assert!(spell(number) < spell(number + 1), "{number}");
        }
        assert_eq!([spell(0), spell(61), spell(62)], ["a0", "az", "b00"]);
        assert_eq!([spell(-1), spell(-62), spell(-63)], ["Zz", "Z0", "Yzz"]);
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
    fn inserting_beside_one_todo_again_and_again_stays_short() {
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

    /// The worst that can be done. Without making room it would take thousands of bytes.
    #[test]
    fn taking_turns_in_one_gap_stays_within_the_limit() {
        let mut list = vec!["a0".to_owned(), "a1".to_owned()];
        let mut at = 1;
        let mut rewritten = 0;
        for turn in 0..10_000 {
            let following: Vec<&str> = list[at..].iter().map(String::as_str).collect();
            let mut positions = make_room(Some(&list[at - 1]), &following).into_iter();
            let own = positions.next().unwrap();
            for (place, position) in positions.enumerate() {
                list[at + place] = position;
                rewritten += 1;
            }
            list.insert(at, own);
            at += turn % 2;
        }
        assert!(list.is_sorted_by(|one, other| one < other));
        assert!(list.iter().all(|position| position.len() <= POSITION_LIMIT));
        assert!(rewritten < 10_000, "{rewritten}");
    }

    #[test]
    fn turns_grow_as_the_documentation_says() {
        let (mut low, mut high) = ("a0".to_owned(), "a1".to_owned());
        for turn in 0..1000 {
            let next = between(Some(&low), Some(&high));
            assert!(low < next && next < high);
            *(if turn % 2 == 0 { &mut low } else { &mut high }) = next;
        }
        assert!((300..=512).contains(&low.len()), "{}", low.len());
    }

    #[test]
    fn those_of_equal_position_give_way() {
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
            // Right after a text comes the same with a NUL.
            prop_assume!(low != high && !high.contains('\0'));
            let position = between(Some(low), Some(high));
            prop_assert!(*low < position && position < *high, "{low:?} {position:?} {high:?}");
        }

        #[test]
        fn between_paths(one in prop::collection::vec(-70_i64..70, 1..5),
            other in prop::collection::vec(-70_i64..70, 1..5)) {
            let spelt = |path: &[i64]| path.iter().map(|number| spell(*number)).collect::<String>();
            prop_assert_eq!(one.cmp(&other), spelt(&one).cmp(&spelt(&other)));
            prop_assume!(one != other);
            let (low, high) = (spelt(one.clone().min(other.clone()).as_slice()), spelt(&one.max(other)));
            let position = between(Some(&low), Some(&high));
            prop_assert!(path(&position).is_some(), "{}", position);
            prop_assert!(low < position && position < high);
        }

        #[test]
        fn moves_put_rows_where_they_are_wanted(
            moves in prop::collection::vec((0_usize..20, 0_usize..20), 1..200),
            equal in any::<bool>(),
        ) {
            // The names of rows, in the order that is wanted, and what they are sorted by.
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
