//! How long texts may be. People count characters, which are Unicode scalar values here: an emoji counts as one, or as a
//! few if it is made of several, and so it is on every device and for the server.

/// Longest title of a todo, in characters.
pub const TITLE_LIMIT: usize = 64 * 1024;
/// Longest name of a list, in characters.
pub const NAME_LIMIT: usize = 1024;
/// Longest name of a person, in characters.
pub const PERSON_LIMIT: usize = 60;

/// What fields in a page take as a list's name. The attribute `maxlength` would count an emoji twice.
pub const NAME_PATTERN: &str = ".{0,1024}";
/// What they take as a person's name.
pub const PERSON_PATTERN: &str = ".{0,60}";

/// Whether a text has at most that many characters.
pub fn fits(text: &str, limit: usize) -> bool {
    // In UTF-8 each character has one byte that doesn't go on with another.
    text.bytes().filter(|byte| byte & 0xc0 != 0x80).count() <= limit
}

/// The beginning of a text that has at most that many characters.
pub fn cut(text: &str, limit: usize) -> &str {
    text.char_indices().nth(limit).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_have_the_same_limits() {
        assert_eq!(NAME_PATTERN, format!(".{{0,{NAME_LIMIT}}}"));
        assert_eq!(PERSON_PATTERN, format!(".{{0,{PERSON_LIMIT}}}"));
    }

    proptest! {
        #[test]
        fn characters_are_counted(text in "[a-zé😀]{0,40}", limit in 0_usize..40) {
            prop_assert_eq!(fits(&text, limit), text.chars().count() <= limit);
            let cut = cut(&text, limit);
            prop_assert!(text.starts_with(cut) && fits(cut, limit));
            prop_assert!(cut == text || cut.chars().count() == limit);
        }
    }
}
