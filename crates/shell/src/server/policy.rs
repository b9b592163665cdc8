//! The page's content security policy: its own files, and the inline scripts and styles that are in
//! it, by their hash.

use axum::http::HeaderValue;
use data_encoding::BASE64;
use leptos::config::{LeptosOptions, ReloadWSProtocol};
use sha2::{Digest, Sha256};

use super::error::ShellError;

const NONE: &str = "'none'";
const DIRECTIVES: [(&str, &str); 12] = [
    ("default-src", NONE),
    // A browser compiles WebAssembly only where this is allowed.
    ("script-src", "'self' 'wasm-unsafe-eval'"),
    ("style-src", "'self'"),
    ("img-src", "'self' data:"),
    ("font-src", "'self'"),
    ("media-src", "'self'"),
    ("connect-src", "'self'"),
    ("manifest-src", "'self'"),
    ("worker-src", "'self'"),
    ("base-uri", NONE),
    ("form-action", NONE),
    ("frame-ancestors", NONE),
];

/// The directives with their sources, in order.
pub(super) struct Policy(Vec<(String, String)>);

impl Policy {
    pub(super) fn of_page(html: &str) -> Self {
        let directives = DIRECTIVES.map(|(name, sources)| (name.to_owned(), sources.to_owned()));
        let mut policy = Self(directives.into());
        for (directive, element) in [("script-src", "script"), ("style-src", "style")] {
            for text in inline(html, element) {
                let hash = BASE64.encode(&Sha256::digest(text));
                policy.allow(directive, &format!("'sha256-{hash}'"));
            }
        }
        policy
    }

    /// Allows one source more; a directive that isn't there yet is added.
    pub(super) fn allow(&mut self, directive: &str, source: &str) {
        match self.0.iter_mut().find(|(name, _)| name == directive) {
            Some((_, sources)) if sources == NONE => source.clone_into(sources),
            Some((_, sources)) => sources.extend([" ", source]),
            None => self.0.push((directive.to_owned(), source.to_owned())),
        }
    }

    /// Allows the page to listen for cargo-leptos, which tells it to reload.
    pub(super) fn allow_reload(&mut self, options: &LeptosOptions) {
        let scheme = match options.reload_ws_protocol {
            ReloadWSProtocol::WS => "ws",
            ReloadWSProtocol::WSS => "wss",
        };
        let port = options.reload_external_port.unwrap_or(options.reload_port);
        self.allow("connect-src", &format!("{scheme}://*:{port}"));
    }

    pub(super) fn header(&self) -> Result<HeaderValue, ShellError> {
        let directives = self.0.iter().map(|(name, sources)| format!("{name} {sources}"));
        header(&directives.collect::<Vec<_>>().join("; "))
    }
}

pub(super) fn header(value: &str) -> Result<HeaderValue, ShellError> {
    HeaderValue::try_from(value).map_err(|_| ShellError::Header { value: value.to_owned() })
}

/// The texts between the tags of an element, where it isn't loaded from an address.
fn inline<'a>(html: &'a str, element: &str) -> impl Iterator<Item = &'a str> {
    let (start, end) = (format!("<{element}"), format!("</{element}>"));
    let rests = html.match_indices(&start).map(|(at, tag)| &html[at + tag.len()..]);
    let texts = rests.filter_map(|rest| {
        let (attributes, rest) = rest.split_once('>')?;
        let (text, _) = rest.split_once(&end)?;
        let is_element = attributes.is_empty() || attributes.starts_with(char::is_whitespace);
        (is_element && !attributes.contains(" src=")).then_some(text)
    });
    texts.collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_scripts_are_allowed_by_their_hash() {
        let html = r#"<script type="module">go()</script><script src="/a.js"></script>"#;
        assert_eq!(inline(html, "script").collect::<Vec<_>>(), ["go()"]);
        let mut policy = Policy::of_page(html);
        let text = policy.header().unwrap();
        let text = text.to_str().unwrap();
        let hash = "'sha256-5KYv+PUboo5h+0+YAtGRPbwv5d/QxzHslP4YGnUaxRw='";
        assert!(text.contains(hash), "{text}");
        assert_eq!(text.matches("sha256-").count(), 1);
        assert!(!text.contains("unsafe-inline") && !text.contains("ws:"), "{text}");
        policy.allow_reload(&LeptosOptions::builder().output_name("notes").build());
        let text = policy.header().unwrap();
        let text = text.to_str().unwrap();
        assert!(text.contains("connect-src 'self' ws://*:3001;"), "{text}");
    }

    #[test]
    fn inline_styles_are_allowed_by_their_hash_and_other_elements_are_not_mistaken() {
        let html = "<style>p{}</style><style-guide>q</style-guide>";
        assert_eq!(inline(html, "style").collect::<Vec<_>>(), ["p{}"]);
        let text = Policy::of_page(html).header().unwrap();
        assert!(text.to_str().unwrap().contains("style-src 'self' 'sha256-"), "{text:?}");
    }

    #[test]
    fn a_source_replaces_none() {
        let mut policy = Policy::of_page("");
        policy.allow("form-action", "'self'");
        policy.allow("frame-src", "https://maps.example");
        let text = policy.header().unwrap();
        let text = text.to_str().unwrap();
        assert!(text.contains("form-action 'self';"), "{text}");
        assert!(text.ends_with("frame-src https://maps.example"), "{text}");
        policy.allow("frame-src", "a\nb");
        assert!(policy.header().is_err());
    }
}
