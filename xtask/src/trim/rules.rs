//! What may be left out, by the names of functions.

/// What becomes of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is never called. If it was, the app would break down as by a panic.
    Trap,
    /// It does nothing, and answers 0, which is `Ok(())`.
    Zero,
}

/// A part of functions' names, and what becomes of these functions.
const RULES: [(&str, Fate); 4] = [
    // The page is hydrated at once. Only `hydrate_lazy` awaits parts of a page.
    ("hydrate_async", Fate::Trap),
    // Streams come with server functions, and the app has none. JavaScript can't reach these either, for
    // nobody gives it an instance.
    ("wasm_streams::", Fate::Trap),
    // serde_json decodes all numbers to `f64`, unless a field is an `f32`.
    ("::<f32>", Fate::Trap),
    // serde says which number it found in the place of something else: in a message to developers.
    ("<f64 as core::fmt::Display>::fmt", Fate::Zero),
];

/// wasm-bindgen runs these functions to learn the types of others.
const DESCRIPTIONS: &str = "describe";

pub fn fate(name: &str) -> Option<Fate> {
    if name.contains(DESCRIPTIONS) {
        return None;
    }
    RULES.iter().find(|(part, _)| name.contains(part)).map(|(_, fate)| *fate)
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
    fn what_wasm_bindgen_runs_is_kept() {
        let name =
            "<wasm_streams::readable::Source as wasm_bindgen::describe::WasmDescribe>::describe";
        assert_eq!(fate(name), None);
        assert_eq!(fate("<wasm_streams::readable::Source>::pull"), Some(Fate::Trap));
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
