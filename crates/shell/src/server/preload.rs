//! What the page asks for before it is known that it needs it.

/// Lets browsers fetch a module beside those that the page names already. It is imported by another one, and
/// would be asked for only when that one has come. The end of the head doesn't hydrate.
pub(super) fn insert(html: &str, module: Option<&str>) -> String {
    let Some((module, (before, after))) = module.zip(html.split_once("</head>")) else {
        return html.to_owned();
    };
    format!("{before}<link rel=\"modulepreload\" href=\"{module}\"></head>{after}")
}
