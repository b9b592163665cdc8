//! The page's addresses, as axum and as the service worker know them.

/// The address of a route that has no parameters.
pub(super) fn plain(routes: &[String]) -> Option<&str> {
    routes.iter().map(String::as_str).find(|route| !route.contains(['{', '}']))
}

/// A JavaScript regular expression of the paths that axum's route matches: `{name}` is one
/// segment, `{*name}` is the rest, `{{` and `}}` are braces.
pub(super) fn regular_expression(route: &str) -> String {
    let mut pattern = String::from("^");
    let mut rest = route;
    while let Some(next) = rest.chars().next() {
        let doubled = rest.starts_with("{{") || rest.starts_with("}}");
        if next == '{'
            && !doubled
            && let Some((parameter, after)) = rest.split_once('}')
        {
            pattern += if parameter.starts_with("{*") { ".+" } else { "[^/]+" };
            rest = after;
            continue;
        }
        if r"\.+*?()|[]{}^$".contains(next) {
            pattern.push('\\');
        }
        pattern.push(next);
        rest = &rest[next.len_utf8() * (1 + usize::from(doubled))..];
    }
    pattern + "$"
}
