//! What the page asks for before it is known that it needs it.

/// Lets browsers fetch a module beside those that the page names already. It is imported by another one, and
/// would be asked for only when that one has come.
pub(super) fn insert(html: &str, module: Option<&str>) -> String {
    let place = html.find("<link rel=\"modulepreload\"").or_else(|| html.find("</head>"));
    let Some((module, place)) = module.zip(place) else { return html.to_owned() };
    let (before, after) = html.split_at(place);
    format!("{before}<link rel=\"modulepreload\" href=\"{module}\">{after}")
}
