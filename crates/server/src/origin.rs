//! Which pages may connect. Access needs credentials, never a cookie, so this is a second line of
//! defence: pages of other sites can't even present credentials.

use std::str::FromStr;

use axum::http::{
    HeaderMap,
    header::{HOST, ORIGIN},
};
use thiserror::Error;

/// Where a proxy says how its client has asked.
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// An address that pages may come from: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

/// The text is no origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an origin is http:// or https://, a host and maybe a port, without a path")]
pub struct OriginError;

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let text = text.trim().trim_end_matches('/').to_ascii_lowercase();
        let host = host_of(&text).ok_or(OriginError)?;
        let is_host = !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ', '*']);
        if is_host { Ok(Self(text)) } else { Err(OriginError) }
    }
}

/// Whether a request may connect: it comes from an allowed page, or from no page at all.
pub fn is_allowed(headers: &HeaderMap, others: &[Origin]) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    // Only browsers send this header.
    let Some(origin) = origins.next() else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    if origins.next().is_some() {
        return false;
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let is_own = host_of(origin).zip(host).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b));
    (is_own && has_scheme(headers, origin))
        || others.iter().any(|other| other.0.eq_ignore_ascii_case(origin))
}

/// Whether the page came the same way as the request. A proxy that speaks TLS says so; without a word
/// of one, either may be right.
fn has_scheme(headers: &HeaderMap, origin: &str) -> bool {
    let proto = headers.get(FORWARDED_PROTO).and_then(|proto| proto.to_str().ok());
    let Some(proto) = proto else { return true };
    let last = proto.rsplit(',').next().unwrap_or_default().trim();
    let is_secure = last.eq_ignore_ascii_case("https") || last.eq_ignore_ascii_case("wss");
    is_secure == origin.starts_with("https://")
}

fn host_of(origin: &str) -> Option<&str> {
    origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn allowed(origin: Option<&'static str>, others: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("app.example:3000"));
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_static(origin));
        }
        let others: Vec<Origin> = others.iter().map(|other| other.parse().unwrap()).collect();
        is_allowed(&headers, &others)
    }

    #[test]
    fn only_the_own_host_and_named_ones() {
        assert!(allowed(None, &[]));
        assert!(allowed(Some("http://app.example:3000"), &[]));
        assert!(allowed(Some("https://APP.example:3000"), &[]));
        for foreign in [
            "http://app.example",
            "http://app.example:3000.evil.example",
            "http://evil.example",
            "null",
            "",
            "app.example:3000",
        ] {
            assert!(!allowed(Some(foreign), &[]), "{foreign}");
        }
        assert!(allowed(Some("https://other.example"), &["https://Other.example/"]));
        assert!(!allowed(Some("http://other.example"), &["https://other.example"]));
    }

    #[test]
    fn the_scheme_is_the_one_that_a_proxy_tells() {
        let came = |origin: &'static str, proto: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("app.example"));
            headers.insert(ORIGIN, HeaderValue::from_static(origin));
            headers.insert(FORWARDED_PROTO, HeaderValue::from_static(proto));
            is_allowed(&headers, &[])
        };
        assert!(came("https://app.example", "https") && came("http://app.example", "http"));
        assert!(!came("http://app.example", "https") && !came("https://app.example", "http"));
        assert!(came("https://app.example", "http, https"));
    }

    #[test]
    fn origins_have_no_path_and_no_wildcard() {
        for wrong in ["other.example", "https://", "https://a/b", "ws://a", "https://*.example"] {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
    }
}
