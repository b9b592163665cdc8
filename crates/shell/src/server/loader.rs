//! The script in the page that brings the next build in, and says when the app doesn't start.

pub(super) const SCRIPT: &str = include_str!("loader.js");

/// Puts the script into the page, at the end of the head if it has one, without what only its readers
/// need. `build` is the build's name.
pub(super) fn insert(html: &str, build: &str) -> String {
    let place = html.find("</head>").or_else(|| html.find("</body>")).unwrap_or(html.len());
    let (before, after) = html.split_at(place);
    let is_code = |line: &&str| !line.is_empty() && !line.starts_with("//");
    let lines = SCRIPT.lines().map(str::trim).filter(is_code);
    let script = lines.collect::<Vec<_>>().join("\n");
    let script = script.trim().replace("'{build}'", &format!("{build:?}"));
    format!("{before}<script>{script}</script>{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_at_the_end_of_the_head_without_its_comments() {
        let html = insert("<head><title>T</title></head><body></body>", "abc");
        assert!(html.starts_with("<head><title>T</title><script>globalThis."), "{html}");
        assert!(html.ends_with(";</script></head><body></body>"), "{html}");
        assert!(html.contains("const BUILD = \"abc\";") && !html.contains("// "), "{html}");
    }

    #[test]
    fn a_page_without_a_head_has_it_at_its_end() {
        assert!(insert("<body>x</body>", "abc").ends_with("</script></body>"));
        assert!(insert("<p>x</p>", "abc").starts_with("<p>x</p><script>"));
    }
}
