//! What may be left out, by the names of functions.

/// What becomes of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is never called. If it was, the app would break down as by a panic.
    Trap,
    /// It does nothing, and answers 0, which is `Ok(())`.
    Zero,
}

/// How functions' names begin, and what becomes of these functions. What only they call is left out with
/// them. A rule for functions inside of others would be wrong: the compiler makes one of functions that are
/// the same, which small ones are, and keeps any of their names.
const RULES: [(&str, Fate); 15] = [
    // The page is hydrated at once. Only `hydrate_lazy` awaits parts of a page.
    ("<_ as tachys::view::any_view::IntoAny>::into_any::hydrate_async::<", Fate::Trap),
    // Streams come with server functions, and the app has none. JavaScript can't reach these either, for
    // nobody gives it an instance.
    ("intounderlying", Fate::Trap),
    ("__wbg_intounderlying", Fate::Trap),
    // `{:?}` is for developers, who have a debug build. `Debug` itself has no rule: some of it is the same
    // as `Display`.
    ("<str as core::fmt::Debug>::fmt", Fate::Zero),
    ("<core::fmt::Formatter>::debug_struct_field", Fate::Zero),
    ("<core::fmt::Formatter>::debug_tuple_field", Fate::Zero),
    ("<core::fmt::builders::", Fate::Trap),
    // serde says what it found in the place of something else: in a message to developers, too.
    ("<serde_core::de::Unexpected as core::fmt::Display>::fmt", Fate::Zero),
    ("<serde_json::error::JsonUnexpected as core::fmt::Display>::fmt", Fate::Zero),
    // No person hears of what is wrong with a revision's name, with bytes, or with JSON.
    ("<settee_store::revision::RevisionError as core::fmt::Display>::fmt", Fate::Zero),
    ("<core::str::error::Utf8Error as core::fmt::Display>::fmt", Fate::Zero),
    ("<serde_json::error::Error as core::fmt::Display>::fmt", Fate::Zero),
    // The same of frames: people are told that they can't be read.
    ("<minicbor::decode::error::Error as core::fmt::Display>::fmt", Fate::Zero),
    ("<minicbor::data::Type as core::fmt::Display>::fmt", Fate::Zero),
    ("<serde_json::error::ErrorCode as core::fmt::Display>::fmt", Fate::Zero),
];

pub fn fate(name: &str) -> Option<Fate> {
    if name.contains("{closure") {
        return None;
    }
    RULES.iter().find(|(start, _)| name.starts_with(start)).map(|(_, fate)| *fate)
}

/// Whether it is the standard library that a function belongs to.
pub fn is_of_library(name: &str) -> bool {
    let path = name.trim_start_matches('<');
    ["core::", "alloc::", "std::", "__rustc::"].iter().any(|library| path.starts_with(library))
}

/// Whether every panic goes through it.
pub fn is_panic(name: &str) -> bool {
    name.starts_with("core::panicking::panic_fmt")
        || name.starts_with("std::panicking::panic_with_hook")
        || name.starts_with("__rustc::rust_begin_unwind")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_about_the_function_itself() {
        assert_eq!(fate("intounderlyingsource_pull_58a9338f50bce61c"), Some(Fate::Trap));
        assert_eq!(fate("__wbindgen_describe_intounderlyingsource_pull_58a9338f50bce61c"), None);
        assert_eq!(fate("<core::fmt::builders::DebugSet>::finish::<()>::{closure#0}"), None);
        assert_eq!(fate("settee_store::database::open"), None);
    }

    #[test]
    fn the_standard_library_is_known_by_the_start_of_a_path() {
        for (name, expected) in [
            ("core::panicking::panic_fmt", true),
            ("<alloc::vec::Vec<_>>::remove::assert_failed", true),
            ("settee_store::core::panicking", false),
            ("wasm_bindgen::throw_str", false),
        ] {
            assert_eq!(is_of_library(name), expected, "{name}");
        }
    }
}
